"""The simulator over the wire, read by the adapter, and in process: a fault or an act shows a client the same."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.broker.port import MarketState
from core.broker.tastytrade import TastytradeBroker
from core.domain.orders.orders import SendClass
from core.simulator.exchange.faults import FaultKind, FaultMatch
from tests.core.broker.simulated_streams import QUICK
from tests.core.simulator.both_ways import ACCOUNT, DAY, SYMBOLS, Side, asked, on_both, other_order, terms

SENDS = FaultMatch(method="POST", path_end="/orders")


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


def test_a_cancel_that_is_taken_and_not_carried_out_leaves_the_order_as_it_is() -> None:
    async def script(side: Side) -> object:
        side.arm(FaultKind.ORDERS_CANCEL_IGNORED)
        order_id = (await side.send()).report.order_id
        live = await side.shows(order_id, "Live")
        await side.broker.cancel(ACCOUNT, order_id)
        await side.clock.sleep(1.0)
        same = await side.shows(order_id, "Live") == live
        await side.broker.cancel(ACCOUNT, order_id)  # a second one is carried out
        ended = await side.shows(order_id, "Cancelled")
        return same, ended.cancelled_by, ended.terminal_at is not None

    assert on_both(script) == (True, "", True)


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

    patient = replace(QUICK, order=20.0)
    assert on_both(script, timings=patient) == (SendClass.ACKNOWLEDGED, asked())


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


@pytest.mark.parametrize(("minutes", "listed"), [(0, True), (14, True), (15, False), (600, False)])
def test_a_contract_is_in_the_chain_until_it_stops(minutes: int, listed: bool) -> None:
    """The fund's of the day trade until 16:15: then the chain is that of the next session."""

    async def script(side: Side) -> object:
        days = {each.day for each in (await side.broker.chain("QQQ")).expirations}
        return DAY in days, DAY + timedelta(days=1) in days

    close = datetime(DAY.year, DAY.month, DAY.day, 21, 0, 1, tzinfo=UTC)
    assert on_both(script, close + timedelta(minutes=minutes)) == (listed, True)
