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
    """By account when the broker refused its last order, aware UTC, and whether the alert stream was lost too soon
    after it. `age_s` has the wall seconds since an instant. Every method answers without waiting."""

    clock: Clock
    age_s: Callable[[datetime], float]
    hidden_s: float = HIDDEN_S
    _heard: dict[str, datetime] = field(init=False, default_factory=dict)
    _unheard: dict[str, datetime] = field(init=False, default_factory=dict)

    def refused(self, account: str, at: datetime, *, heard: bool) -> None:
        """Takes a refusal. `heard`: the alert stream has been connected since before the order left."""
        self._heard.pop(account, None)
        (self._heard if heard else self._unheard)[account] = at

    def alerts_lost(self) -> None:
        """Takes it that no alert is heard from now on."""
        for account, at in self._heard.items():
            if self.age_s(at) < LISTENED_S:
                self._unheard[account] = at
        self._heard.clear()

    def ends_at(self, account: str) -> datetime | None:
        """When the account may enter again, aware UTC; None when nothing is known that forbids it."""
        at = self._unheard.get(account)
        if at is None or self.age_s(at) >= self.hidden_s:
            return None
        return at + timedelta(seconds=self.hidden_s * self.clock.speed)

    def refusal(self, account: str) -> Refusal | None:
        """Why the account makes no entry yet; None when nothing is known that forbids it."""
        until = self.ends_at(account)
        if until is None:
            return None
        return refuse(Reason.REFUSED_UNHEARD, at=minute(self._unheard[account]), until=minute(until))
