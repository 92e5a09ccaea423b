"""The simulator over the wire, read by the adapter, and in process: a fault or an act shows a client the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import aiohttp
import pytest

from core.broker.port import AccountReads, Broker, BrokerError, MarketState, OrderAlerts, StreamStatus
from core.broker.tastytrade import Login, TastytradeBroker
from core.domain.orders.orders import OrderLeg, OrderReport, OrderRequest, SendClass
from core.domain.orders.transactions import Transaction
from core.domain.trident.trident import Action
from core.runtime.clock import Clock
from core.runtime.ids import SeededIds
from core.runtime.virtual_time import VirtualClock, run_virtual
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.faults import ArmedFaults, Fault, FaultKind, FaultMatch
from core.simulator.exchange.handling import Handling
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.orders import OrderChanges, closing_order
from core.simulator.in_process.broker import InProcessBroker
from core.simulator.market.market import Market
from core.simulator.market.market_data import ListedStrike
from core.simulator.wire.payloads_orders import order_request
from core.simulator.wire.server import Simulator
from core.simulator.wire.settings import DEFAULT_ACCOUNT, DEFAULT_LOGIN, SimulatorSettings
from tests.core.broker.simulated_streams import QUICK
from tests.core.simulator.wire.simulated_server import JumpingClock

T = TypeVar("T")

MONDAY_TEN = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
ACCOUNT = DEFAULT_ACCOUNT.number
DAY = MONDAY_TEN.date()
ASKED = Decimal("1.40")
SENDS = FaultMatch(method="POST", path_end="/orders")
SYMBOLS = tuple(f"QQQ   270108{side}00{strike}000" for side, strike in (("P", 622), ("P", 619), ("C", 622), ("C", 625)))
ACTIONS = (Action.SELL_TO_OPEN, Action.BUY_TO_OPEN, Action.SELL_TO_OPEN, Action.BUY_TO_OPEN)
NUMBERS = (2, 2, 1, 1)


@dataclass
class Side:
    """One of the two ways to use the simulator. `told` has the orders that the alerts told."""

    broker: Broker
    exchange: Exchange
    clock: Clock
    faults: ArmedFaults
    act: Callable[[dict[str, Any]], Awaitable[None]]
    """Does what POST /simulator/act does with this body."""
    go_to: Callable[[datetime], Awaitable[None]]
    """Lets market time go on to this instant."""
    told: list[OrderReport] = field(default_factory=list)

    def on_order(self, report: OrderReport) -> None:
        self.told.append(report)

    def on_alert_status(self, status: StreamStatus) -> None:
        """Is not looked at here."""

    def arm(self, kind: FaultKind, **fault: Any) -> None:
        self.faults.arm(Fault(kind, **fault), self.clock.now(), self.clock.monotonic())

    async def send(self, identifier: str = "senex-1") -> Any:
        legs = tuple(OrderLeg(*leg) for leg in zip(SYMBOLS, ACTIONS, NUMBERS, strict=True))
        return await self.broker.send(ACCOUNT, OrderRequest("QQQ", legs, ASKED, identifier), lambda: None)

    async def listed(self) -> tuple[OrderReport, ...]:
        return await self.broker.orders_since(ACCOUNT, DAY)

    async def shows(self, order_id: str, status: str) -> OrderReport:
        """The order, once a read by id shows this status."""
        async with asyncio.timeout(20):
            while (report := await self.broker.order(ACCOUNT, order_id)).status != status:
                await self.clock.sleep(0.05)
        return report

    async def holds(self, count: int) -> AccountReads:
        """The account, once it shows so many positions: they follow a fill by up to 3 s."""
        async with asyncio.timeout(20):
            while len((reads := await self.broker.account_reads(ACCOUNT)).positions) != count:
                await self.clock.sleep(0.05)
        return reads

    async def refusal(self, call: Awaitable[object]) -> str:
        with pytest.raises(BrokerError) as refused:
            await call
        return f"{refused.value.fault.value} {refused.value.code}".strip()


Script = Callable[[Side], Coroutine[Any, Any, T]]


def on_both(script: Script[T], at: datetime = MONDAY_TEN) -> T:
    """What the script found, the same on the wire and in process. Market time begins at `at`."""
    over_the_wire = asyncio.run(_over_the_wire(script, at))
    assert run_virtual(lambda clock: _in_process(script, clock), at) == over_the_wire
    return over_the_wire


async def _over_the_wire(script: Script[T], at: datetime) -> T:
    clock = JumpingClock(at)
    simulator = Simulator(SimulatorSettings(), clock, SeededIds(3))
    url = f"http://127.0.0.1:{await simulator.start()}"
    login = Login("main", DEFAULT_LOGIN.client_secret, DEFAULT_LOGIN.refresh_token)
    broker = TastytradeBroker(login, clock, SeededIds(1), base_url=url, timings=QUICK)

    async def act(body: dict[str, Any]) -> None:
        async with aiohttp.ClientSession() as client, client.post(f"{url}/simulator/act", json=body) as answer:
            assert answer.status == 200, await answer.text()

    async def go_to(instant: datetime) -> None:
        clock.jump_to(instant)
        simulator.advance()

    try:
        await broker.connect()
        await broker.accounts()
        side = Side(broker, simulator.exchange, clock, simulator.faults, act, go_to)
        return await _followed(script, side, broker.alerts)
    finally:
        await broker.close()
        await simulator.stop()


async def _in_process(script: Script[T], clock: VirtualClock) -> T:
    market = Market(7, clock.now())
    exchange = Exchange(market, 7, [DEFAULT_ACCOUNT])
    broker = InProcessBroker(exchange, market, clock, "main")

    async def act(body: dict[str, Any]) -> None:
        _act(exchange, market, body, clock.now())
        broker.alerts.wake()

    async def go_to(instant: datetime) -> None:
        await clock.sleep((instant - clock.now()).total_seconds())

    side = Side(broker, exchange, clock, broker.faults, act, go_to)
    return await _followed(script, side, broker.alerts)


async def _followed(script: Script[T], side: Side, alerts: OrderAlerts) -> T:
    side.exchange.fill_plan = "never"
    following = asyncio.create_task(alerts.run([ACCOUNT], side))
    try:
        await side.clock.sleep(0.3)
        return await script(side)
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


def _act(exchange: Exchange, market: Market, body: dict[str, Any], now: datetime) -> None:
    number, by, order_id = body.get("account", ""), body.get("by", ""), body.get("id", 0)
    match body["act"]:
        case "place" if "seconds" in body:
            late = timedelta(seconds=body["seconds"])
            exchange.submit_late(number, order_request(body["order"]), now + late, by=by)
        case "place":
            plan = FillPlan(body["plan"]) if "plan" in body else None
            exchange.submit(number, order_request(body["order"]), now, by=by, handling=Handling(plan=plan))
        case "cancel":
            exchange.cancel(number, order_id, now, by=by)
        case "replace":
            changes = OrderChanges("Day", "Limit", Decimal(body["price"]), "Credit")
            keeps = body.get("keeps-identifier", True)
            exchange.replace(number, order_id, changes, now, by=by, keeps_identifier=keeps)
        case "close":
            order = closing_order(exchange.positions(number, now))
            exchange.submit(number, order, now, by=by, handling=Handling(plan=FillPlan.IMMEDIATE))
        case "remove":
            exchange.back_office.remove(number, order_id, now)
        case "revive":
            exchange.back_office.revive(number, order_id, now)
        case "forget":
            exchange.back_office.forget(number, order_id, now)
        case "wipe":
            exchange.back_office.wipe(number, now)
        case "give":
            exchange.back_office.give(number, body["contracts"], now)
        case "assign":
            at_once = body.get("now", False)
            exchange.back_office.assign(number, body["symbol"], body["quantity"], now, at_once=at_once)
        case "desk":
            exchange.back_office.liquidate(number, now)
        case "halt":
            market.halt(body["symbol"], now, now + timedelta(seconds=body["seconds"]))
        case other:
            raise AssertionError(other)


def terms(report: OrderReport) -> tuple[object, ...]:
    """What an order trades."""
    return report.identifier, report.credit, tuple((leg.symbol, leg.action, leg.quantity) for leg in report.legs)


def asked(identifier: str = "senex-1", credit: Decimal = ASKED, times: int = 1, legs: int = 4) -> tuple[object, ...]:
    """What `Side.send` asks for."""
    wanted = zip(SYMBOLS, ACTIONS, NUMBERS, strict=True)
    return identifier, credit, tuple((s, a.value, Decimal(n * times)) for s, a, n in wanted)[:legs]


def other_order(identifier: str | None = None, price: str = "1.60") -> dict[str, Any]:
    """The body of the same package placed by somebody else."""
    legs = [
        {"instrument-type": "Equity Option", "symbol": s, "action": a.value, "quantity": n}
        for s, a, n in zip(SYMBOLS, ACTIONS, NUMBERS, strict=True)
    ]
    body = {"time-in-force": "Day", "order-type": "Limit", "price": price, "price-effect": "Credit", "legs": legs}
    return body if identifier is None else {**body, "external-identifier": identifier}


# Orders that are taken on otherwise than asked


def test_a_twin_has_the_same_identifier_and_another_id() -> None:
    async def script(side: Side) -> object:
        side.arm(FaultKind.ORDERS_TWIN)
        outcome = await side.send()
        await side.shows(str(int(outcome.report.order_id) + 1), "Live")
        found = await side.listed()
        told = {report.order_id for report in side.told}
        await side.send("senex-2")
        return outcome.kind, [terms(report) for report in found], len(told), len(await side.listed())

    assert on_both(script) == (SendClass.ACKNOWLEDGED, [asked(), asked()], 2, 3)


@pytest.mark.parametrize(
    ("kind", "named", "shown"),
    [
        (FaultKind.ORDERS_CHANGED_PRICE, None, asked(credit=Decimal("1.30"))),
        (FaultKind.ORDERS_CHANGED_PRICE, "1.55", asked(credit=Decimal("1.55"))),
        (FaultKind.ORDERS_CHANGED_QUANTITY, None, asked(times=2)),
        (FaultKind.ORDERS_CHANGED_QUANTITY, "3", asked(times=3)),
        (FaultKind.ORDERS_LEG_MISSING, None, asked(legs=3)),
    ],
)
def test_a_changed_order_is_the_same_wherever_it_is_seen(
    kind: FaultKind, named: str | None, shown: tuple[object, ...]
) -> None:
    async def script(side: Side) -> object:
        side.arm(kind, match=FaultMatch(field=named))
        outcome = await side.send()
        read = await side.shows(outcome.report.order_id, "Live")
        async with asyncio.timeout(10):
            while not side.told or side.told[-1].status != "Live":
                await side.clock.sleep(0.05)
        after = (await side.send("senex-2")).report
        return {terms(report) for report in (outcome.report, read, *await side.listed(), *side.told)} - {terms(after)}

    assert on_both(script) == {shown}


def test_a_cancelled_order_is_live_again_with_a_later_time() -> None:
    async def script(side: Side) -> object:
        side.arm(FaultKind.ORDERS_REVIVED, seconds=0.5)
        order_id = (await side.send()).report.order_id
        await side.shows(order_id, "Live")
        await side.broker.cancel(ACCOUNT, order_id)
        cancelled = await side.shows(order_id, "Cancelled")
        revived = await side.shows(order_id, "Live")
        assert cancelled.updated_at is not None
        assert revived.updated_at is not None
        assert cancelled.updated_at < revived.updated_at
        async with asyncio.timeout(10):
            while side.told[-1].updated_at != revived.updated_at:
                await side.clock.sleep(0.05)
        await side.broker.cancel(ACCOUNT, order_id)  # it works again, and this time it stays cancelled
        await side.shows(order_id, "Cancelled")
        await side.clock.sleep(1.0)
        return terms(revived), revived.terminal_at, (await side.shows(order_id, "Cancelled")).status

    assert on_both(script) == (asked(), None, "Cancelled")


def test_a_forgotten_order_is_nowhere_and_has_left_nothing() -> None:
    async def script(side: Side) -> object:
        side.exchange.fill_plan = "immediate"
        before = await side.broker.account_reads(ACCOUNT)
        side.arm(FaultKind.ORDERS_FORGOTTEN, seconds=6.0)
        order_id = (await side.send()).report.order_id
        await side.shows(order_id, "Filled")
        held = len((await side.holds(len(SYMBOLS))).positions)
        await side.clock.sleep(6.0)
        after = await side.broker.account_reads(ACCOUNT)
        told = len(side.told)
        await side.clock.sleep(0.5)
        return held, await side.refusal(side.broker.order(ACCOUNT, order_id)), await side.listed(), (
            after.derivative_buying_power - before.derivative_buying_power,
            after.positions,
            len(side.told) - told,
        )  # fmt: skip

    assert on_both(script) == (4, "not found record_not_found", (), (Decimal(0), (), 0))


def test_a_refused_order_that_was_accepted_all_the_same() -> None:
    async def script(side: Side) -> object:
        side.arm(FaultKind.REST_REFUSED_AFTER, match=SENDS)
        outcome = await side.send()
        side.arm(FaultKind.REST_REFUSED_AFTER, match=FaultMatch(method="DELETE", field="cannot_update_order"))
        (found,) = await side.listed()
        await side.shows(found.order_id, "Live")
        refusal = await side.refusal(side.broker.cancel(ACCOUNT, found.order_id))
        await side.shows(found.order_id, "Cancelled")
        return outcome.kind, outcome.status, outcome.code, terms(found), refusal

    refused = (SendClass.REJECTED, 422, "preflight_check_failure", asked(), "refused cannot_update_order")
    assert on_both(script) == refused


@pytest.mark.parametrize("kind", [FaultKind.REST_DROP_RESPONSE, FaultKind.REST_5XX_AFTER])
def test_a_cancel_whose_answer_is_lost_was_taken(kind: FaultKind) -> None:
    async def script(side: Side) -> object:
        order_id = (await side.send()).report.order_id
        await side.shows(order_id, "Live")
        side.arm(kind, match=FaultMatch(method="DELETE"))
        refusal = await side.refusal(side.broker.cancel(ACCOUNT, order_id))
        await side.shows(order_id, "Cancelled")
        return refusal

    assert on_both(script) == "unreachable"


def test_a_cancel_taken_up_late_is_taken_though_nobody_waits() -> None:
    async def script(side: Side) -> object:
        order_id = (await side.send()).report.order_id
        await side.shows(order_id, "Live")
        patience = 1.0 if isinstance(side.broker, TastytradeBroker) else 10.0
        side.arm(FaultKind.REST_DELAY_BEFORE, seconds=patience + 0.5, match=FaultMatch(method="DELETE"))
        refusal = await side.refusal(side.broker.cancel(ACCOUNT, order_id))
        before = (await side.broker.order(ACCOUNT, order_id)).status
        await side.shows(order_id, "Cancelled")
        return refusal, before

    assert on_both(script) == ("unreachable", "Live")


@pytest.mark.parametrize("named", [None, "headers"])
def test_an_answer_in_drops_is_read_in_the_end(named: str | None) -> None:
    async def script(side: Side) -> object:
        side.arm(FaultKind.REST_DRIP, seconds=0.004, match=FaultMatch(method="POST", path_end="/orders", field=named))
        began = side.clock.monotonic()
        outcome = await side.send()
        assert side.clock.monotonic() - began > 0.2
        return outcome.kind, terms(outcome.report)

    assert on_both(script) == (SendClass.ACKNOWLEDGED, asked())


def test_ids_are_counted_from_one() -> None:
    async def script(side: Side) -> object:
        side.exchange.fill_plan = "immediate"
        side.arm(FaultKind.ORDER_IDS_BEGIN_AGAIN, count=None)
        side.arm(FaultKind.FILL_IDS_BEGIN_AGAIN, count=None)
        ids = [(await side.send(f"senex-{number}")).report.order_id for number in (1, 2)]
        fills = [fill.fill_id for order_id in ids for fill in (await side.shows(order_id, "Filled")).fills]
        return ids, sorted(fills, key=int) == [str(number) for number in range(1, len(fills) + 1)]

    assert on_both(script) == (["1", "2"], True)


# Clocks and sessions


@pytest.mark.parametrize("seconds", [-895.0, -3.0, 180.0])
def test_the_brokers_clock_is_off_in_all_that_it_tells(seconds: float) -> None:
    async def script(side: Side) -> object:
        side.arm(FaultKind.CLOCK_OFFSET, count=None, seconds=seconds)
        ahead = [(await side.send()).report.received_at - side.clock.now()]
        (listed,) = await side.listed()
        ahead.append(listed.received_at - side.clock.now())  # type: ignore[operator]
        assert side.broker.time is not None
        least, most = (each.total_seconds() for each in side.broker.time.offset(side.clock))
        in_time = least - 0.5 <= seconds <= most + 0.5
        return [abs(each.total_seconds() - seconds) < 1.0 for each in ahead], in_time

    assert on_both(script) == ([True, True], True)


def test_an_answer_without_a_date_tells_no_time() -> None:
    async def script(side: Side) -> object:
        await side.broker.market_state()
        before = side.broker.time
        await side.clock.sleep(0.2)
        side.arm(FaultKind.DATE_MISSING, match=FaultMatch(path="/market-time"))
        await side.broker.market_state()
        undated = side.broker.time
        await side.broker.market_state()
        return before is not None, undated == before, side.broker.time != before

    assert on_both(script) == (True, True, True)


def test_a_session_told_open_past_its_close_or_without_one_is_not_open() -> None:
    async def script(side: Side) -> object:
        side.arm(FaultKind.SESSION_PAST_CLOSE)
        past = await side.broker.market_state()
        side.arm(FaultKind.SESSION_OPEN_WITHOUT_CLOSE)
        without = await side.refusal(side.broker.market_state())
        return past, without, (await side.broker.market_state()).is_open

    opened, closed = datetime(2026, 11, 20, 14, 30, tzinfo=UTC), datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
    assert on_both(script) == (MarketState(False, "Closed", opened, closed), "unreadable", True)


# Other people's hands


def test_others_place_replace_and_cancel() -> None:
    async def script(side: Side) -> object:
        ours = (await side.send()).report.order_id
        await side.shows(ours, "Live")
        await side.act({"act": "place", "account": ACCOUNT, "order": other_order("senex-x"), "by": "rival"})
        on = {"account": ACCOUNT, "id": int(ours), "by": "rival"}
        await side.act({"act": "replace", **on, "price": "1.45", "keeps-identifier": False})
        replaced = await side.shows(ours, "Cancelled")
        others = [report for report in await side.listed() if report.order_id != ours]
        ended = []
        for report, by in zip(others, ("main", "main"), strict=True):
            await side.shows(report.order_id, "Live")
            await side.act({"act": "cancel", "account": ACCOUNT, "id": int(report.order_id), "by": by})
            ended.append(await side.shows(report.order_id, "Cancelled"))
        mine = (await side.send("senex-2")).report.order_id
        await side.shows(mine, "Live")
        await side.broker.cancel(ACCOUNT, mine)
        placed, replacement = ended
        return (
            [(terms(report)[:2], report.cancelled_by) for report in (*ended, await side.shows(mine, "Cancelled"))],
            (replaced.replaced_by == replacement.order_id, replacement.replaces == ours, replaced.cancelled_by),
            (placed.replaces, placed.replaced_by),
        )

    by_another = [(("senex-x", Decimal("1.60")), "main"), ((None, Decimal("1.45")), "main"), (asked("senex-2")[:2], "")]
    assert on_both(script) == (by_another, (True, True, ""), ("", ""))


def test_an_order_that_was_long_on_its_way_arrives() -> None:
    async def script(side: Side) -> object:
        await side.act({"act": "place", "account": ACCOUNT, "order": other_order("senex-1"), "seconds": 1.0})
        before = await side.listed()
        await side.clock.sleep(1.3)
        (found,) = await side.listed()
        return before, terms(found)

    assert on_both(script) == ((), asked(credit=Decimal("1.60")))


def test_the_broker_removes_revives_forgets_and_wipes() -> None:
    async def script(side: Side) -> object:
        order_id = (await side.send()).report.order_id
        on = {"account": ACCOUNT, "id": int(order_id)}
        await side.shows(order_id, "Live")
        await side.act({"act": "remove", **on})
        assert (await side.shows(order_id, "Removed")).cancelled_by == "staff"
        await side.act({"act": "revive", **on})
        await side.shows(order_id, "Live")
        await side.act({"act": "forget", **on})
        gone = await side.refusal(side.broker.order(ACCOUNT, order_id))
        other = (await side.send("senex-2")).report.order_id
        await side.act({"act": "wipe", "account": ACCOUNT})
        return gone, await side.refusal(side.broker.order(ACCOUNT, other)), await side.listed()

    assert on_both(script) == ("not found record_not_found", "not found record_not_found", ())


def test_positions_come_without_an_order_and_are_closed_by_one() -> None:
    async def script(side: Side) -> object:
        before = await side.broker.account_reads(ACCOUNT)
        given = dict(zip(SYMBOLS, (-2, 2, -1, 1), strict=True))
        await side.act({"act": "give", "account": ACCOUNT, "contracts": given})
        after = await side.broker.account_reads(ACCOUNT)
        held = {p.symbol: (p.direction, p.quantity) for p in after.positions}
        orders = await side.listed()
        await side.act({"act": "close", "account": ACCOUNT, "by": "rival"})
        (closing,) = await side.listed()
        await side.shows(closing.order_id, "Filled")
        poorer = after.derivative_buying_power < before.derivative_buying_power
        return held, orders, poorer, (await side.holds(0)).positions

    short, long = "Short", "Long"
    held = dict(zip(SYMBOLS, ((short, 2), (long, 2), (short, 1), (long, 1)), strict=True))
    assert on_both(script) == (held, (), True, ())


# What clients are shown of an account and of the market


def test_a_listing_of_positions_may_be_their_first_half() -> None:
    async def script(side: Side) -> object:
        await side.act(
            {"act": "give", "account": ACCOUNT, "contracts": dict(zip(SYMBOLS, (-2, 2, -1, 1), strict=True))}
        )
        side.arm(FaultKind.POSITIONS_INCOMPLETE, match=FaultMatch(account=ACCOUNT))
        half = (await side.broker.account_reads(ACCOUNT)).positions
        whole = (await side.broker.account_reads(ACCOUNT)).positions
        return [p.symbol for p in half], [p.symbol for p in whole]

    in_order = sorted(SYMBOLS)
    assert on_both(script) == (in_order[:2], in_order)


def test_a_stale_chain_is_that_of_the_session_before() -> None:
    async def script(side: Side) -> object:
        fresh = {each.day for each in (await side.broker.chain("QQQ")).expirations}
        side.arm(FaultKind.CHAIN_STALE, match=FaultMatch(symbol="QQQ"))
        stale = {each.day for each in (await side.broker.chain("QQQ")).expirations}
        again = {each.day for each in (await side.broker.chain("QQQ")).expirations}
        return sorted(stale - fresh), again == fresh

    assert on_both(script) == ([DAY - timedelta(days=3)], True)  # the Friday before


# Transactions and nights

FRIDAY_NOON = datetime(2026, 11, 27, 17, 0, tzinfo=UTC)
"""12:00 at the exchange on a half day: SPXW of that date stops at 13:00, QQQ's options at 13:15."""
SATURDAY = datetime(2026, 11, 28, 13, 0, tzinfo=UTC)


