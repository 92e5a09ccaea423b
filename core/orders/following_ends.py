"""Says once of each entry and exit that it is followed no more although its end at the broker was never shown (rules 9,
15.4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from core.domain.operation.amounts import counted
from core.domain.operation.events import Severity, masked
from core.domain.operation.figures import Figures
from core.domain.orders.fate import fate_of
from core.domain.orders.orders import Entry, Intent
from core.domain.orders.way_out import way_out
from core.domain.positions.exit_fate import exit_name, way_out_of_exit
from core.domain.positions.exits import Exit
from core.market.calendar import SessionCalendar
from core.records.records import Records
from core.runtime.bus import Bus

NOT_FOLLOWED = "order.not_followed"
"""The kind of the event."""
_SESSIONS_BACK = 60
"""Sessions beyond those that are followed in which orders are looked for: the console may have been off meanwhile."""


@dataclass(eq=False, repr=False)
class FollowingEnds:
    """Looks for absent intents, incidents and their like that were sent before the sessions that are followed, or ended
    before them where they may rest."""

    records: Records
    bus: Bus
    calendar: SessionCalendar
    sessions: int

    async def check(self, today: date) -> None:
        """Tells of each such intent that was not told yet. Raises RecordsError."""
        since = self.calendar.sessions_back(today, self.sessions)
        followed = {intent.id for intent in await self.records.intents.followed(since)}
        for intent in await self.records.intents.followed(self.calendar.sessions_back(since, _SESSIONS_BACK)):
            if intent.id not in followed and not await self._is_told(intent):
                await self._tell(intent)

    async def _is_told(self, intent: Intent) -> bool:
        return await self.records.journal.newest_with(NOT_FOLLOWED, (intent.KIND.value, intent.id)) is not None

    async def _tell(self, intent: Intent) -> None:
        order = f"order {intent.order_id}" if intent.order_id else "its order, if there is one,"
        what, leads_out, figures = _words(intent)
        text = (
            f"the {intent.state.words} {what} of {intent.session_day} is followed no more after "
            f"{counted(self.sessions, 'session')}: what {order} does at the broker is no longer read"
        )
        await self.bus.say(
            NOT_FOLLOWED,
            f"{intent.underlying} {masked(intent.account)}: {text}" + (f"; {leads_out}" if leads_out else ""),
            Severity.WARNING,
            account=intent.account,
            underlying=intent.underlying,
            figures=figures,
        )


def _words(intent: Intent) -> tuple[str, str, Figures]:
    """What the intent is called, what leads out of it, and the figures that name it."""
    if isinstance(intent, Exit):
        named = ((intent.KIND.value, intent.id), ("trident", intent.trident_id))
        return exit_name(intent.kind, intent.units), way_out_of_exit(intent), named
    leads_out = way_out(fate_of(intent)) if isinstance(intent, Entry) else ""
    return intent.KIND.value, leads_out, ((intent.KIND.value, intent.id),)
