"""The simulator used in process: what a client of the ports sees, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from core.broker.port import BrokerError, BrokerFault, StreamState, StreamStatus
from core.domain.market.quotes import DaySummary, Quote, Trade, TradingHalt
from core.domain.operation.reasons import Reason, refuse
from core.domain.orders.orders import OrderLeg, OrderReport, OrderRequest, SendClass
from core.domain.trident.trident import Action
from core.runtime.virtual_time import VirtualClock, run_virtual
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.faults import FOREIGN_ID, FaultKind
from core.simulator.in_process import values
from core.simulator.in_process.broker import InProcessBroker
from core.simulator.market.market import Market
from tests.support.world import ACCOUNT, LOGIN, MONDAY, SEED, account, et

OPTION = ".QQQ260417P620"


@dataclass
class Sink:
    """A sink that keeps everything it receives."""

    quotes: list[Quote] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    summaries: list[DaySummary] = field(default_factory=list)
    halts: list[TradingHalt] = field(default_factory=list)
    statuses: list[StreamStatus] = field(default_factory=list)
    orders: list[OrderReport] = field(default_factory=list)

    def on_quotes(self, quotes: Sequence[Quote]) -> None:
        self.quotes.extend(quotes)

    def on_trades(self, trades: Sequence[Trade]) -> None:
        self.trades.extend(trades)

    def on_summaries(self, summaries: Sequence[DaySummary]) -> None:
        self.summaries.extend(summaries)

    def on_halts(self, halts: Sequence[TradingHalt]) -> None:
        self.halts.extend(halts)

    def on_market_data_status(self, status: StreamStatus) -> None:
        self.statuses.append(status)

    def on_order(self, report: OrderReport) -> None:
        self.orders.append(report)

    def on_order_unreadable(self) -> None:
        raise AssertionError("every alert of this broker can be read")

    def on_alert_status(self, status: StreamStatus) -> None:
        self.statuses.append(status)


@dataclass
class Desk:
    """A broker whose two streams run into one sink."""

    clock: VirtualClock
    exchange: Exchange
    broker: InProcessBroker
    sink: Sink


def _with_desk(script: Callable[[Desk], Coroutine[Any, Any, None]], at: str = "10:00") -> None:
    async def main(clock: VirtualClock) -> None:
        market = Market(SEED, clock.now())
        exchange = Exchange(market, SEED, [account()])
        broker, sink = InProcessBroker(exchange, market, clock, LOGIN), Sink()
        streams = [
            asyncio.create_task(broker.market_data.run(sink)),
            asyncio.create_task(broker.alerts.run([ACCOUNT], sink)),
        ]
        try:
            await script(Desk(clock, exchange, broker, sink))
        finally:
            for stream in streams:
                stream.cancel()
                with suppress(asyncio.CancelledError):
                    await stream

    run_virtual(main, et(MONDAY, at))


async def _request(desk: Desk, identifier: str = "senex-test") -> OrderRequest:
    """A trident at the lowest credit a seller could ask, so that it fills at once."""
    chain = await desk.broker.chain("QQQ")
    expiration = next(e for e in chain.expirations if e.day.isoformat() == "2026-04-17")
    body, width = Decimal(624), Decimal(5)
    legs = (
        OrderLeg(expiration.strikes[body].put.occ, Action.SELL_TO_OPEN, 2),
        OrderLeg(expiration.strikes[body - width].put.occ, Action.BUY_TO_OPEN, 2),
        OrderLeg(expiration.strikes[body].call.occ, Action.SELL_TO_OPEN, 1),
        OrderLeg(expiration.strikes[body + width].call.occ, Action.BUY_TO_OPEN, 1),
    )
    return OrderRequest("QQQ", legs, Decimal("6.00"), identifier)


def test_a_snapshot_comes_first_and_then_only_changes() -> None:
    async def script(desk: Desk) -> None:
        await desk.broker.market_data.subscribe(frozenset({"QQQ"}), frozenset())
        await desk.clock.sleep(30)
        quotes = desk.sink.quotes
        assert quotes[0].received < 0.01
        assert all(a != b for a, b in pairwise(quotes))
        assert all((a.bid, a.ask, a.as_of) != (b.bid, b.ask, b.as_of) for a, b in pairwise(quotes))
        assert 10 < len(quotes) <= 61
        assert all(q.as_of <= q.received for q in quotes)
        assert [(h.symbol, h.halted) for h in desk.sink.halts] == [("QQQ", False)]
        assert desk.sink.trades
        assert desk.sink.summaries

    _with_desk(script)


@pytest.mark.parametrize("options", [frozenset(), frozenset({OPTION})], ids=["underlying", "option"])
@pytest.mark.parametrize("unwatched_s", [0.0, 600.0])
def test_reads_that_nothing_looks_at_are_left_out_and_whoever_looks_sees_the_same(
    options: frozenset[str], unwatched_s: float
) -> None:
    def told(*, newest_only: bool) -> tuple[list[dict[str, object]], int]:
        seen: list[dict[str, object]] = []
        count = 0

        async def script(desk: Desk) -> None:
            nonlocal count
            feed = desk.broker.market_data
            feed.newest_only, feed.unwatched_s = newest_only, lambda: unwatched_s
            await feed.subscribe(frozenset({"QQQ"}), options)
            for seconds in (30.0, 3.3, 0.7, 61.0, 500.0, 14.0, 28.0):
                await desk.clock.sleep(seconds)
                newest = {quote.symbol: (quote.bid, quote.ask, quote.as_of) for quote in desk.sink.quotes}
                newest |= {f"trade of {trade.symbol}": (trade.price, trade.as_of) for trade in desk.sink.trades}
                seen.append(dict(newest))
            count = len(desk.sink.quotes)

        _with_desk(script)
        return seen, count

    (every, of_every), (newest, of_newest) = told(newest_only=False), told(newest_only=True)
    assert newest == every
    assert of_newest < of_every - 10


def test_outside_the_session_the_last_known_quote_shows_its_age_and_nothing_follows() -> None:
    async def script(desk: Desk) -> None:
        await desk.broker.market_data.subscribe(frozenset({"QQQ"}), frozenset())
        await desk.clock.sleep(300)
        (quote,) = desk.sink.quotes
        assert quote.received - quote.as_of >= 45 * 60, "quotes go on until 16:15"

    _with_desk(script, at="17:00")


def test_quotes_follow_until_options_stop() -> None:
    async def script(desk: Desk) -> None:
        await desk.broker.market_data.subscribe(frozenset({"QQQ"}), frozenset({OPTION}))
        await desk.clock.sleep(60)
        assert len(desk.sink.quotes) > 60, "16:10 and a minute"
        await desk.clock.sleep(300)
        after = len(desk.sink.quotes)
        await desk.clock.sleep(600)
        assert len(desk.sink.quotes) == after, "nothing is quoted after 16:15"

    _with_desk(script, at="16:10")


def test_a_subscription_made_afresh_is_answered_afresh() -> None:
    async def script(desk: Desk) -> None:
        data = desk.broker.market_data
        await data.subscribe(frozenset(), frozenset({OPTION}))
        await desk.clock.sleep(0.1)
        desk.broker.arm(FaultKind.MARKET_FROZEN, symbol=OPTION)
        await desk.clock.sleep(5)
        before = len(desk.sink.quotes)
        await desk.clock.sleep(5)
        assert len(desk.sink.quotes) == before, "a frozen symbol moved"
        await data.unsubscribe(frozenset({OPTION}))
        await data.subscribe(frozenset(), frozenset({OPTION}))
        await desk.clock.sleep(0.1)
        assert len(desk.sink.quotes) == before + 1

    _with_desk(script)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (FaultKind.MARKET_CROSSED, lambda q: q.crossed),
        (FaultKind.MARKET_NAN, lambda q: q.bid is None and q.ask is None),
        (FaultKind.MARKET_ZERO_BID, lambda q: q.bid == 0),
    ],
)
def test_a_quote_fault_shows_on_its_symbols_only(kind: FaultKind, wrong: Callable[[Quote], bool]) -> None:
    async def script(desk: Desk) -> None:
        desk.broker.arm(kind, symbol=".QQQ*")
        await desk.broker.market_data.subscribe(frozenset({"QQQ"}), frozenset({OPTION}))
        await desk.clock.sleep(3)
        assert {q.symbol for q in desk.sink.quotes if wrong(q)} == {OPTION}
        assert {q.symbol for q in desk.sink.quotes if not wrong(q)} == {"QQQ"}

    _with_desk(script)


def test_a_lost_feed_says_so_and_comes_back_with_snapshots() -> None:
    async def script(desk: Desk) -> None:
        await desk.broker.market_data.subscribe(frozenset({"QQQ"}), frozenset())
        await desk.clock.sleep(1.25)
        states = [s.state for s in desk.sink.statuses]
        assert states == [StreamState.CONNECTED] * 2  # the feed and the alerts
        desk.broker.arm(FaultKind.DXLINK_CLOSE)
        await desk.clock.sleep(1)
        seen = len(desk.sink.quotes)
        assert [s.state for s in desk.sink.statuses[2:]] == [StreamState.WAITING]
        await desk.clock.sleep(1.5)
        assert [(s.state, s.connections) for s in desk.sink.statuses[3:]] == [(StreamState.CONNECTED, 2)]
        assert len(desk.sink.quotes) > seen

    _with_desk(script)


def test_an_order_is_told_through_every_state_and_filled() -> None:
    async def script(desk: Desk) -> None:
        await desk.clock.sleep(0.1)
        outcome = await desk.broker.send(ACCOUNT, await _request(desk), lambda: None)
        assert outcome.kind is SendClass.ACKNOWLEDGED
        assert outcome.report is not None
        assert outcome.report.identifier == "senex-test"
        await desk.clock.sleep(30)
        told = [report.status for report in desk.sink.orders]
        assert [w for i, w in enumerate(told) if w not in told[:i]] == [
            "Received",
            "Routed",
            "In Flight",
            "Live",
            "Filled",
        ]
        assert sum(f.quantity for f in desk.sink.orders[-1].fills) == 6
        reads = await desk.broker.account_reads(ACCOUNT)
        assert sorted(int(p.quantity) for p in reads.positions) == [1, 1, 2, 2]

    _with_desk(script)


def _rests_overnight(script: Callable[[Desk], Coroutine[Any, Any, None]]) -> None:
    """Runs the script on the morning after an order that did not fill, with nobody looking for a day unless woken."""

    async def overnight(desk: Desk) -> None:
        desk.exchange.fill_plan = "never"
        body = replace(values.order_body(await _request(desk)), time_in_force="GTC")
        desk.exchange.submit(ACCOUNT, body, desk.clock.now())
        await desk.clock.sleep(86_400)
        assert [report.status for report in desk.sink.orders][-1] == "Live"
        desk.broker.alerts.max_wait_s = 86_400.0
        desk.broker.alerts.wake()
        await desk.clock.sleep(60)
        await script(desk)

    _with_desk(overnight)


def test_a_fill_that_a_new_plan_brings_is_told_when_it_happens() -> None:
    async def for_all(desk: Desk) -> None:
        desk.exchange.fill_plan = "immediate"
        await desk.clock.sleep(2)
        assert desk.sink.orders[-1].status == "Filled"

    async def for_one(desk: Desk) -> None:
        desk.exchange.set_fill_plan(ACCOUNT, "immediate")
        await desk.clock.sleep(2)
        assert desk.sink.orders[-1].status == "Filled"

    _rests_overnight(for_all)
    _rests_overnight(for_one)


def test_an_order_that_was_long_on_its_way_is_told_when_it_arrives() -> None:
    async def script(desk: Desk) -> None:
        late = desk.clock.now() + timedelta(seconds=30)
        desk.exchange.submit_late(ACCOUNT, values.order_body(await _request(desk, "senex-late")), late)
        await desk.clock.sleep(31)
        assert desk.sink.orders[-1].identifier == "senex-late"

    _rests_overnight(script)


def test_the_guard_keeps_an_order_from_leaving() -> None:
    async def script(desk: Desk) -> None:
        outcome = await desk.broker.send(ACCOUNT, await _request(desk), lambda: refuse(Reason.PAUSED))
        assert (outcome.kind, outcome.left, outcome.code) == (SendClass.NOT_SENT, False, "paused")
        assert desk.broker.posted == []
        assert desk.exchange.orders(ACCOUNT) == []

    _with_desk(script)


@pytest.mark.parametrize(
    ("kind", "placed"),
    [
        (FaultKind.REST_DROP_REQUEST, False),
        (FaultKind.REST_5XX_HTML, False),
        (FaultKind.REST_429, False),
        (FaultKind.REST_DROP_RESPONSE, True),
        (FaultKind.REST_GARBAGE, True),
    ],
)
def test_what_cannot_be_proved_is_unknown_whether_or_not_it_was_placed(kind: FaultKind, placed: bool) -> None:
    async def script(desk: Desk) -> None:
        request = await _request(desk)
        desk.broker.arm(kind, path="/accounts", method="POST")
        outcome = await desk.broker.send(ACCOUNT, request, lambda: None)
        assert (outcome.kind, outcome.left) == (SendClass.UNKNOWN, True)
        assert bool(desk.exchange.orders(ACCOUNT)) is placed
        assert len(desk.broker.posted) == 1

    _with_desk(script)


def test_a_read_fails_as_the_wire_would_have_it_fail() -> None:
    async def script(desk: Desk) -> None:
        for kind, fault in (
            (FaultKind.REST_5XX_HTML, BrokerFault.UNREACHABLE),
            (FaultKind.REST_429, BrokerFault.RATE_LIMITED),
            (FaultKind.REST_TOKEN_INVALID, BrokerFault.LOGIN_REFUSED),
            (FaultKind.REST_GARBAGE, BrokerFault.UNREADABLE),
        ):
            desk.broker.arm(kind, path="/market-metrics")
            await desk.broker.market_state()
            with pytest.raises(BrokerError) as failure:
                await desk.broker.metrics(["QQQ"])
            assert failure.value.fault is fault
        assert [m.symbol for m in await desk.broker.metrics(["QQQ", "SPX", "NOPE"])] == ["QQQ", "SPX"]

    _with_desk(script)


def test_a_listing_that_lags_knows_the_order_later() -> None:
    async def script(desk: Desk) -> None:
        desk.exchange.fill_plan = "never"
        desk.broker.arm(FaultKind.ORDERS_LISTING_LAG, seconds=20)
        await desk.broker.send(ACCOUNT, await _request(desk), lambda: None)
        day = et(MONDAY).date()
        assert await desk.broker.orders_since(ACCOUNT, day) == ()
        await desk.clock.sleep(21)
        (listed,) = await desk.broker.orders_since(ACCOUNT, day)
        assert listed.status == "Live"
        await desk.broker.cancel(ACCOUNT, listed.order_id)
        await desk.clock.sleep(1)
        assert (await desk.broker.order(ACCOUNT, listed.order_id)).status == "Cancelled"

    _with_desk(script)


def test_a_listing_may_have_an_order_of_a_foreign_kind() -> None:
    async def script(desk: Desk) -> None:
        desk.broker.arm(FaultKind.REST_FOREIGN_ITEM, method="GET", path="/accounts")
        (foreign,) = await desk.broker.orders_since(ACCOUNT, desk.clock.now().date())
        assert (foreign.order_id, foreign.identifier, foreign.fills) == (str(FOREIGN_ID), None, ())
        assert await desk.broker.orders_since(ACCOUNT, desk.clock.now().date()) == ()

    _with_desk(script)


def test_two_clients_of_one_exchange_hear_the_same() -> None:
    async def script(desk: Desk) -> None:
        other, heard = InProcessBroker(desk.exchange, desk.broker.market, desk.clock, LOGIN), Sink()
        following = asyncio.create_task(other.alerts.run([ACCOUNT], heard))
        await desk.clock.sleep(0.1)
        await desk.broker.send(ACCOUNT, await _request(desk), lambda: None)
        await desk.clock.sleep(30)
        assert heard.orders == desk.sink.orders
        assert heard.orders[-1].status == "Filled"
        assert (await other.orders_since(ACCOUNT, desk.clock.now().date()))[0].status == "Filled"
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        seen = len(heard.orders)
        await other.send(ACCOUNT, await _request(desk, "senex-2"), lambda: None)
        await desk.clock.sleep(1)
        assert len(heard.orders) == seen
        assert desk.sink.orders[-1].identifier == "senex-2"

    _with_desk(script)


@pytest.mark.parametrize("off", [-895.0, 895.0])
def test_ages_are_told_by_the_brokers_clock(off: float) -> None:
    async def script(desk: Desk) -> None:
        (true,) = await desk.broker.metrics(["QQQ"])
        desk.broker.arm(FaultKind.CLOCK_OFFSET, count=None, seconds=off)
        await desk.broker.market_data.subscribe(frozenset({"QQQ"}), frozenset())
        await desk.clock.sleep(5)
        ages = [quote.received - quote.as_of for quote in desk.sink.quotes]
        assert ages
        assert all(abs(age) < 5 for age in ages)
        (row,) = await desk.broker.metrics(["QQQ"])
        assert true.age_s is not None
        assert row.age_s == pytest.approx(true.age_s, abs=30)

    _with_desk(script)


def test_what_a_listing_cannot_prove_is_unreadable() -> None:
    async def script(desk: Desk) -> None:
        desk.exchange.fill_plan = "never"
        for number in range(3):
            await desk.broker.send(ACCOUNT, await _request(desk, f"senex-{number}"), lambda: None)
        day = desk.clock.now().date()
        desk.broker.arm(FaultKind.ORDERS_OVERLAPPING_PAGES)
        with pytest.raises(BrokerError) as failure:
            await desk.broker.orders_since(ACCOUNT, day)
        assert failure.value.fault is BrokerFault.UNREADABLE
        desk.broker.faults.clear()
        assert len(await desk.broker.orders_since(ACCOUNT, day)) == 3
        for kind in (FaultKind.SESSION_UNREADABLE, FaultKind.SESSION_OPEN_WITHOUT_CLOSE):
            desk.broker.arm(kind)
            with pytest.raises(BrokerError) as failure:
                await desk.broker.market_state()
            assert failure.value.fault is BrokerFault.UNREADABLE
        desk.broker.arm(FaultKind.SESSION_PAST_CLOSE)
        past = await desk.broker.market_state()
        assert (past.word, past.is_open) == ("Closed", False)
        assert (await desk.broker.market_state()).is_open

    _with_desk(script)


def test_a_request_that_comes_late_or_drips_too_long_has_no_answer() -> None:
    async def script(desk: Desk) -> None:
        for kind in (FaultKind.REST_DELAY_BEFORE, FaultKind.REST_DELAY_AFTER, FaultKind.REST_DRIP):
            desk.broker.arm(kind, seconds=20)
            began = desk.clock.monotonic()
            with pytest.raises(BrokerError) as failure:
                await desk.broker.market_state()
            assert failure.value.fault is BrokerFault.UNREACHABLE
            assert desk.clock.monotonic() - began < 11
        desk.broker.arm(FaultKind.REST_DRIP, seconds=1, method="POST")
        outcome = await desk.broker.send(ACCOUNT, await _request(desk), lambda: None)
        assert (outcome.kind, outcome.left) == (SendClass.UNKNOWN, True)
        assert len(desk.exchange.orders(ACCOUNT)) == 1

    _with_desk(script)