def moved(row: Transaction) -> tuple[object, ...]:
    """What a row says, without its id, times and prices of the market."""
    return row.kind, row.sub_kind, row.symbol, row.action, row.quantity, row.order_id != "", row.fees


def expiring(symbol: str, at: datetime, points: int) -> tuple[ListedStrike, ListedStrike]:
    """The strikes so far above and below the price of an underlying, in the expiration of that date."""
    market = Market(7, at)
    trade = market.trade(symbol, at)
    assert trade is not None
    listed = [e for root in market.chain(symbol, at.date()) for e in root.expirations if e.day == at.date()]
    strikes = [s for e in listed if e.settlement_type == "PM" for s in e.strikes]
    above = min((s for s in strikes if s.strike > trade.price + points), key=lambda s: s.strike)
    return above, max((s for s in strikes if s.strike < trade.price - points), key=lambda s: s.strike)


async def posted(side: Side, count: int, since: date = DAY) -> tuple[Transaction, ...]:
    """The transactions, once there are so many."""
    async with asyncio.timeout(20):
        while len(rows := await side.broker.transactions(ACCOUNT, since)) < count:
            await side.clock.sleep(0.05)
    return rows


def test_the_rows_of_a_fill_are_the_same_and_add_up_to_the_cash() -> None:
    async def script(side: Side) -> object:
        side.exchange.fill_plan = "immediate"
        order_id = (await side.send()).report.order_id
        fills = {fill.symbol: fill for fill in (await side.shows(order_id, "Filled")).fills}
        rows = await posted(side, len(SYMBOLS))
        for row in rows:
            fill = fills[row.symbol]
            assert (row.quantity, row.price, row.order_id) == (fill.quantity, fill.price, order_id)
            assert abs(row.value) == fill.price * fill.quantity * 100
            assert (row.day, row.fees_estimated, row.account) == (DAY, True, ACCOUNT)
        cash = side.exchange.balances(ACCOUNT, side.clock.now()).cash_balance
        assert cash == DEFAULT_ACCOUNT.cash + sum((row.net_value for row in rows), Decimal(0))
        assert [row.id for row in rows] == sorted(row.id for row in rows)
        assert await side.broker.transactions(ACCOUNT, DAY + timedelta(days=1)) == ()
        return sorted(moved(row) for row in rows)

    found = on_both(script)
    assert [row[1] for row in found] == ["Buy to Open", "Buy to Open", "Sell to Open", "Sell to Open"]  # type: ignore[index]


