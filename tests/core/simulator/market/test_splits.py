"""A split: what it does to the price, to candles and dividends, and what becomes of the contracts listed before it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from core.simulator.market.market import Market

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
SPLIT = date(2026, 12, 14)
BEFORE = datetime(2026, 12, 11, 17, 0, tzinfo=UTC)
AFTER = datetime(2026, 12, 14, 17, 0, tzinfo=UTC)


def split(ratio: str = "2") -> Market:
    market = Market(7, START)
    market.split("QQQ", Decimal(ratio), SPLIT)
    return market


def middle(market: Market, symbol: str, at: datetime) -> float:
    quote = market.quote(symbol, at)
    assert quote is not None
    assert quote.bid is not None
    assert quote.ask is not None
    return float(quote.bid + quote.ask) / 2


@pytest.mark.parametrize("ratio", ["2", "1.5", "0.25"])
def test_prices_of_before_stay_and_those_of_after_are_divided(ratio: str) -> None:
    whole, parts = Market(7, START), split(ratio)
    for symbol in ("QQQ", ".QQQ270108P622", ".SPXW270108P6800"):
        assert whole.quote(symbol, BEFORE) == parts.quote(symbol, BEFORE)
    assert middle(parts, "QQQ", AFTER) == pytest.approx(middle(whole, "QQQ", AFTER) / float(ratio), abs=0.02)
    assert whole.trade("SPX", AFTER) == parts.trade("SPX", AFTER)


def test_history_is_told_in_the_shares_of_the_day() -> None:
    whole, parts = Market(7, START), split()
    assert whole.candles("QQQ", START, BEFORE) == parts.candles("QQQ", START, BEFORE)
    for old, new in zip(whole.candles("QQQ", START, AFTER), parts.candles("QQQ", START, AFTER), strict=True):
        assert new.day == old.day
        assert float(new.close) == pytest.approx(float(old.close) / 2, abs=0.01)
    last = parts.summary("QQQ", AFTER)
    assert last.previous_close is not None
    assert last.day_open is not None
    assert abs(last.day_open / last.previous_close - 1) < Decimal("0.05")
    old, new = whole.metrics("QQQ", AFTER), parts.metrics("QQQ", AFTER)
    assert abs(new.historical_volatility_30_day - old.historical_volatility_30_day) <= Decimal("0.01")
    assert parts.official_close("QQQ", SPLIT) == pytest.approx(
        whole.official_close("QQQ", SPLIT) / 2, abs=Decimal("0.01")
    )


def test_strikes_are_listed_around_the_new_price() -> None:
    market = split()
    price = middle(market, "QQQ", AFTER)
    (root,) = market.chain("QQQ", SPLIT)
    strikes = [float(each.strike) for each in root.expirations[3].strikes]
    assert strikes[0] < 0.8 * price
    assert strikes[-1] < 1.5 * price
    near = min(strikes, key=lambda strike: abs(strike - price))
    assert middle(market, f".QQQ270108C{near:.0f}", AFTER) == pytest.approx(
        middle(Market(7, START), f".QQQ270108C{2 * near:.0f}", AFTER) / 2, abs=0.06
    )


@pytest.mark.parametrize("ratio", ["2", "1.5"])
def test_a_contract_of_before_becomes_one_that_delivers_what_its_shares_became(ratio: str) -> None:
    whole, parts = Market(7, START), split(ratio)
    held = whole.option("QQQ   270108P00622000")
    assert held is not None
    adjusted = parts.adjusted(held)
    assert adjusted is not None
    assert (adjusted.occ, adjusted.streamer) == ("QQQ1  270108P00622000", ".QQQ1270108P622")
    assert (adjusted.strike, adjusted.expires_at) == (held.strike, held.expires_at)
    assert adjusted.deliverable == Decimal(ratio)
    assert parts.option(adjusted.streamer) == adjusted == parts.option(adjusted.occ)
    assert middle(parts, adjusted.streamer, AFTER) == pytest.approx(middle(whole, held.streamer, AFTER), abs=0.05)
    assert parts.settlement_price(adjusted) == pytest.approx(whole.settlement_price(held), abs=Decimal("0.02"))
    assert parts.is_listed(adjusted, SPLIT), "it can be closed"
    assert parts.tick_sizes(adjusted) == parts.chain("QQQ", SPLIT)[0].tick_sizes
    assert all(root.root != "QQQ1" for root in parts.chain("QQQ", SPLIT))


def test_no_contract_is_adjusted_without_a_split() -> None:
    market = Market(7, START)
    held = market.option("QQQ   270108P00622000")
    assert held is not None
    assert market.adjusted(held) is None
    assert market.option("QQQ1  270108P00622000") is None
    expired = split().option("QQQ1  261211P00622000")
    assert expired is None, "it expired before the split"


def test_a_dividend_is_paid_on_the_new_shares() -> None:
    found = split().next_dividend("QQQ", SPLIT)
    assert found is not None
    assert (found.ex, found.amount) == (date(2026, 12, 21), Decimal("0.3970"))


def test_a_split_that_cannot_be_is_refused() -> None:
    market = split()
    for symbol, ratio, on, why in (
        ("SPX", "2", SPLIT, "no shares"),
        ("QQQ", "2", START.date(), "not after the first session"),
        ("QQQ", "2", SPLIT + timedelta(days=1), "already"),
    ):
        with pytest.raises(ValueError, match=why):
            market.split(symbol, Decimal(ratio), on)
    with pytest.raises(ValueError, match="into 0 shares"):
        Market(7, START).split("QQQ", Decimal(0), SPLIT)
