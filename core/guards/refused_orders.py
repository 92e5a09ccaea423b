"""The orders that the broker refused at once, while nobody heard whether it has them all the same (rules 9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.operation.times import minute
from core.domain.orders.settling import HIDDEN_S
from core.runtime.clock import Clock

LISTENED_S = 30.0
"""Wall seconds of the alert stream after a refusal, in which an order that exists all the same would be told."""


@dataclass(eq=False, repr=False)
class RefusedOrders:
    """By account the entry whose order was refused last and when, aware UTC, and whether the alert stream was lost too
    soon after it. `age_s` has the wall seconds since an instant. Every method answers without waiting."""

    clock: Clock
    age_s: Callable[[datetime], float]
    hidden_s: float = HIDDEN_S
    _heard: dict[str, tuple[str, datetime]] = field(init=False, default_factory=dict)
    _unheard: dict[str, tuple[str, datetime]] = field(init=False, default_factory=dict)

    def refused(self, account: str, entry_id: str, at: datetime, *, heard: bool) -> None:
        """Takes a refusal. `heard`: the alert stream has been connected since before the order left."""
        self._heard.pop(account, None)
        (self._heard if heard else self._unheard)[account] = entry_id, at

    def alerts_lost(self) -> None:
        """Takes it that no alert is heard from now on."""
        for account, (entry_id, at) in list(self._heard.items()):
            if self.age_s(at) < LISTENED_S:
                self._unheard[account] = entry_id, at
                del self._heard[account]

    def listened(self) -> tuple[str, ...]:
        """The entries after whose refusal alerts were heard for long enough. It is to be recorded of them, so that it
        is known after a restart."""
        return tuple(entry_id for entry_id, at in self._heard.values() if self.age_s(at) >= LISTENED_S)

    def recorded(self, entry_id: str) -> None:
        """Takes it that this is recorded of the entry."""
        self._heard = {account: one for account, one in self._heard.items() if one[0] != entry_id}

    def ends_at(self, account: str) -> datetime | None:
        """When the account may enter again, aware UTC; None when nothing is known that forbids it."""
        _, at = self._unheard.get(account, ("", None))
        if at is None or self.age_s(at) >= self.hidden_s:
            return None
        return at + timedelta(seconds=self.hidden_s * self.clock.speed)

    def refusal(self, account: str) -> Refusal | None:
        """Why the account makes no entry yet; None when nothing is known that forbids it."""
        until = self.ends_at(account)
        if until is None:
            return None
        return refuse(Reason.REFUSED_UNHEARD, at=minute(self._unheard[account][1]), until=minute(until))