def test_overlapping_pages_of_transactions_prove_nothing() -> None:
    async def script(side: Side) -> object:
        side.exchange.fill_plan = "immediate"
        await side.send()
        whole = await posted(side, len(SYMBOLS))
        side.arm(FaultKind.TRANSACTIONS_OVERLAPPING_PAGES, seconds=0.5, match=FaultMatch(field="2"))
        torn = await side.refusal(side.broker.transactions(ACCOUNT, DAY))
        await side.clock.sleep(0.6)
        return torn, await side.broker.transactions(ACCOUNT, DAY) == whole

    assert on_both(script) == ("unreadable", True)


def test_positions_may_follow_a_fill_late() -> None:
    async def script(side: Side) -> object:
        side.exchange.fill_plan = "immediate"
        side.arm(FaultKind.POSITIONS_LAG, seconds=600.0)
        before = await side.broker.account_reads(ACCOUNT)
        await side.shows((await side.send()).report.order_id, "Filled")
        early = await side.broker.account_reads(ACCOUNT)
        rows = await side.broker.transactions(ACCOUNT, DAY)
        await side.go_to(MONDAY_TEN + timedelta(minutes=12))
        after = await side.broker.account_reads(ACCOUNT)
        margin_at_once = early.derivative_buying_power < before.derivative_buying_power
        return early.positions, rows, margin_at_once, len(after.positions), len(await posted(side, len(SYMBOLS)))

    assert on_both(script) == ((), (), True, len(SYMBOLS), len(SYMBOLS))


