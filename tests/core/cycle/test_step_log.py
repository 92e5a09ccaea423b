"""A step that is held is recorded with what follows it, in one commit and in order; none is lost on the way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from core.cycle.step_log import StepLog
from core.domain.operation.events import Event, Step
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.runtime.bus import Bus
from core.runtime.clock import ShiftedClock


class Recorded:
    """The commits of a bus, each with its events' kinds, and what the listeners were told."""

    def __init__(self) -> None:
        self.commits: list[list[str]] = []
        self.told: list[str] = []
        clock = ShiftedClock(datetime(2026, 3, 2, 15, 0, tzinfo=UTC))
        self.bus = Bus(self.record, clock)
        self.bus.listen(lambda event: self.told.append(event.kind))
        self.log = StepLog(self.bus, clock, 7, "5WT00001")

    async def record(self, *events: Event) -> None:
        self.commits.append([event.kind for event in events])

    async def together(self, events: Sequence[Event]) -> None:
        assert not self.told, "nobody is told before the commit"
        await self.record(*events)


async def _passed() -> int | Refusal:
    return 1


async def _refused() -> int | Refusal:
    return refuse(Reason.PAUSED)


RISK, LIMIT, SEND = Step.RISK.event_kind, Step.LIMIT.event_kind, Step.SEND.event_kind


async def test_held_steps_are_recorded_with_what_follows_them() -> None:
    seen = Recorded()
    assert await seen.log.run(Step.RISK, _passed(), held=True) == 1
    assert await seen.log.run(Step.LIMIT, _passed(), held=True) == 1
    assert (seen.commits, seen.told) == ([], [])
    await seen.bus.publish_before(seen.log.take_held(), seen.together)
    await seen.log.run(Step.SEND, _passed())
    assert seen.commits == [[RISK, LIMIT], [SEND]]
    assert seen.told == [RISK, LIMIT, SEND]


async def test_a_refusal_is_never_held_and_comes_after_the_steps_before_it() -> None:
    seen = Recorded()
    await seen.log.run(Step.RISK, _passed(), held=True)
    assert await seen.log.run(Step.LIMIT, _refused(), held=True) == refuse(Reason.PAUSED)
    assert seen.told == [RISK, LIMIT]
    assert seen.commits == [[RISK], [LIMIT]]
    assert not seen.log.take_held()


async def test_a_commit_that_fails_keeps_no_step_from_the_screen() -> None:
    seen = Recorded()
    await seen.log.run(Step.RISK, _passed(), held=True)

    async def broken(_: Sequence[Event]) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        await seen.bus.publish_before(seen.log.take_held(), broken)
    assert seen.told == [RISK]
