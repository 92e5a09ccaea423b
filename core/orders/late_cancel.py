"""Cancels an entry that has been left working too long, when the settings ask for it (rules 9: off by default)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta

from core.broker.port import Broker, BrokerError, BrokerFault
from core.domain.operation.amounts import counted
from core.domain.operation.events import Severity, masked
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry
from core.orders.refused_cancel import entry_after_refusal
from core.orders.tracker import OrderTracker
from core.records.records import Records
from core.runtime.bus import Bus
from core.runtime.clock import Clock

ASK_AGAIN_S = 60.0
"""Wall seconds between two cancels of one entry, because the first may have been lost."""


@dataclass(eq=False, repr=False)
class LateCancel:
    """Asks the broker to cancel entries that have worked too long. The tracker then learns how they ended.

    It is the engine's cancel and not the operator's. Once the broker has taken and carried it out, a proof that nothing
    filled may free the day; a cancel that it refused or did not carry out, or whose answer was lost, leaves that to an
    operator (rules 9). A partly
    filled entry is left alone, because cancelling it would leave unbalanced legs. `after_minutes` are market minutes
    since the entry was sent; None cancels nothing. `age_s` has the wall seconds since a market instant, at
    least, also when the clock was set meanwhile.
    """

    broker: Broker
    records: Records
    tracker: OrderTracker
    bus: Bus
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
                await self._cancel(entry)

    def _is_late(self, entry: Entry, after: timedelta) -> bool:
        if entry.state is not OrderState.WORKING or entry.sent_at is None or entry.order_id is None or entry.fills:
            return False
        asked = self._asked.get(entry.id)
        if asked is not None and self.clock.monotonic() - asked < ASK_AGAIN_S:
            return False
        return self.age_s(entry.sent_at) * self.clock.speed >= after.total_seconds()

    async def _cancel(self, entry: Entry) -> None:
        minutes = (self._after or timedelta()) // timedelta(minutes=1)
        asked_at = self.clock.now()
        # Said before the broker is asked: if the process dies before the answer, the journal still explains the cancel.
        await self._say(entry, f"working for {counted(minutes, 'minute')}; its cancel is asked", Severity.INFO)
        try:
            await self.broker.cancel(entry.account, entry.order_id or "")
        except BrokerError as error:
            await self._say(entry, await self._why_not(entry, error), Severity.WARNING)
        else:
            await self.tracker.cancel_taken(entry.id, asked_at)
        self.tracker.poll_soon()

    async def _why_not(self, entry: Entry, error: BrokerError) -> str:
        """Why the broker did not acknowledge the cancel, and what the entry is now."""
        if error.fault in (BrokerFault.REFUSED, BrokerFault.NOT_FOUND):
            now = await entry_after_refusal(self.broker, self.records, self.tracker, entry)
            if now.state is not OrderState.WORKING:
                return f"it was {now.state.words} before the cancel arrived"
        else:
            now = await self.records.entries.get(entry.id)  # an alert may have told meanwhile how it ended
        stands = "it works until read again" if now.state is OrderState.WORKING else f"it is {now.state.words}"
        return f"the cancel was not acknowledged ({error.detail}); {stands}"

    async def _say(self, entry: Entry, text: str, severity: Severity) -> None:
        await self.bus.say(
            "order.cancel_late",
            f"{entry.underlying} {masked(entry.account)}: order {entry.order_id}: {text}",
            severity,
            cycle=entry.cycle,
            account=entry.account,
            figures=(("entry", entry.id), ("order_id", entry.order_id)),
        )