@pytest.mark.parametrize(("named", "held_meanwhile"), [(None, len(SYMBOLS)), ("all", 0)])
def test_transactions_may_be_posted_late(named: str | None, held_meanwhile: int) -> None:
    async def script(side: Side) -> object:
        side.exchange.fill_plan = "immediate"
        side.exchange.habits = replace(side.exchange.habits, position_lag_s=(0.0, 0.0))
        side.arm(FaultKind.TRANSACTIONS_LATE, seconds=3600.0, match=FaultMatch(field=named))
        filled = await side.shows((await side.send()).report.order_id, "Filled")
        held = len((await side.broker.account_reads(ACCOUNT)).positions)
        rows = await side.broker.transactions(ACCOUNT, DAY)
        await side.go_to(MONDAY_TEN + timedelta(hours=1, minutes=5))
        later = await posted(side, len(SYMBOLS))
        executed = {row.executed_at == filled.fills[0].at for row in later}
        return held, rows, executed, len((await side.broker.account_reads(ACCOUNT)).positions)

    assert on_both(script) == (held_meanwhile, (), {True}, len(SYMBOLS))


@pytest.mark.parametrize(
    ("named", "kinds", "net", "reversed_rows"),
    [
        (None, [("Money Movement", "Balance Adjustment")], Decimal("-0.02"), 0),
        ("reversal", [("Trade", "Buy to Open")] * 2, Decimal(0), 1),
    ],
)
def test_the_broker_corrects_what_it_posted(
    named: str | None, kinds: list[tuple[str, str]], net: Decimal, reversed_rows: int
) -> None:
    async def script(side: Side) -> object:
        side.exchange.fill_plan = "immediate"
        side.arm(FaultKind.TRANSACTIONS_CORRECTED, match=FaultMatch(field=named))
        await side.shows((await side.send()).report.order_id, "Filled")
        before = await posted(side, len(SYMBOLS))
        await side.go_to(datetime(2026, 11, 24, 13, tzinfo=UTC))
        rows = await side.broker.transactions(ACCOUNT, DAY)
        known = {row.id for row in before}
        added = [row for row in rows if row.id not in known]
        kept = [row for row in rows if row.id in known]
        assert [replace(row, fees_estimated=True) for row in kept] == list(before), "only the estimates end"
        assert not any(row.fees_estimated for row in rows)
        cash = side.exchange.balances(ACCOUNT, side.clock.now()).cash_balance
        assert cash == DEFAULT_ACCOUNT.cash + sum((row.net_value for row in rows), Decimal(0))
        undone = {row.reverses for row in added} & known
        moved = sum((row.net_value for row in added), Decimal(0))
        return [(row.kind, row.sub_kind) for row in added], moved, len(undone)

    assert on_both(script) == (kinds, net, reversed_rows)


