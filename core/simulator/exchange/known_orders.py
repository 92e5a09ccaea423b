"""Every order that the simulated broker knows: by id, by account, and those that a listing of today may hold."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from core.runtime.clock import exchange_time
from core.simulator.exchange.orders import SimOrder

_SKEW = timedelta(days=2)
"""How far the receipts of two orders may be out of their order: a broker's clock can be set a day either way."""


class KnownOrders:
    """The orders of all accounts, each as it is now."""

    def __init__(self) -> None:
        self._orders: dict[int, SimOrder] = {}
        self._places: dict[int, int] = {}
        """In which place each order was taken on."""
        self._of_account: dict[str, dict[int, None]] = {}
        """The ids of each account's orders, oldest first."""
        self._recent: dict[str, dict[int, None]] = {}
        """The ids of those that had not ended before yesterday when they were last listed."""
        self._taken_on = 0

    def get(self, order_id: int) -> SimOrder | None:
        return self._orders.get(order_id)

    def put(self, order: SimOrder) -> None:
        """Keeps the new state of an order, or an order that is new."""
        if order.id not in self._places:
            self._taken_on += 1
            self._places[order.id] = self._taken_on
        self._orders[order.id] = order
        self._of_account.setdefault(order.account_number, {})[order.id] = None
        self._recent.setdefault(order.account_number, {})[order.id] = None

    def drop(self, order_id: int) -> None:
        """Forgets an order. One that is not known is forgotten already."""
        order = self._orders.pop(order_id, None)
        if order is not None:
            del self._places[order_id]
            del self._of_account[order.account_number][order_id]
            self._recent[order.account_number].pop(order_id, None)

    def all(self) -> tuple[SimOrder, ...]:
        """Every order, in the order in which they were taken on."""
        return tuple(sorted(self._orders.values(), key=lambda order: self._places[order.id]))

    def of(self, account_number: str, since: datetime | None = None) -> list[SimOrder]:
        """The orders of an account that were received at `since` or later, newest first. None means no bound."""
        found = []
        for order_id in reversed(self._of_account.get(account_number, {})):
            order = self._orders[order_id]
            if since is None or order.received_at >= since:
                found.append(order)
            elif order.received_at < since - _SKEW:
                break
        return found

    def of_today(self, account_number: str, today: date) -> list[SimOrder]:
        """The account's orders that have not ended or that ended on this exchange date, newest first."""
        recent, found = self._recent.get(account_number, {}), []
        for order_id in sorted(recent, key=self._places.__getitem__, reverse=True):
            order = self._orders[order_id]
            day = exchange_time(order.updated_at).date()
            if not order.terminal or day == today:
                found.append(order)
            elif day < today - timedelta(days=1):
                del recent[order_id]
        return found
