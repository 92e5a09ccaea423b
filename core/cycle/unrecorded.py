"""The slots and ends of cycles that could not be recorded when they came, kept until the records can be written."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from core.cycle.slots import SlotBook
from core.domain.operation import times
from core.domain.operation.outcomes import Outcome
from core.domain.operation.reasons import Reason, Refusal
from core.domain.reporting.told import Told
from core.records.repositories.rows import CycleRecord, SlotRecord
from core.records.search.told_cycles import CycleTold
from core.records.store.errors import FencedOff, RecordsError
from core.runtime.bus import Bus
from core.runtime.clock import exchange_time
from core.runtime.retries import until_done

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CycleEnding:
    """The end of a cycle that is not recorded yet, and what the cycle came to. `record` writes it, and may be called
    again after it failed."""

    number: int
    at: datetime
    told: Told
    record: Callable[[], Awaitable[None]]


@dataclass(eq=False, repr=False)
class Unrecorded:
    """What the records still lack. It is shown as if it were recorded, and written by `record`. A slot that was missed
    because the records failed is never run later.

    `in_cycle` says whether a cycle runs now.
    """

    slots: SlotBook
    bus: Bus
    in_cycle: Callable[[], bool]
    _missed: dict[datetime, Refusal] = field(init=False, default_factory=dict)
    _endings: dict[int, CycleEnding] = field(init=False, default_factory=dict)
    _is_tried: bool = field(init=False, default=False)

    def missed(self, slot: datetime, refusal: Refusal) -> None:
        """Keeps a slot as missed. The first reason stays."""
        self._missed.setdefault(slot, refusal)

    def ended(self, ending: CycleEnding) -> None:
        """Keeps the end of a cycle."""
        self._endings[ending.number] = ending

    async def record(self) -> None:
        """Records all of it. Raises RecordsError; what is left is kept."""
        for number, ending in tuple(self._endings.items()):
            await ending.record()
            self._endings.pop(number, None)
        for slot, refusal in tuple(self._missed.items()):
            await self._record_missed(slot, refusal)

    async def until_recorded(self) -> None:
        """Records all of it as soon as the records can be written: tries again after 5, 10 and so on up to 60 wall
        seconds. Raises FencedOff."""
        if self._is_tried:
            return
        self._is_tried = True
        try:
            await until_done(self.slots.clock, self._tried, failed=True)
        finally:
            self._is_tried = False

    async def _tried(self) -> bool:
        """Records what it can. Whether nothing is left."""
        try:
            await self.record()
        except FencedOff:
            raise
        except RecordsError as error:
            log.warning("slots and cycles wait to be recorded: %s", error)
        return not self._missed and not self._endings

    def shown(self, records: Sequence[SlotRecord], day: date) -> tuple[SlotRecord, ...]:
        """These slots of a day, with those that are not recorded yet as they will be."""
        known = {record.slot for record in records}
        ended = [self._as_ended(record) for record in records]
        missed = (
            SlotRecord(day, slot, "missed", None, "", refusal.code, refusal.sentence())
            for slot, refusal in self._missed.items()
            if slot not in known and exchange_time(slot).date() == day
        )
        return (*ended, *missed)

    def shown_cycles(self, cycles: Sequence[CycleRecord]) -> tuple[CycleRecord, ...]:
        """These cycles, with the ends that are not recorded yet."""
        endings = self._endings
        return tuple(replace(c, ended_at=endings[c.number].at) if c.number in endings else c for c in cycles)

    def told(self, told: Mapping[int, CycleTold]) -> Mapping[int, CycleTold]:
        """What cycles came to, by number, with those whose end is not recorded yet."""
        return {**told, **{n: CycleTold(ending.told, {}, {}) for n, ending in self._endings.items() if n in told}}

    def _as_ended(self, record: SlotRecord) -> SlotRecord:
        ending = None if record.cycle is None else self._endings.get(record.cycle)
        if ending is None:
            return record
        return replace(record, state="done")

    async def _record_missed(self, slot: datetime, refusal: Refusal) -> None:
        if await self.slots.miss(slot, refusal):
            self._missed.pop(slot, None)
            text = f"slot {times.minute(slot)} missed: {refusal.sentence()}"
            await self.bus.say("slot.missed", text, reason=refusal.reason)
        elif refusal.reason is not Reason.NOT_RECORDED or await self._is_settled(slot, refusal):
            self._missed.pop(slot, None)

    async def _is_settled(self, slot: datetime, refusal: Refusal) -> bool:
        """Whether the record that the slot has already says how it ended. A claim whose answer was lost, of a cycle
        that never ran, is ended here."""
        records, day = self.slots.records, exchange_time(slot).date()
        found = next((each for each in await records.slots.of_day(day) if each.slot == slot), None)
        if found is None or found.state != "claimed" or found.cycle is None:
            return True
        if self.in_cycle() or found.cycle in self._endings:
            return False
        code, text, now = refusal.code, refusal.sentence(), self.slots.clock.now()
        await records.cycles.end(found.cycle, Outcome.FAILED.value, code, text, {}, now)
        return True
