"""Says once of each entry that it is followed no more although its end at the broker was never shown (rules 9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from core.domain.operation.amounts import counted
from core.domain.operation.events import Severity, masked
from core.domain.orders.fate import fate_of
from core.domain.orders.orders import Entry
from core.domain.orders.way_out import way_out
from core.market.calendar import SessionCalendar
from core.records.records import Records
from core.runtime.bus import Bus

NOT_FOLLOWED = "order.not_followed"
"""The kind of the event."""
_SESSIONS_BACK = 60
"""Sessions beyond those that are followed in which entries are looked for: the console may have been off meanwhile."""


@dataclass(eq=False, repr=False)
class FollowingEnds:
    """Looks for absent entries, incidents and their like that were sent before the sessions that are followed."""

    records: Records
    bus: Bus
    calendar: SessionCalendar
    sessions: int

    async def check(self, today: date) -> None:
        """Tells of each such entry that was not told yet. Raises RecordsError."""
        since = self.calendar.sessions_back(today, self.sessions)
        followed = {entry.id for entry in await self.records.entries.followed(since)}
        for entry in await self.records.entries.followed(self.calendar.sessions_back(since, _SESSIONS_BACK)):
            if entry.id not in followed and not await self._is_told(entry):
                await self._tell(entry)

    async def _is_told(self, entry: Entry) -> bool:
        return await self.records.journal.newest_with(NOT_FOLLOWED, ("entry", entry.id)) is not None

    async def _tell(self, entry: Entry) -> None:
        order = f"order {entry.order_id}" if entry.order_id else "its order, if there is one,"
        leads_out = way_out(fate_of(entry))
        text = (
            f"the {entry.state.words} entry of {entry.session_day} is followed no more after "
            f"{counted(self.sessions, 'session')}: what {order} does at the broker is no longer read"
        )
        await self.bus.say(
            NOT_FOLLOWED,
            f"{entry.underlying} {masked(entry.account)}: {text}" + (f"; {leads_out}" if leads_out else ""),
            Severity.WARNING,
            account=entry.account,
            underlying=entry.underlying,
            figures=(("entry", entry.id),),
        )
