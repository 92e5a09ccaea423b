"""Slots and cycles in the records."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from core.domain.operation.reasons import Reason
from core.records.records import Records, StateConflict
from tests.support.record_samples import AT, DAY, SLOT, after, url_of

_TOTALS = {"processed": 2, "succeeded": 1, "failed": 0, "skipped": 1, "unknown": 0}


async def test_a_missed_slot_keeps_its_reason_and_is_never_run(records: Records) -> None:
    assert await records.slots.miss(DAY, SLOT, Reason.PAUSED, "automation is paused", AT)
    assert not await records.slots.miss(DAY, SLOT, Reason.HALTED, "late", after(1))
    assert await records.cycles.begin(DAY, SLOT, False, after(1)) is None
    assert await records.cycles.newest() == 0, "a cycle that could not begin leaves no number"
    (slot,) = await records.slots.of_day(DAY)
    assert (slot.state, slot.reason_code, slot.reason_text) == ("missed", "paused", "automation is paused")


async def test_a_slot_is_run_once_by_two_programs(records: Records, second: Records) -> None:
    began = await asyncio.gather(*(each.cycles.begin(DAY, SLOT, False, AT) for each in (records, second) * 4))
    assert sorted(began, key=str) == [1, *[None] * 7]
    assert len(await records.cycles.of_day(DAY)) == 1
    assert not await records.slots.miss(DAY, SLOT, Reason.PAUSED, "late", AT)
    (slot,) = await records.slots.of_day(DAY)
    assert (slot.slot, slot.state) == (SLOT, "claimed")


async def test_cycles_are_numbered_without_gaps_and_ended_once(records: Records) -> None:
    later = SLOT + timedelta(minutes=15)
    assert await records.cycles.begin(DAY, SLOT, False, AT) == 1
    assert await records.cycles.begin(DAY, SLOT, False, AT) is None
    assert await records.cycles.begin(DAY, None, True, after(5)) == 2
    assert await records.cycles.begin(DAY, later, False, after(900)) == 3
    await records.cycles.end(1, "skipped", "low_score", "QQQ scores 12", _TOTALS, after(4))
    with pytest.raises(StateConflict, match="cycle 1 is not running"):
        await records.cycles.end(1, "succeeded", "", "", _TOTALS, after(6))
    cycle = await records.cycles.get(1)
    assert cycle is not None
    assert (cycle.outcome, cycle.reason_code, cycle.totals, cycle.ended_at) == (
        "skipped",
        "low_score",
        _TOTALS,
        after(4),
    )
    first, other = await records.slots.of_day(DAY)
    assert (first.state, first.cycle, first.outcome, first.reason_text) == ("done", 1, "skipped", "QQQ scores 12")
    assert (other.state, other.cycle) == ("claimed", 3)
    forced = await records.cycles.get(2)
    assert forced is not None
    assert (forced.forced, forced.slot, forced.ended_at) == (True, None, None)
    assert await records.cycles.newest() == 3
    assert await records.cycles.get(4) is None


async def test_the_next_start_finds_what_was_interrupted_and_runs_no_slot_twice(records: Records, path: Path) -> None:
    await records.cycles.begin(DAY, SLOT, False, AT)
    assert await records.cycles.interrupt_unfinished(after(2)) == (), "its own cycles are running"
    assert [slot.state for slot in await records.slots.of_day(DAY)] == ["claimed"]
    newer = await Records.open(url_of(path))
    try:
        running = await newer.cycles.begin(DAY, None, True, after(3))
        assert await newer.cycles.interrupt_unfinished(after(4)) == (1,)
        assert await newer.cycles.interrupt_unfinished(after(5)) == ()
        cycle = await newer.cycles.get(1)
        assert cycle is not None
        assert (cycle.outcome, cycle.reason_code, cycle.ended_at) == ("failed", "interrupted", after(4))
        assert [slot.state for slot in await newer.slots.of_day(DAY)] == ["interrupted"]
        assert await newer.cycles.begin(DAY, SLOT, False, after(6)) is None
        await newer.cycles.end(running or 0, "succeeded", "", "", _TOTALS, after(7))
    finally:
        await newer.close()
