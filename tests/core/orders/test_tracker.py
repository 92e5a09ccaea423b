"""An order after the broker has it: fills, also late and partial ones, expiration, repeated alerts (rules 9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from core.domain.operation import amounts
from core.domain.operation.commands import CommandKind
from core.domain.orders.fate import fate_of
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import OrderReport
from core.simulator.exchange.faults import FaultKind
from core.simulator.in_process.values import order_report
from tests.support.invariants import assert_nothing_forbidden_happened
from tests.support.world import ACCOUNT, World, et, in_world

pytestmark = pytest.mark.usefixtures("store")

NEAR_THE_CLOSE = et("2026-03-02", "15:44:00")


async def _end(world: World) -> None:
    await assert_nothing_forbidden_happened(world, world.records)
    await world.stop()


def test_a_day_order_expires_at_the_close_and_keeps_its_day(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("15:44:30")
        await world.command(CommandKind.FORCE)
        await world.until("16:16")
        entry = await world.entry()
        assert await world.states(entry.id) == ["prepared", "sent", "working", "expired"]
        assert (entry.holds_day, entry.fills) == (True, ())
        assert entry.terminal_at == et("2026-03-02", "16:15")  # until then its options trade
        await _end(world)

    in_world(day, tmp_path, start=NEAR_THE_CLOSE)


def test_a_late_fill_of_a_resting_order_is_found(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("09:50")
        assert (await world.entry()).state is OrderState.WORKING
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)  # only polling can tell
        world.exchange.fill_plan = "immediate"
        await world.until("09:50:15")
        entry = await world.entry()
        assert entry.state is OrderState.FILLED
        assert sum(f.quantity for f in entry.fills) == 6
        await _end(world)

    in_world(day, tmp_path)


def test_a_fill_that_raced_a_cancel_is_a_fill(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        assert entry.order_id is not None
        world.exchange.fill_plan = "partial"
        await world.clock.sleep(2)
        await world.broker.cancel(ACCOUNT, entry.order_id)
        await world.until("09:47")
        ended = await world.entry()
        assert ended.state in (OrderState.CANCELLED, OrderState.INCIDENT, OrderState.FILLED)
        (order,) = world.exchange.orders(ACCOUNT)
        theirs = {f.fill_id for leg in order.legs for f in leg.fills}
        assert theirs
        assert {f.fill_id for f in ended.fills} == theirs
        assert ended.holds_day
        await _end(world)

    in_world(day, tmp_path)


def test_a_partial_fill_is_told_and_its_rest_completes_the_entry(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "partial"
        await world.start()
        await world.until("09:45:10")
        part = await world.entry()
        assert part.state is OrderState.WORKING
        assert 0 < sum(f.quantity for f in part.fills) < 6
        await world.until("09:46")
        entry = await world.entry()
        assert entry.state is OrderState.FILLED
        assert sum(f.quantity for f in entry.fills) == 6
        told = await world.records.journal.of_cycle(1)
        kinds = [e.kind for e in told]
        assert kinds.count("order.partially_filled") == 1
        [text] = [e.text for e in told if e.kind == "order.partially_filled"]
        filled = sum(f.quantity for f in part.fills)
        assert (
            f"partially filled: {filled} of 6 contracts; the rest works at {amounts.credit(part.limit)} credit" in text
        )
        assert kinds.index("order.partially_filled") < kinds.index("order.filled")
        await _end(world)

    in_world(day, tmp_path)


def test_fill_records_missing_from_a_filled_order_are_fetched(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        (order,) = world.exchange.orders(ACCOUNT)
        await world.engine.tracker.apply(entry, replace(order_report(order), status="Filled"))
        told = await world.entry()
        assert (told.state, told.fills) == (OrderState.FILLED, ())
        world.exchange.fill_plan = "immediate"
        await world.until("09:46:30")
        assert sum(f.quantity for f in (await world.entry()).fills) == 6
        await _end(world)

    in_world(day, tmp_path)


def test_fills_of_a_filled_order_that_come_in_two_parts_are_no_partial_fill_and_their_credit_is_told(
    tmp_path: Path,
) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        await world.start()
        listed = world.broker.orders_since
        first_legs = 2

        async def half_of_the_fills(number: str, first_day: date) -> tuple[OrderReport, ...]:
            return tuple(
                replace(r, legs=(*r.legs[:first_legs], *(replace(leg, fills=()) for leg in r.legs[first_legs:])))
                for r in await listed(number, first_day)
            )

        setattr(world.broker, "orders_since", half_of_the_fills)  # noqa: B010 - a method of this one instance
        await world.until("09:46")
        entry = await world.entry()
        assert entry.state is OrderState.FILLED
        assert 0 < sum(f.quantity for f in entry.fills) < 6
        (said,) = await world.events(1, "order.filled")
        assert said.text.endswith("its fill records have not all come")
        assert "fill_credit" not in dict(said.figures)
        first_legs = 4
        await world.until("09:47")
        kinds = [e.kind for e in await world.records.journal.of_cycle(1) if e.kind.startswith("order.")]
        assert "order.partially_filled" not in kinds
        assert kinds.count("order.fills_known") == 1
        (known,) = await world.events(1, "order.fills_known")
        credit = fate_of(await world.entry()).credit
        assert credit is not None
        assert dict(known.figures)["fill_credit"] == credit
        assert f"filled at {amounts.credit(credit)} credit" in known.text
        await _end(world)

    in_world(day, tmp_path)


def test_the_words_of_a_state_end_with_it_and_stay_in_the_history(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_DROP_RESPONSE, path=f"/accounts/{ACCOUNT}/orders", method="POST")
        world.broker.arm(FaultKind.ORDERS_LISTING_LAG, seconds=60)
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        await world.start()
        await world.until("09:45:30")
        unknown = await world.entry()
        assert (unknown.state, bool(unknown.detail)) == (OrderState.UNKNOWN, True)
        await world.until("09:47")
        filled = await world.entry()
        assert (filled.state, filled.detail) == (OrderState.FILLED, "")
        history = await world.records.entries.history(filled.id)
        assert unknown.detail in [change.detail for change in history if change.state is OrderState.UNKNOWN]
        await _end(world)

    in_world(day, tmp_path)


def test_alerts_that_come_twice_change_nothing(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.ALERTS_DUPLICATED, count=None)
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        assert sum(f.quantity for f in entry.fills) == 6
        assert await world.states(entry.id) == ["prepared", "sent", "working", "filled"]
        await _end(world)

    in_world(day, tmp_path)