def test_index_options_settle_in_cash_overnight_by_two_rows() -> None:
    async def script(side: Side) -> object:
        above, below = expiring("SPX", FRIDAY_NOON, 200)
        await side.act({"act": "give", "account": ACCOUNT, "contracts": {above.put_occ: -2, below.put_occ: 2}})
        await side.go_to(FRIDAY_NOON + timedelta(hours=8))
        waiting = (
            len((await side.broker.account_reads(ACCOUNT)).positions),
            await side.broker.transactions(ACCOUNT, DAY),
        )
        await side.go_to(SATURDAY)
        rows = await side.broker.transactions(ACCOUNT, DAY)
        assert all(row.day == FRIDAY_NOON.date() and row.order_id == "" for row in rows)
        assert {row.executed_at for row in rows} == {datetime(2026, 11, 28, 3, tzinfo=UTC)}
        cash = side.exchange.balances(ACCOUNT, side.clock.now()).cash_balance
        (settled,) = (row for row in rows if row.value)
        assert (settled.price, settled.fees) == (above.strike, Decimal(5))
        assert cash == DEFAULT_ACCOUNT.cash + settled.net_value
        kinds = sorted((row.sub_kind, row.symbol == above.put_occ, row.quantity) for row in rows)
        return waiting, kinds, settled.value < 0, (await side.broker.account_reads(ACCOUNT)).positions

    kinds = [("Assignment", True, 2), ("Cash Settled Assignment", True, 2), ("Expiration", False, 2)]
    assert on_both(script, FRIDAY_NOON) == ((2, ()), kinds, True, ())


