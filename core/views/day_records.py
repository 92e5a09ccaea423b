"""The records of one session day: all that the panels of that day are made from (rules 4, 9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from core.domain.operation.events import Event
from core.domain.operation.runs import AccountRun
from core.domain.orders.orders import Entry
from core.domain.orders.settling import settling
from core.domain.reporting.money import MoneyPart, Period, money_of
from core.records.records import Records
from core.records.repositories.rows import CycleRecord, EvidenceRecord, SlotRecord, SuggestionRecord
from core.records.search.told_cycles import CycleTold, cycle_told
from core.snapshot import Reentry
from core.views.orders import reentry_of


@dataclass(frozen=True, slots=True)
class DayRecords:
    """What is recorded of a session day, each part oldest first.

    `earlier` has the open entries of earlier days. `earned` is what the day brought, by account number. `evidence` is
    the newest about the entries that time settles, and `reentry` whether a person's cancel closed the day, both by
    entry id. `steps` has the events of the cycles' steps, by cycle.
    """

    day: date
    slots: tuple[SlotRecord, ...] = ()
    cycles: tuple[CycleRecord, ...] = ()
    runs: tuple[AccountRun, ...] = ()
    suggestions: tuple[SuggestionRecord, ...] = ()
    steps: Mapping[int, tuple[Event, ...]] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()
    earlier: tuple[Entry, ...] = ()
    evidence: Mapping[str, tuple[EvidenceRecord, ...]] = field(default_factory=dict)
    reentry: Mapping[str, Reentry] = field(default_factory=dict)
    earned: Mapping[str, MoneyPart] = field(default_factory=dict)

    @property
    def validated(self) -> frozenset[str]:
        """The accounts whose suggestion of this day is validated."""
        return frozenset(one.account for one in self.suggestions if one.validated)

    @property
    def told(self) -> Mapping[int, CycleTold]:
        """What each cycle came to, by number."""
        return {cycle.number: self._told(cycle) for cycle in self.cycles}

    def _told(self, cycle: CycleRecord) -> CycleTold:
        runs = [run for run in self.runs if run.cycle == cycle.number]
        validated = {one.account for one in self.suggestions if one.validated and one.cycle == cycle.number}
        return cycle_told(cycle, runs, self.entries, validated)


async def read_day(records: Records, day: date) -> DayRecords:
    """All that is recorded of this day. Raises RecordsError."""
    known = await read_entries(records, await read_cycles(records, DayRecords(day)))
    return await read_earned(records, known)


async def read_earned(records: Records, known: DayRecords) -> DayRecords:
    """The day with what it brought read again. Raises RecordsError."""
    found = await records.money.on(known.day)
    figures = money_of(found.units, found.tridents, (), Period.DAY, first=known.day, last=known.day)
    return replace(known, earned=dict(figures.accounts))


async def read_entries(records: Records, known: DayRecords) -> DayRecords:
    """The day with its entries, and what was seen of them, read again. Raises RecordsError."""
    reads = records.entries
    entries = await reads.of_day(known.day)
    ours = {entry.id for entry in entries}
    earlier = tuple(entry for entry in await reads.open() if entry.id not in ours)
    settles = [entry.id for entry in (*entries, *earlier) if settling(entry, (), 1.0) is not None]
    return replace(
        known,
        entries=entries,
        earlier=earlier,
        evidence={entry_id: await reads.newest_evidence(entry_id) for entry_id in settles},
        reentry={entry.id: await reentry_of(entry, reads.reentry_allowed) for entry in entries},
    )


async def read_cycles(records: Records, known: DayRecords, *, live: int = 0) -> DayRecords:
    """The day with its slots and cycles read again. Raises RecordsError.

    The steps of a cycle that has ended are read only once, and those of the cycle `live` not before it has ended.
    """
    slots, cycles = await records.slots.of_day(known.day), await records.cycles.of_day(known.day)
    ended_before = {cycle.number for cycle in known.cycles if cycle.ended_at is not None}
    steps = {number: events for number, events in known.steps.items() if number in ended_before}
    wanted = [c.number for c in cycles if c.number not in steps and (c.ended_at is not None or c.number != live)]
    happened = await records.journal.steps_of(wanted) if wanted else ()
    for number in wanted:
        steps[number] = tuple(event for event in happened if event.cycle == number)
    return replace(
        known,
        slots=slots,
        cycles=cycles,
        runs=await records.results.of_day(known.day) if cycles else (),
        suggestions=await records.journal.suggestions_in([c.number for c in cycles]) if cycles else (),
        steps=steps,
    )
