"""Keeps the official closes of underlyings, at which shares of an assignment count (rules 15.6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from core.domain.market.quotes import DaySummary
from core.domain.positions.pnl import OfficialClose
from core.market.calendar import SessionCalendar
from core.records.records import Records


@dataclass(eq=False, repr=False)
class OfficialCloses:
    """Takes the close of a session from the summary of the next one: the feed tells the official one only then."""

    records: Records
    calendar: SessionCalendar
    # The newest session of each underlying whose close this process has found on record, or recorded.
    _recorded: dict[str, date] = field(init=False, default_factory=dict)

    async def note(self, symbol: str, summaries: Iterable[DaySummary]) -> int:
        """Records the closes of the underlying that these summaries tell and that are not recorded. Returns how many.

        A summary without its date, or of a date without a session, tells of no certain session and is left out. Raises
        RecordsError.
        """
        noted = 0
        for summary in summaries:
            if summary.day is None or summary.previous_close is None or self.calendar.on(summary.day) is None:
                continue
            before = self.calendar.on(self.calendar.sessions_back(summary.day, 1))
            if before is not None and before.day < summary.day and self._recorded.get(symbol) != before.day:
                close = OfficialClose(before.close, summary.previous_close)
                noted += await self.records.pnl_rows.add_close(symbol, before.day, close)
                self._recorded[symbol] = before.day  # what is on record stays as it is
        return noted