def test_assigned_shares_are_seen_the_next_morning() -> None:
    async def script(side: Side) -> object:
        side.exchange.habits = replace(side.exchange.habits, desk=False)
        above, below = expiring("QQQ", FRIDAY_NOON, 30)
        await side.act({"act": "give", "account": ACCOUNT, "contracts": {above.put_occ: -1, below.put_occ: 1}})
        await side.go_to(datetime(2026, 11, 28, 4, tzinfo=UTC))
        evening = [(row.sub_kind, row.symbol == below.put_occ) for row in await side.broker.transactions(ACCOUNT, DAY)]
        held_overnight = [p.symbol == above.put_occ for p in (await side.broker.account_reads(ACCOUNT)).positions]
        await side.go_to(SATURDAY)
        rows = (await side.broker.transactions(ACCOUNT, DAY))[len(evening) :]
        delivered = [(row.sub_kind, row.instrument_type, row.quantity, row.action, row.fees) for row in rows]
        (shares,) = (row for row in rows if row.instrument_type == "Equity")
        assert (shares.price, shares.value) == (above.strike, -100 * above.strike)
        assert {row.executed_at for row in rows} == {datetime(2026, 11, 27, 22, tzinfo=UTC)}
        (held,) = (await side.broker.account_reads(ACCOUNT)).positions
        assert held.average_open_price == above.strike
        return evening, held_overnight, delivered, (held.symbol, held.instrument_type, held.direction, held.quantity)

    delivered = [
        ("Assignment", "Equity Option", Decimal(1), "", Decimal(0)),
        ("Buy to Open", "Equity", Decimal(100), "Buy to Open", Decimal(5)),
    ]
    shares = ("QQQ", "Equity", "Long", Decimal(100))
    assert on_both(script, FRIDAY_NOON) == ([("Expiration", True)], [True], delivered, shares)


