"""Keeps the official closes of underlyings, at which shares of an assignment count (rules 15.6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.domain.market.quotes import DaySummary
from core.domain.positions.pnl import OfficialClose
from core.market.calendar import SessionCalendar
from core.records.records import Records


@dataclass(frozen=True, slots=True)
class OfficialCloses:
    """Takes the close of a session from the summary of the next one: the feed tells the official one only then."""

    records: Records
    calendar: SessionCalendar

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
            if before is not None and before.day < summary.day:
                close = OfficialClose(before.close, summary.previous_close)
                noted += await self.records.pnl_rows.add_close(symbol, before.day, close)
        return noted
