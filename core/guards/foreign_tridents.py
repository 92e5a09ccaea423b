"""The tridents at the broker that forbid an account's entry today and that no record here explains (rules 9)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import date

from core.domain.operation.reasons import Reason, Refusal, refuse


@dataclass(eq=False, repr=False)
class ForeignTridents:
    """By account the orders of today that were last seen at the broker; `today` is the exchange's date. Every method
    answers without waiting."""

    today: Callable[[], date]
    _seen: dict[str, tuple[date, tuple[str, ...]]] = field(init=False, default_factory=dict)

    def of(self, account: str) -> tuple[str, ...]:
        """The ids of the account's orders, the oldest first."""
        day, orders = self._seen.get(account, (self.today(), ()))
        return orders if day == self.today() else ()

    def listed(self, account: str, orders: Iterable[str]) -> None:
        """Takes the orders of a complete listing: others have ended, or are explained by now."""
        self._seen[account] = self.today(), tuple(orders)

    def found(self, account: str, order_id: str) -> None:
        """Takes one order, which an alert or the last guards have shown."""
        known = self.of(account)
        if order_id not in known:
            self.listed(account, (*known, order_id))

    def ended(self, account: str, order_id: str) -> None:
        """Forgets one order, which an alert shows as ended without a fill."""
        self.listed(account, (one for one in self.of(account) if one != order_id))

    @property
    def accounts(self) -> Collection[str]:
        """The accounts whose entry is forbidden today."""
        return [account for account in self._seen if self.of(account)]

    def refusal(self, account: str) -> Refusal | None:
        """Why the account makes no entry today; None when nothing is known that forbids it."""
        orders = self.of(account)
        return refuse(Reason.ALREADY_AT_BROKER, order_id=orders[0]) if orders else None