@pytest.mark.parametrize("at_once", [True, False])
def test_one_contract_is_assigned_early(at_once: bool) -> None:
    """Example H of an assignment: one of two short puts becomes shares, its long stays."""

    async def script(side: Side) -> object:
        given = dict(zip(SYMBOLS, (-2, 2, -1, 1), strict=True))
        await side.act({"act": "give", "account": ACCOUNT, "contracts": given})
        wanted = {"act": "assign", "account": ACCOUNT, "symbol": SYMBOLS[0], "quantity": 1}
        await side.act({**wanted, "now": True} if at_once else wanted)
        before = len(await side.broker.transactions(ACCOUNT, DAY))
        await side.go_to(datetime(2026, 11, 24, 13, tzinfo=UTC))
        rows = await side.broker.transactions(ACCOUNT, DAY)
        positions = (await side.broker.account_reads(ACCOUNT)).positions
        told = [(row.sub_kind, row.symbol, row.quantity, row.value, row.fees) for row in rows]
        return before, told, {p.symbol: (p.direction, p.quantity) for p in positions}

    short, long = "Short", "Long"
    held: dict[str, tuple[str, int]] = dict(
        zip(SYMBOLS, ((short, 1), (long, 2), (short, 1), (long, 1)), strict=True), QQQ=(long, 100)
    )
    told = [("Assignment", SYMBOLS[0], 1, 0, 0), ("Buy to Open", "QQQ", 100, -62_200, 5)]
    assert on_both(script) == (2 if at_once else 0, told, held)


