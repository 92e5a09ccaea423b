"""Sending an order: the outcome is decided by evidence; which outcomes hold the day and which free it (rules 9)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from core.domain.operation.commands import CommandKind
from core.domain.orders.order_states import OrderState
from core.simulator.exchange.faults import FaultKind
from core.simulator.in_process.values import order_body
from tests.support.invariants import assert_nothing_forbidden_happened
from tests.support.world import ACCOUNT, World, et, in_world

pytestmark = pytest.mark.usefixtures("store")

ORDERS = f"/accounts/{ACCOUNT}/orders"
NEAR_THE_CLOSE = et("2026-03-02", "15:44:00")


async def _end(world: World) -> None:
    await assert_nothing_forbidden_happened(world, world.records)
    await world.stop()


def test_an_accepted_order_works_and_fills_with_every_state_recorded(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "delayed"
        await world.start()
        await world.until("09:45:15")
        entry = await world.entry()
        assert (entry.state, entry.broker_status) == (OrderState.WORKING, "Live")
        legs = {leg.symbols.streamer for leg in _legs(world)}
        assert all(world.broker.market_data.shown(symbol) is not None for symbol in legs)
        await world.until("09:46")
        assert await world.states(entry.id) == ["prepared", "sent", "working", "filled"]
        filled = await world.entry()
        assert sum(f.quantity for f in filled.fills) == 6
        kinds = [e.kind for e in await world.records.journal.of_cycle(1) if e.kind.startswith("order.")]
        assert kinds[0] == "order.working"
        assert kinds[-1] == "order.filled"
        assert all(world.broker.market_data.shown(symbol) is None for symbol in legs), "quotes outlived the entry"
        await _end(world)

    in_world(day, tmp_path)


def _legs(world: World):  # type: ignore[no-untyped-def]
    spread = world.engine.builder.spread
    progress = world.engine.progress
    found = spread if spread is not None else progress.spread if progress is not None else None
    assert found is not None
    return found.trident.legs


def test_a_rejected_order_frees_the_day_and_the_next_slot_enters(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.refuse_orders = 1
        await world.start()
        await world.until("10:01")
        rejected, filled = await world.entries()
        assert (rejected.state, rejected.holds_day) == (OrderState.REJECTED, False)
        assert (filled.state, filled.holds_day) == (OrderState.FILLED, True)
        assert [(c.outcome, c.reason_code) for c in await world.cycles()] == [("failed", "rejected"), ("succeeded", "")]
        assert rejected.identifier != filled.identifier
        await _end(world)

    in_world(day, tmp_path)


def test_an_order_the_exchange_rejects_after_taking_it_frees_the_day(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "reject"
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        assert await world.states(entry.id) == ["prepared", "sent", "working", "rejected"]
        assert (entry.holds_day, entry.detail) == (False, "Rejected by the exchange")
        world.exchange.fill_plan = "immediate"
        await world.until("10:01")
        assert [e.state for e in await world.entries()] == [OrderState.REJECTED, OrderState.FILLED]
        await _end(world)

    in_world(day, tmp_path)


def test_a_lost_response_is_unknown_holds_the_day_and_polling_adopts_the_order(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_DROP_RESPONSE, path=ORDERS, method="POST")
        world.broker.arm(FaultKind.ORDERS_LISTING_LAG, seconds=140)
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        assert (entry.state, entry.holds_day, entry.order_id) == (OrderState.UNKNOWN, True, None)
        (cycle,) = await world.cycles()
        assert (cycle.outcome, cycle.reason_code) == ("unknown", "outcome_unknown")
        assert cycle.totals["unknown"] == 1
        await world.command(CommandKind.FORCE)
        await world.until("09:47")
        assert [(c.outcome, c.reason_code) for c in await world.cycles()][1:] == [("skipped", "entry_today")]
        assert len(world.broker.posted) == 1
        await world.until("09:48")
        adopted = await world.entry()
        (order,) = world.exchange.orders(ACCOUNT)
        assert (adopted.state, adopted.order_id) == (OrderState.FILLED, str(order.id))
        assert await world.states(entry.id) == ["prepared", "sent", "unknown", "filled"]
        await _end(world)

    in_world(day, tmp_path)


def test_an_alert_that_comes_before_the_lost_answer_is_proof_enough(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_DROP_RESPONSE, path=ORDERS, method="POST")
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        assert "unknown" not in await world.states(entry.id)
        assert entry.state is OrderState.FILLED
        assert [(c.outcome, c.reason_code) for c in await world.cycles()] == [("succeeded", "")]
        await _end(world)

    in_world(day, tmp_path)


@pytest.mark.parametrize("kind", [FaultKind.REST_GARBAGE, FaultKind.REST_JSON_LIST])
def test_an_unreadable_answer_is_unknown_until_the_order_is_read(tmp_path: Path, kind: FaultKind) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        world.broker.arm(kind, path=ORDERS, method="POST")
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        assert await world.states(entry.id) == ["prepared", "sent", "unknown", "working"]
        assert entry.order_id is not None
        await _end(world)

    in_world(day, tmp_path)


def test_an_error_after_the_order_was_taken_is_unknown_not_a_second_order(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.fail_after_accept = 1
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        await world.start()
        await world.until("10:01")
        entry = await world.entry()
        assert (await world.states(entry.id))[:3] == ["prepared", "sent", "unknown"]
        assert entry.state is OrderState.FILLED
        assert len(world.exchange.orders(ACCOUNT)) == 1
        await _end(world)

    in_world(day, tmp_path)


@pytest.mark.parametrize("kind", [FaultKind.REST_DROP_REQUEST, FaultKind.REST_5XX_HTML, FaultKind.REST_429])
def test_a_request_that_may_have_arrived_holds_the_day_although_it_did_not(tmp_path: Path, kind: FaultKind) -> None:
    async def day(world: World) -> None:
        world.broker.arm(kind, path=ORDERS, method="POST")
        await world.start()
        await world.until("09:46")
        unknown = await world.entry()
        assert (unknown.state, unknown.holds_day) == (OrderState.UNKNOWN, True)
        await world.until("10:16")
        entry = await world.entry()
        assert (entry.state, entry.holds_day) == (OrderState.ABSENT, True)
        assert "two complete reads" in entry.detail
        assert [(c.outcome, c.reason_code) for c in await world.cycles()] == [
            ("unknown", "outcome_unknown"),
            ("skipped", "entry_today"),
            ("skipped", "entry_today"),
        ]
        assert world.exchange.orders(ACCOUNT) == []
        assert len(world.broker.posted) == 1
        await _end(world)

    in_world(day, tmp_path)


def test_an_order_that_never_left_frees_the_day_and_the_next_slot_enters(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.no_connection = 1
        await world.start()
        await world.until("10:01")
        first, second = await world.entries()
        assert (first.state, first.holds_day) == (OrderState.NOT_SENT, False)
        assert second.state is OrderState.FILLED
        assert [(c.outcome, c.reason_code) for c in await world.cycles()] == [("failed", "not_sent"), ("succeeded", "")]
        assert len(world.broker.posted) == 1
        await _end(world)

    in_world(day, tmp_path)


def test_the_kill_file_stops_an_order_already_marked_sent(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:45:03")
        while not [e for e in await world.entries() if e.state is OrderState.SENT]:
            await world.clock.sleep(0.005)
        world.kill_file.touch()
        await world.until("09:46")
        entry = await world.entry()
        assert await world.states(entry.id) == ["prepared", "sent", "not_sent"]
        assert "halts all entries" in entry.detail
        assert world.broker.posted == []
        await _end(world)

    in_world(day, tmp_path)


def test_orders_that_cannot_be_read_before_sending_stop_the_entry(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:45:02")  # the account has been read; the last guards read again
        world.broker.arm(FaultKind.ORDERS_PARTIAL_PAGE)
        await world.until("09:46")
        entry = await world.entry()
        assert entry.state is OrderState.NOT_SENT
        assert [(c.outcome, c.reason_code) for c in await world.cycles()] == [("failed", "orders_unreadable")]
        await _end(world)

    in_world(day, tmp_path)


def test_duplicate_prevention_holds_when_the_records_are_lost(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:50")
        await world.stop()
        world.records_file = tmp_path / "empty.sqlite3"
        await world.start()
        await world.until("10:01")
        cycles = await world.cycles()
        assert [(c.outcome, c.reason_code) for c in cycles][-1] == ("skipped", "breaker_open")
        assert await world.entries() == ()
        assert len(world.exchange.orders(ACCOUNT)) == 1
        await world.stop()

    in_world(day, tmp_path)


def test_duplicate_prevention_looks_at_the_broker_right_before_sending(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.no_connection = 1
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("10:00:02")
        request = replace((await world.entries())[0].request, identifier="senex-of-another-console")
        world.exchange.submit(ACCOUNT, order_body(request), world.clock.now())
        await world.until("10:01")
        assert [(c.outcome, c.reason_code) for c in await world.cycles()][-1] == ("skipped", "already_at_broker")
        assert [e.state for e in await world.entries()] == [OrderState.NOT_SENT] * 2
        assert world.broker.posted == []
        await world.stop()

    in_world(day, tmp_path)


def test_the_dry_run_refuses_what_the_broker_would_not_take(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:45:02")
        world.exchange.restrict(ACCOUNT, is_frozen=True)
        await world.until("09:46")
        entry = await world.entry()
        assert entry.state is OrderState.NOT_SENT
        (cycle,) = await world.cycles()
        assert (cycle.outcome, cycle.reason_code) == ("failed", "dry_run_refused")
        assert "frozen" in cycle.reason_text
        assert world.broker.posted == []
        await _end(world)

    in_world(day, tmp_path, preflight=True)


def test_the_figures_of_an_entry_agree_with_its_legs(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        assert [(leg.action.value, leg.quantity) for leg in entry.request.legs] == [
            ("Sell to Open", 2),
            ("Buy to Open", 2),
            ("Sell to Open", 1),
            ("Buy to Open", 1),
        ]
        (posted,) = world.broker.posted
        natural = Decimal(0)
        for leg in entry.request.legs:
            quote = posted.shown[leg.symbol]
            assert quote is not None
            side = quote.bid if leg.action.value.startswith("Sell") else quote.ask
            assert side is not None
            natural += leg.quantity * (side if leg.action.value.startswith("Sell") else -side)
        assert entry.natural <= entry.limit
        assert natural <= entry.limit
        assert entry.max_risk == 100 * (2 * entry.width - entry.natural)
        await _end(world)

    in_world(day, tmp_path)
