"""What goes wrong with orders over nights and at their end shows a client the same on the wire and in process."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from core.domain.orders.orders import OrderReport
from core.simulator.exchange.client_orders import ClientOrders
from core.simulator.exchange.faults import FaultKind, FaultMatch
from core.simulator.wire.payloads_orders import order_request
from tests.core.simulator.both_ways import ACCOUNT, ACTIONS, NUMBERS, SYMBOLS, Side, asked, on_both, terms

NIGHT = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
NEXT_MORNING = datetime(2026, 11, 24, 14, 31, tzinfo=UTC)


def gtc(identifier: str, price: str = "5.90") -> dict[str, Any]:
    """The body of a package that rests until it is cancelled."""
    legs = [
        {"instrument-type": "Equity Option", "symbol": s, "action": a.value, "quantity": n}
        for s, a, n in zip(SYMBOLS, ACTIONS, NUMBERS, strict=True)
    ]
    return {
        "time-in-force": "GTC",
        "order-type": "Limit",
        "price": price,
        "price-effect": "Credit",
        "external-identifier": identifier,
        "legs": legs,
    }


async def rest(side: Side, identifier: str = "senexit-1") -> OrderReport:
    """An order that rests at the broker, once it is live."""
    await side.act({"act": "place", "account": ACCOUNT, "order": gtc(identifier)})
    return await found(side, identifier, "Live")


async def found(side: Side, identifier: str, status: str) -> OrderReport:
    """The order of an identifier in the listings, once it has this status."""
    async with asyncio.timeout(20):
        while True:
            for report in await side.listed():
                if report.identifier == identifier and report.status == status:
                    return report
            await side.clock.sleep(0.05)


def test_a_resting_order_is_there_the_next_day_under_its_id() -> None:
    async def script(side: Side) -> object:
        order = await rest(side)
        day = (await side.send("senex-2")).report
        await side.go_to(NIGHT)
        at_night = [(report.order_id == order.order_id, report.status) for report in await side.listed()]
        await side.go_to(NEXT_MORNING)
        tomorrow = await side.broker.orders_since(ACCOUNT, NEXT_MORNING.date())
        ended = await side.broker.order(ACCOUNT, day.order_id)
        await side.broker.cancel(ACCOUNT, order.order_id)
        await side.shows(order.order_id, "Cancelled")
        return at_night, [(r.order_id == order.order_id, r.status) for r in tomorrow], ended.status

    assert on_both(script) == ([(True, "Live"), (False, "Expired")], [(True, "Live")], "Expired")


def test_a_cancel_at_night_is_done_at_once() -> None:
    async def script(side: Side) -> object:
        order = await rest(side)
        await side.go_to(NIGHT)
        await side.broker.cancel(ACCOUNT, order.order_id)
        cancelled = await side.shows(order.order_id, "Cancelled")
        assert cancelled.terminal_at is not None
        return cancelled.fills, (cancelled.terminal_at - NIGHT).total_seconds() < 60

    assert on_both(script) == ((), True)


def test_an_order_fills_though_its_cancel_was_asked_for() -> None:
    async def script(side: Side) -> object:
        order = await rest(side)
        side.arm(FaultKind.ORDERS_FILL_AFTER_CANCEL)
        await side.broker.cancel(ACCOUNT, order.order_id)
        filled = await side.shows(order.order_id, "Filled")
        await side.holds(4)
        refusal = await side.refusal(side.broker.cancel(ACCOUNT, order.order_id))
        other = await rest(side, "senexit-2")
        await side.broker.cancel(ACCOUNT, other.order_id)
        return len(filled.fills), refusal, (await side.shows(other.order_id, "Cancelled")).status

    assert on_both(script) == (4, "refused cannot_update_order", "Cancelled")


@pytest.mark.parametrize("kind", [FaultKind.REST_DROP_RESPONSE, FaultKind.REST_5XX_AFTER])
def test_a_cancel_whose_answer_is_lost_may_find_the_order_filled(kind: FaultKind) -> None:
    async def script(side: Side) -> object:
        order = await rest(side)
        side.arm(FaultKind.ORDERS_FILL_AFTER_CANCEL)
        side.arm(kind, match=FaultMatch(method="DELETE"))
        refusal = await side.refusal(side.broker.cancel(ACCOUNT, order.order_id))
        return refusal, len((await side.shows(order.order_id, "Filled")).fills)

    assert on_both(script) == ("unreachable", 4)


def test_a_target_fills_while_others_are_cancelled() -> None:
    async def script(side: Side) -> object:
        target, other = await rest(side), await rest(side, "senexit-2")
        await side.broker.cancel(ACCOUNT, other.order_id)
        on = {"account": ACCOUNT, "id": int(target.order_id)}
        await side.act({"act": "fill", **on, "price": "6.00", "packages": 1})
        filled = await side.shows(target.order_id, "Filled")
        await side.shows(other.order_id, "Cancelled")
        await side.holds(4)
        sides = [(1 if leg.action.startswith("Sell") else -1, fill) for leg in filled.legs for fill in leg.fills]
        return sum(sign * fill.quantity * fill.price for sign, fill in sides)

    assert on_both(script) == 6


@pytest.mark.parametrize(("how", "shown"), [("removed", "Removed"), ("expired", "Expired")])
def test_a_resting_order_is_dropped_at_the_open(how: str, shown: str) -> None:
    async def script(side: Side) -> object:
        side.arm(FaultKind.ORDERS_GTC_DROPPED, match=FaultMatch(field=how))
        clients = ClientOrders(side.exchange, side.faults, side.clock)
        order = str(clients.place(ACCOUNT, order_request(gtc("senexit-1")), side.clock.now()).id)
        kept = await rest(side, "senexit-2")
        await side.go_to(NIGHT)
        before = (await side.broker.order(ACCOUNT, order)).status
        await side.go_to(NEXT_MORNING)
        after = (await side.broker.order(ACCOUNT, order)).status
        return before, after, (await side.broker.order(ACCOUNT, kept.order_id)).status

    assert on_both(script) == ("Live", shown, "Live")


def test_a_resting_order_may_be_gone_at_the_open() -> None:
    async def script(side: Side) -> object:
        side.arm(FaultKind.ORDERS_GTC_DROPPED, match=FaultMatch(field="gone"))
        clients = ClientOrders(side.exchange, side.faults, side.clock)
        order = str(clients.place(ACCOUNT, order_request(gtc("senexit-1")), side.clock.now()).id)
        await side.shows(order, "Live")
        await side.go_to(NEXT_MORNING)
        return await side.refusal(side.broker.order(ACCOUNT, order)), await side.listed()

    assert on_both(script) == ("not found record_not_found", ())


def test_an_unbalanced_fill_leaves_one_short_and_a_cancelled_order() -> None:
    async def script(side: Side) -> object:
        side.exchange.fill_plan = "immediate"
        side.arm(FaultKind.ORDERS_UNBALANCED_FILL)
        order_id = (await side.send()).report.order_id
        ended = await side.shows(order_id, "Cancelled")
        reads = await side.holds(1)
        return [(fill.symbol, fill.quantity) for fill in ended.fills], [
            (p.symbol, p.direction, p.quantity) for p in reads.positions
        ]  # fmt: skip

    assert on_both(script) == ([(SYMBOLS[0], 1)], [(SYMBOLS[0], "Short", 1)])


def test_a_close_by_hand_finds_the_positions_and_leaves_the_resting_order() -> None:
    """Without the position the order opens one when it fills: it was not strict."""

    async def script(side: Side) -> object:
        await side.act({"act": "give", "account": ACCOUNT, "contracts": {SYMBOLS[0]: -1, SYMBOLS[1]: 1}})
        legs = [{"instrument-type": "Equity Option", "symbol": SYMBOLS[0], "action": "Buy to Close", "quantity": 1}]
        resting = {**gtc("senexit-1", "0.50"), "price-effect": "Debit", "legs": legs}
        await side.act({"act": "place", "account": ACCOUNT, "order": resting})
        target = await found(side, "senexit-1", "Live")
        await side.act({"act": "close", "account": ACCOUNT, "by": "rival"})
        await side.holds(0)
        await side.act({"act": "fill", "account": ACCOUNT, "id": int(target.order_id)})
        filled = await side.shows(target.order_id, "Filled")
        reads = await side.holds(1)
        opened = [symbol for _, symbol in side.exchange.opened_by_close]
        return filled.legs[0].action, [(p.symbol, p.direction) for p in reads.positions], opened

    assert on_both(script) == ("Buy to Open", [(SYMBOLS[0], "Long")], [SYMBOLS[0]])


@pytest.mark.parametrize("strict", [True, False])
def test_a_dry_run_warns_of_a_close_without_a_position_and_a_strict_one_is_discarded(strict: bool) -> None:
    async def script(side: Side) -> object:
        legs = [{"instrument-type": "Equity Option", "symbol": SYMBOLS[0], "action": "Buy to Close", "quantity": 1}]
        flag = {"strict-position-effect-validation": strict}
        body = {**gtc("senexit-1", "9.00"), "price-effect": "Debit", "legs": legs, "advanced-instructions": flag}
        run = side.exchange.dry_run(ACCOUNT, order_request(body), side.clock.now())
        await side.act({"act": "place", "account": ACCOUNT, "order": body})
        order = await found(side, "senexit-1", "Rejected" if strict else "Live")
        return [warning.code for warning in run.warnings], order.legs[0].action, order.reject_reason

    wanted = ("Buy to Close", "Order would not close a position") if strict else ("Buy to Open", None)
    assert on_both(script) == (["closing_with_no_position"], *wanted)


async def heard(side: Side, order_id: str, status: str) -> OrderReport:
    """The alert that told this client of the status of an order, once it has come."""
    async with asyncio.timeout(20):
        while True:
            for report in side.told:
                if (report.order_id, report.status) == (order_id, status):
                    return report
            await side.clock.sleep(0.05)


def test_two_clients_of_an_account_see_each_other_s_orders_and_alerts() -> None:
    async def script(side: Side) -> object:
        async with side.another() as other:
            ours, theirs = (await side.send()).report.order_id, (await other.send("senex-2")).report.order_id
            for client, order_id in ((side, theirs), (other, ours)):
                await heard(client, order_id, "Live")
            seen = [sorted(report.identifier or "" for report in await client.listed()) for client in (side, other)]
            await other.broker.cancel(ACCOUNT, ours)
            cancelled = await heard(side, ours, "Cancelled")
            await side.act({"act": "fill", "account": ACCOUNT, "id": int(theirs)})
            filled = await heard(side, theirs, "Filled")
            held = [len((await client.holds(4)).positions) for client in (side, other)]
            both = [terms(await client.broker.order(ACCOUNT, theirs)) for client in (side, other)]
        later = (await side.send("senex-3")).report.order_id
        await heard(side, later, "Live")
        unheard = [report for report in other.told if report.order_id == later]
        return seen, terms(cancelled), len(filled.fills), held, both, unheard

    seen = [["senex-1", "senex-2"]] * 2
    assert on_both(script) == (seen, asked(), 4, [4, 4], [asked("senex-2")] * 2, [])