def test_the_desk_closes_what_expires_next() -> None:
    async def script(side: Side) -> object:
        given = dict(zip(SYMBOLS, (-2, 2, -1, 1), strict=True))
        await side.act({"act": "give", "account": ACCOUNT, "contracts": given})
        await side.act({"act": "desk", "account": ACCOUNT})
        (order,) = await side.listed()
        filled = await side.shows(order.order_id, "Filled")
        rows = await posted(side, len(SYMBOLS))
        held = (await side.holds(0)).positions
        actions = {leg.symbol: leg.action for leg in filled.legs}
        return filled.identifier, filled.order_type, actions, {row.order_id == order.order_id for row in rows}, held

    actions = ("Buy to Close", "Sell to Close", "Buy to Close", "Sell to Close")
    assert on_both(script) == (None, "Market", dict(zip(SYMBOLS, actions, strict=True)), {True}, ())


def test_nothing_fills_while_the_underlying_is_halted() -> None:
    async def script(side: Side) -> object:
        side.exchange.fill_plan = "immediate"
        await side.act({"act": "halt", "symbol": "QQQ", "seconds": 600})
        order_id = (await side.send()).report.order_id
        await side.shows(order_id, "Live")
        await side.go_to(MONDAY_TEN + timedelta(minutes=9))
        halted = (await side.broker.order(ACCOUNT, order_id)).status
        await side.go_to(MONDAY_TEN + timedelta(minutes=12))
        return halted, (await side.shows(order_id, "Filled")).status

    assert on_both(script) == ("Live", "Filled")
