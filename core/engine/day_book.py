"""Keeps the records of the exchange's day in memory, and reads again only what has changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from core.cycle.progress import CycleProgress
from core.records.records import Records
from core.records.store.errors import FencedOff, RecordsError
from core.runtime.clock import Clock
from core.snapshot import Reading, ReadingState
from core.views.day_panels import DayPanels
from core.views.day_records import DayRecords, read_cycles, read_day, read_earned, read_entries
from core.views.known_day import KnownDay
from core.views.rebuilt import rebuilt

_ENTRIES = ("entries", "fills", "intent_changes", "evidence")
_CYCLES = ("slots", "cycles", "account_results", "suggestions")
_EARNED = ("tridents", "units")
AGAIN_S = 2.0
"""Wall seconds after which a read is repeated that failed, or whose tables a failed write has left in doubt."""
_BEING_READ = "today's records are being read"

_Version = tuple[int, ...] | None


@dataclass(eq=False, repr=False, slots=True)
class DayBook:
    """The records of today.

    `today` is the exchange's date. `running` has the progress of the newest cycle of this process, one an account. That
    cycle is shown from memory until its end is recorded; all others are shown from the records.
    """

    records: Records
    clock: Clock
    today: Callable[[], date]
    running: Callable[[], Sequence[CycleProgress]]
    known: KnownDay = field(init=False, default_factory=lambda: KnownDay(DayRecords(date.min)))
    reading: Reading = field(init=False, default_factory=Reading)
    _entries: _Version = field(init=False, default=None)
    _cycles: _Version = field(init=False, default=None)
    _earned: _Version = field(init=False, default=None)
    _read_at: float = field(init=False, default=float("-inf"))
    _rebuilt: dict[int, tuple[object, tuple[CycleProgress, ...]]] = field(init=False, default_factory=dict)

    @property
    def panels(self) -> DayPanels:
        """What is shown of today's cycles. The same object while nothing changed and no cycle runs."""
        return self.known.panels_with(self._live())

    def waits_for_end(self, *, in_cycle: bool) -> bool:
        """Whether what the newest cycle came to is still to be recorded or read.

        `in_cycle`: the runner is not done with the cycle yet. Once the records are read as they are,
        nothing is waited for, whether or not they have the end.
        """
        unread = (self.records.version(*_ENTRIES), self.records.version(*_CYCLES)) != (self._entries, self._cycles)
        return bool(self._live()) and (in_cycle or (unread and self.reading.state is ReadingState.KNOWN))

    @property
    def unread(self) -> str:
        """Why today's records are not known as they are; empty when they are."""
        if self.reading.state is ReadingState.KNOWN:
            return ""
        return f"today's records cannot be read ({self.reading.why})" if self.reading.why else _BEING_READ

    async def catch_up(self) -> None:
        """Reads what has changed since the last time. It calls the store only then. A read that fails leaves what is
        known, marked as old, and is repeated."""
        self.turn()
        versions = self._versions()
        is_known = self.reading.state is ReadingState.KNOWN
        again = None in versions or not is_known
        if again and self.clock.monotonic() - self._read_at < AGAIN_S:
            return
        try:
            if self.reading.state is ReadingState.READING:
                await self.read()
            elif again or versions != (self._entries, self._cycles, self._earned):
                await self._read_changes(*versions)
        except FencedOff:
            raise
        except RecordsError as error:
            self._read_at = self.clock.monotonic()
            state = ReadingState.OLD if is_known else self.reading.state
            self.reading = replace(self.reading, state=state, why=str(error))

    async def read(self) -> None:
        """Reads all of today. Raises RecordsError."""
        versions = self._versions()
        self._take(await read_day(self.records, self.today()), *versions)

    def _versions(self) -> tuple[_Version, _Version, _Version]:
        """Of the tables of entries, of cycles, and of what was earned."""
        version = self.records.version
        return version(*_ENTRIES), version(*_CYCLES), version(*_EARNED)

    def turn(self) -> None:
        """On a new day nothing is known of it until it is read. The records of the day before are shown no more."""
        if self.known.day != self.today():
            self._take(DayRecords(self.today()), None, None, None)
            self._rebuilt.clear()
            self.reading, self._read_at = Reading(), float("-inf")

    async def _read_changes(self, entries: _Version, cycles: _Version, earned: _Version) -> None:
        day, live = self.known.records, self._live()
        if cycles is None or cycles != self._cycles:
            day = await read_cycles(self.records, day, live=live[0].number if live else 0)
        if entries is None or entries != self._entries:
            day = await read_entries(self.records, day)
        if earned is None or earned != self._earned:
            day = await read_earned(self.records, day)
        if day.day == self.today():  # else the day has changed meanwhile
            self._take(day, entries, cycles, earned)

    def _take(self, day: DayRecords, entries: _Version, cycles: _Version, earned: _Version) -> None:
        self._entries, self._cycles, self._earned = entries, cycles, earned
        self._read_at = self.clock.monotonic()
        self.reading = Reading(ReadingState.KNOWN, self.clock.now().replace(microsecond=0))
        ended = [self._as_it_was(day, cycle.number) for cycle in day.cycles if cycle.number in day.steps]
        self.known = KnownDay.of(day, ended)

    def _as_it_was(self, day: DayRecords, number: int) -> tuple[CycleProgress, ...]:
        """The cycle rebuilt, once for the records it is made from."""
        entries = [(entry.id, entry.state) for entry in day.entries if entry.cycle == number]
        ended = [cycle for cycle in day.cycles if cycle.number == number]
        runs = [run for run in day.runs if run.cycle == number]
        made_from = (day.steps[number], entries, ended, runs)
        kept = self._rebuilt.get(number)
        if kept is None or kept[0] != made_from:
            kept = self._rebuilt[number] = made_from, rebuilt(day, number, self.clock.speed)
        return kept[1]

    def _live(self) -> Sequence[CycleProgress]:
        """The progress of today's cycle that the records do not tell yet; none when they tell all."""
        live = self.running()
        first = next(iter(live), None)
        if first is None or first.number in self.known.records.steps or first.day != self.known.day:
            return ()
        return live
