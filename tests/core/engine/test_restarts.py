"""Restarts and crashes during the day: nothing runs twice, nothing is lost, no outcome is guessed (rules 3, 9)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from core.domain.orders.order_states import OrderState
from core.simulator.exchange.faults import FaultKind
from tests.support.invariants import assert_nothing_forbidden_happened
from tests.support.world import World, et, in_world

pytestmark = pytest.mark.usefixtures("store")


def test_slots_that_passed_before_a_start_are_missed_as_process_down(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        slots = await world.slots()
        assert [(s.slot, s.state, s.reason_code) for s in slots] == [
            (et("2026-03-02", at), "missed", "process_down") for at in ("09:45", "10:00", "10:15")
        ]
        await world.until("10:31")
        assert [(s.state, s.outcome) for s in await world.slots()][3:] == [("done", "succeeded")]
        assert len(await world.cycles()) == 1
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path, start=et("2026-03-02", "10:20"))


def test_a_start_says_once_how_many_slots_passed_and_shows_the_last_cycle_of_the_day(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        await world.stop()
        await world.until("10:05")
        await world.start()
        shown = world.snapshot()
        passed = [m.text for m in shown.messages if "passed while" in m.text]
        assert passed == ["1 slot passed while the console was not running"]
        assert shown.cycle is not None
        assert (shown.cycle.number, shown.cycle.outcome, shown.cycle.running) == (1, "succeeded", False)
        assert shown.cycle.slot == et("2026-03-02", "09:45")
        assert 0 < shown.cycle.elapsed_s < 60
        await world.stop()

    in_world(day, tmp_path)


def test_sessions_that_passed_while_the_console_was_not_running_are_missed_slot_by_slot(tmp_path: Path) -> None:
    async def days(world: World) -> None:
        await world.start()
        await world.until("14:46")
        await world.stop()
        await world.until("09:50", "2026-03-11")
        await world.start()
        for day in (9, 10):
            missed = await world.records.slots.of_day(date(2026, 3, day))
            assert [s.slot for s in missed][:: len(missed) - 1] == [
                et(f"2026-03-{day:02}", "09:45"),
                et(f"2026-03-{day:02}", "14:45"),
            ]
            assert {(s.state, s.reason_code) for s in missed} == {("missed", "process_down")}
            assert len(missed) == 21
        assert await world.records.slots.of_day(date(2026, 3, 8)) == (), "a Sunday has no slots"
        assert len(await world.slots()) == 1
        await world.stop()

    in_world(days, tmp_path, start=et("2026-03-06", "14:30"), poll_s=600)


def test_a_start_within_a_minute_of_the_slot_still_runs_it(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:47")
        assert [(s.state, s.outcome) for s in await world.slots()] == [("done", "succeeded")]
        await world.stop()

    in_world(day, tmp_path, start=et("2026-03-02", "09:45:40"))


def test_a_start_later_than_a_minute_after_the_slot_does_not(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:59")
        assert [(s.state, s.reason_code) for s in await world.slots()] == [("missed", "process_down")]
        assert world.broker.posted == []
        await world.stop()

    in_world(day, tmp_path, start=et("2026-03-02", "09:46:10"))


def test_a_slot_claimed_by_a_killed_process_is_interrupted_and_not_run_again(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:45:01.5")
        await world.crash()
        await world.until("09:45:10")
        await world.start()
        await world.until("09:59")
        assert [(s.state, s.outcome, s.reason_code) for s in await world.slots()] == [
            ("interrupted", "failed", "interrupted")
        ]
        cycles = await world.cycles()
        assert [(c.outcome, c.reason_code) for c in cycles] == [("failed", "interrupted")]
        assert world.broker.posted == []
        await world.until("10:01")
        assert [(s.state, s.outcome) for s in await world.slots()][1:] == [("done", "succeeded")]
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path)


def test_an_engine_ended_in_mid_cycle_records_the_cycle_as_interrupted(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:45:01.5")
        await world.stop()
        await world.start()
        await world.until("09:59")
        assert [(s.state, s.outcome, s.reason_code) for s in await world.slots()] == [("done", "failed", "interrupted")]
        assert world.broker.posted == []
        await world.stop()

    in_world(day, tmp_path)


def test_a_death_between_the_post_and_its_answer_leaves_unknown_until_the_broker_says(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        world.broker.arm(FaultKind.REST_DELAY_AFTER, path="/accounts", method="POST", seconds=8)
        await world.start()
        await world.until("09:45:03")
        while not world.exchange.orders(world.accounts[0]):
            await world.clock.sleep(0.05)
        assert (await world.entry()).state is OrderState.SENT
        await world.crash()
        world.broker.faults.clear()
        world.broker.arm(FaultKind.REST_5XX_HTML, path="/accounts/5WT00001/orders", method="GET", count=None)
        await world.start()
        entry = await world.entry()
        assert (entry.state, entry.holds_day) == (OrderState.UNKNOWN, True)
        await world.until("10:02")
        assert [(s.state, s.reason_code) for s in await world.slots()][-1] == ("missed", "reconciling")
        assert (await world.entry()).state is OrderState.UNKNOWN
        world.broker.faults.clear()
        await world.until("10:03")
        adopted = await world.entry()
        (order,) = world.exchange.orders(world.accounts[0])
        assert (adopted.state, adopted.order_id) == (OrderState.WORKING, str(order.id))
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path)


def test_an_entry_that_was_only_prepared_did_not_leave(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_DELAY_BEFORE, path="/market-time", seconds=0.01, count=None)
        await world.start()
        await world.until("09:45:03")
        while not await world.entries():
            await world.clock.sleep(0.01)
        assert (await world.entry()).state is OrderState.PREPARED
        await world.crash()
        assert world.broker.posted == []
        await world.start()
        entry = await world.entry()
        assert (entry.state, entry.holds_day) == (OrderState.NOT_SENT, False)
        await world.until("10:01")
        assert [e.state for e in await world.entries()] == [OrderState.NOT_SENT, OrderState.FILLED]
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path)


def test_a_working_entry_is_followed_to_its_fill_by_the_next_process(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("09:46")
        assert (await world.entry()).state is OrderState.WORKING
        await world.stop()
        world.exchange.fill_plan = "immediate"
        await world.until("09:50")
        await world.start()
        await world.clock.sleep(1)
        entry = await world.entry()
        assert entry.state is OrderState.FILLED
        assert sum(fill.quantity for fill in entry.fills) == 6
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path)
