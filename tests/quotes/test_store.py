"""What may still be called a price."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.domain.quotes import DaySummary, Quote, Trade, TradingHalt
from core.quotes.store import MemoryQuoteStore


def quote(symbol: str = "QQQ", at: float = 1.0, bid: str = "10") -> Quote:
    return Quote(symbol, Decimal(bid), Decimal(bid) + 1, at, at)


def trade(symbol: str = "SPX", at: float = 1.0) -> Trade:
    return Trade(symbol, Decimal(6000), at, at)


@pytest.fixture
def store() -> MemoryQuoteStore:
    return MemoryQuoteStore()


def test_the_newest_of_each_symbol_is_kept(store: MemoryQuoteStore) -> None:
    store.put_quotes([quote(bid="10"), quote("IWM")])
    store.put_quotes([quote(bid="11", at=2.0)])
    store.put_trades([trade()])
    assert store.quote("QQQ") == quote(bid="11", at=2.0)
    assert set(store.quotes(["QQQ", "IWM", "DIA"])) == {"QQQ", "IWM"}
    assert store.trade("SPX") == trade()
    assert store.quote("DIA") is None
    assert store.trade("QQQ") is None


def test_after_a_disconnect_nothing_is_a_price_until_a_new_event(store: MemoryQuoteStore) -> None:
    store.put_quotes([quote(), quote("IWM")])
    store.put_trades([trade("QQQ")])
    store.invalidate()
    assert store.quote("QQQ") is None
    assert store.trade("QQQ") is None
    assert store.quotes(["QQQ", "IWM"]) == {}
    assert store.last_known_quote("QQQ") == quote()
    assert store.last_known_trade("QQQ") == trade("QQQ")
    store.put_quotes([quote(at=5.0)])
    assert store.quote("QQQ") == quote(at=5.0)
    assert store.quote("IWM") is None
    assert store.trade("QQQ") is None  # a quote does not revive a trade


def test_a_snapshot_proves_no_life(store: MemoryQuoteStore) -> None:
    store.put_quotes([quote(at=1.0), quote("IWM", at=1.5)])
    store.put_trades([trade("QQQ", at=1.6)])
    assert store.last_event_at is None
    assert not store.moved("QQQ")
    store.put_quotes([quote(at=2.0)])
    assert store.last_event_at == 2.0
    assert store.moved("QQQ")
    assert not store.moved("IWM")
    store.invalidate()
    assert store.last_event_at is None
    assert not store.moved("QQQ")
    store.put_quotes([quote(at=3.0)])
    assert store.last_event_at is None


def test_a_symbol_subscribed_afresh_begins_with_a_snapshot_again(store: MemoryQuoteStore) -> None:
    store.put_quotes([quote(at=1.0)])
    store.put_quotes([quote(at=2.0)])
    store.expect_snapshot(["QQQ"])
    store.put_quotes([quote(at=9.0)])
    assert store.last_event_at == 2.0
    assert not store.moved("QQQ")


def test_day_figures_and_halts_are_no_events(store: MemoryQuoteStore) -> None:
    for at in (1.0, 2.0):
        store.put_summaries([DaySummary("QQQ", Decimal(600), None, None, None, at)])
        store.put_halts([TradingHalt("QQQ", True, at)])
    assert store.last_event_at is None
    assert store.summary("QQQ") is not None
    assert store.summary("SPX") is None


def test_a_halt_outlives_a_disconnect_and_ends_by_report(store: MemoryQuoteStore) -> None:
    assert not store.halted("QQQ")
    store.put_halts([TradingHalt("QQQ", True, 1.0)])
    store.invalidate()
    assert store.halted("QQQ")
    store.put_halts([TradingHalt("QQQ", False, 2.0)])
    assert not store.halted("QQQ")


def test_events_are_counted_from_a_mark(store: MemoryQuoteStore) -> None:
    assert store.events_since("QQQ", store.mark("QQQ")) == 0
    store.put_quotes([quote()])
    mark = store.mark("QQQ")
    store.invalidate()
    assert store.events_since("QQQ", mark) == 0
    store.put_quotes([quote(), quote()])
    assert store.events_since("QQQ", mark) == 2
