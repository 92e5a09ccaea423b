"""A day's records with all that is computed from them, once for each time they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from core.cycle.progress import CycleProgress
from core.domain.orders.fate import Fate, fate_of
from core.domain.orders.orders import Entry
from core.records.repositories.rows import CycleRecord
from core.records.search.told_cycles import CycleTold
from core.snapshot import FateView, Reentry
from core.views.day_panels import DayPanels, day_panels
from core.views.day_records import DayRecords
from core.views.orders import fate_view


@dataclass(frozen=True, slots=True)
class KnownDay:
    """`records` are those of the day, `ended` the progress of its cycles as rebuilt from them, oldest first.

    `told` has what each cycle came to, by number; `fates` and `views` those of the entries, by entry id.
    """

    records: DayRecords
    ended: tuple[tuple[CycleProgress, ...], ...] = ()
    told: Mapping[int, CycleTold] = field(default_factory=dict)
    fates: Mapping[str, Fate] = field(default_factory=dict)
    views: Mapping[str, FateView] = field(default_factory=dict)
    panels: DayPanels = field(default_factory=DayPanels)

    @classmethod
    def of(cls, records: DayRecords, ended: Sequence[tuple[CycleProgress, ...]]) -> KnownDay:
        """The day of these records."""
        entries = (*records.entries, *records.earlier)
        fates = {entry.id: fate_of(entry) for entry in entries}
        return cls(
            records=records,
            ended=tuple(ended),
            told=records.told,
            fates=fates,
            views={e.id: fate_view(e, records.reentry.get(e.id, Reentry.NONE), records.day) for e in entries},
            panels=day_panels(ended, _holding(fates)),
        )

    @property
    def day(self) -> date:
        """The exchange's date."""
        return self.records.day

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries of the day, and the open ones of earlier days."""
        return (*self.records.entries, *self.records.earlier)

    def panels_with(self, live: Sequence[CycleProgress]) -> DayPanels:
        """What is shown while this cycle runs, of which the records do not tell yet. `live` may be empty."""
        return day_panels((*self.ended, live), _holding(self.fates)) if live else self.panels

    def cycle(self, number: int) -> CycleRecord | None:
        """The record of this cycle of the day; None while the records do not have it."""
        return next((cycle for cycle in self.records.cycles if cycle.number == number), None)

    def reentry_of(self, entry: Entry) -> Reentry:
        """Whether an operator's cancel of this entry closed the day."""
        return self.records.reentry.get(entry.id, Reentry.NONE)


def _holding(fates: Mapping[str, Fate]) -> frozenset[str]:
    """The ids of the entries that traded or hold their day."""
    return frozenset(entry_id for entry_id, fate in fates.items() if fate.holds_day or fate.traded)
