"""Cancels an entry that has been left working too long, when the settings ask for it (rules 9: off by default)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta

from core.domain.operation.amounts import counted
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry
from core.orders.cancels import Canceller
from core.records.records import Records
from core.runtime.clock import Clock

ASK_AGAIN_S = 60.0
"""Wall seconds between two cancels of one entry, because the first may have been lost."""


@dataclass(eq=False, repr=False)
class LateCancel:
    """Has entries cancelled that have worked too long.

    It is the engine's cancel and not the operator's. Once the broker has taken and carried it out, a proof that nothing
    filled may free the day; a cancel that it refused or did not carry out, or whose answer was lost, leaves that to an
    operator (rules 9). A partly filled entry is left alone, because cancelling it would leave unbalanced legs.
    `after_minutes` are market minutes since the entry was sent; None cancels nothing. `age_s` has the wall seconds
    since a market instant, at least, also when the clock was set meanwhile.
    """

    records: Records
    canceller: Canceller
    clock: Clock
    after_minutes: InitVar[int | None]
    age_s: Callable[[datetime], float]
    _after: timedelta | None = field(init=False)
    _asked: dict[str, float] = field(init=False, default_factory=dict)

    def __post_init__(self, after_minutes: int | None) -> None:
        self._after = None if after_minutes is None else timedelta(minutes=after_minutes)

    async def check(self) -> None:
        """Looks once at every working entry. Raises RecordsError."""
        if self._after is None:
            return
        for entry in await self.records.entries.open():
            if self._is_late(entry, self._after):
                self._asked[entry.id] = self.clock.monotonic()
                minutes = self._after // timedelta(minutes=1)
                await self.canceller.for_console(entry, f"working for {counted(minutes, 'minute')}")

    def _is_late(self, entry: Entry, after: timedelta) -> bool:
        if entry.state is not OrderState.WORKING or entry.sent_at is None or entry.order_id is None or entry.fills:
            return False
        asked = self._asked.get(entry.id)
        if asked is not None and self.clock.monotonic() - asked < ASK_AGAIN_S:
            return False
        return self.age_s(entry.sent_at) * self.clock.speed >= after.total_seconds()
