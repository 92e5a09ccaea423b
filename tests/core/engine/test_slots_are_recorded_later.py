"""A slot that the records cannot take is missed, shown at once with its reason, and recorded when they are back (rules
3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.domain.operation.reasons import Reason
from core.domain.orders.order_states import OrderState
from core.snapshot import SlotState, SlotView
from tests.support.invariants import assert_nothing_forbidden_happened
from tests.support.sqlite_on_the_loop import Disk
from tests.support.world import MONDAY, World, et, in_world

NOT_RECORDED = Reason.NOT_RECORDED.code


def shown(world: World, at: str) -> SlotView:
    """The slot as the screen shows it now."""
    snapshot = world.snapshot()
    return next(slot for slot in snapshot.schedule if slot.at == et(MONDAY, at))


async def recorded(world: World) -> list[tuple[str, str, str]]:
    """State, reason and what went wrong, of today's slots."""
    return [(slot.state, slot.reason_code, slot.reason_text.partition(": ")[0]) for slot in await world.slots()]


async def said(world: World, kind: str) -> list[str]:
    events = await world.records.journal.newest(1_000)
    return [event.text for event in reversed(events) if event.kind == kind]


WORDS = "the records could not be written when it passed"


@pytest.mark.parametrize("trouble", ["locked 70 s", "full for 5 minutes"])
def test_a_slot_that_the_records_cannot_take_is_missed_and_recorded_when_they_are_back(
    tmp_path: Path, trouble: str
) -> None:
    store = Disk()

    async def day(world: World) -> None:
        await world.start()
        await world.until("09:44:50")
        if trouble == "locked 70 s":
            store.locked, seconds = True, 70.0
        else:
            store.full, seconds = True, 300.0
        await world.until("09:45:11")
        view = shown(world, "09:45")
        assert (view.state, view.told and view.told.words.partition(": ")[0]) == (SlotState.MISSED, WORDS)
        await world.clock.sleep(seconds - 21.0)
        assert shown(world, "09:45").state is SlotState.MISSED
        assert await recorded(world) == []
        store.locked = store.full = False
        await world.clock.sleep(60)
        assert await recorded(world) == [("missed", NOT_RECORDED, WORDS)]
        assert world.broker.posted == [], "it is never run later"
        (text,) = await said(world, "slot.missed")
        assert text.startswith(f"slot 09:45 missed: {WORDS}: ")
        await world.until("10:01")
        assert (await recorded(world))[1:] == [("done", "", "")]
        assert (await world.entry()).state is OrderState.FILLED
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path, disk=store)


def test_a_slot_missed_for_another_reason_keeps_it_while_the_records_cannot_take_it(tmp_path: Path) -> None:
    store = Disk()

    async def day(world: World) -> None:
        world.kill_file.touch()
        await world.start()
        await world.until("09:44:50")
        store.full = True
        await world.until("09:46")
        assert shown(world, "09:45").state is SlotState.MISSED
        store.full = False
        await world.until("09:48")
        ((state, reason, _),) = await recorded(world)
        assert (state, reason) == ("missed", Reason.KILL_FILE.code)
        await world.stop()

    in_world(day, tmp_path, disk=store)


def test_a_slot_is_recorded_at_the_end_when_the_records_are_back_only_then(tmp_path: Path) -> None:
    store = Disk()

    async def day(world: World) -> None:
        await world.start()
        await world.until("09:44:50")
        store.full = True
        await world.until("09:45:30")
        store.full = False
        await world.stop()
        records = await world.reopened()
        assert [(slot.state, slot.reason_code) for slot in await records.slots.of_day(world.day)] == [
            ("missed", NOT_RECORDED)
        ]
        await records.close()

    in_world(day, tmp_path, disk=store)


@pytest.mark.parametrize("end", ["stop", "crash"])
def test_a_restart_tells_slots_that_were_not_recorded_from_those_that_passed_without_a_console(
    tmp_path: Path, end: str
) -> None:
    store = Disk()

    async def day(world: World) -> None:
        await world.start()
        await world.until("09:44:50")
        store.full = True
        await world.until("10:20")
        await (world.stop() if end == "stop" else world.crash())
        store.full = False
        await world.until("10:50")
        await world.start()
        lost = ("missed", NOT_RECORDED, WORDS)
        down = ("missed", Reason.PROCESS_DOWN.code, "the console was not running at the slot")
        assert await recorded(world) == [lost] * 3 + [down] * 2
        assert await said(world, "slot.missed") == [
            "2 slots passed while the console was not running",
            "3 slots passed while the console was running and could not write its records",
        ]
        assert world.broker.posted == []
        await world.stop()

    in_world(day, tmp_path, disk=store)


def test_a_console_that_was_down_at_the_slot_is_not_said_to_have_been_running(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:50")
        await world.crash()
        await world.until("10:20")
        await world.start()
        assert [reason for _, reason, _ in await recorded(world)] == ["", "process_down", "process_down"]
        await world.stop()

    in_world(day, tmp_path)


def test_the_end_of_a_cycle_that_the_records_cannot_take_is_recorded_when_they_are_back(tmp_path: Path) -> None:
    store = Disk()

    async def day(world: World) -> None:
        await world.start()
        await world.until("09:45:01.5")
        store.full = True
        await world.until("09:46")
        assert not world.engine.runner.in_cycle
        assert [slot.state for slot in await world.slots()] == ["claimed"]
        assert (shown(world, "09:45").state, shown(world, "09:45").outcome) == (SlotState.DONE, "failed")
        store.full = False
        await world.until("09:48")
        (slot,), (cycle,) = await world.slots(), await world.cycles()
        assert (slot.state, slot.outcome, cycle.outcome) == ("done", "failed", "failed")
        assert cycle.ended_at is not None
        assert cycle.ended_at < et(MONDAY, "09:46"), "it ended when it ended, not when it was recorded"
        assert len(await said(world, "cycle.ended")) == 1
        await world.until("10:01")
        assert len(await world.cycles()) == 2, "later cycles run"
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path, disk=store)


def test_a_claim_whose_answer_was_lost_ends_as_not_recorded_and_never_runs(tmp_path: Path) -> None:
    store = Disk()

    async def day(world: World) -> None:
        await world.start()
        await world.until("09:44:59.9")
        store.lost_answers = 1
        await world.until("09:47")
        assert store.lost_answers == 0
        assert [(slot.state, slot.outcome, slot.reason_code) for slot in await world.slots()] == [
            ("done", "failed", NOT_RECORDED)
        ]
        assert [cycle.ended_at is not None for cycle in await world.cycles()] == [True]
        assert world.broker.posted == []
        await world.until("10:01")
        assert len(world.broker.posted) == 1
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path, disk=store)
