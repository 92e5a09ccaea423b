"""The orders as clients place and see them: those of the simulated exchange, changed by the armed faults.

The wire and the in-process broker both use it, so that an answer, a listing, a read by id and an alert agree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from core.runtime.clock import Clock
from core.simulator.exchange.armed_faults import ArmedFault, ArmedFaults
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.faults import FaultKind
from core.simulator.exchange.handling import AS_ASKED, Dropped, Handling, with_price, with_quantity, without_leg
from core.simulator.exchange.orders import OrderRequest, SimOrder

DEFAULT_S = 5.0
"""The wall seconds of a fault that does not name them."""


class ClientOrders:
    """Places orders of clients, and lists those that they may see. The clock says only how long a fault lasts."""

    def __init__(self, exchange: Exchange, faults: ArmedFaults, clock: Clock) -> None:
        self._exchange = exchange
        self._faults = faults
        self._clock = clock
        self._unlisted_until: dict[int, float] = {}
        """The orders missing from listings: id to the monotonic second until which they are."""

    def place(self, number: str, request: OrderRequest, now: datetime, *, by: str = "") -> SimOrder:
        """Accepts an order as the armed faults have it, with what `Exchange.submit` raises."""
        refused = bool(self._exchange.validate(number, request, now))
        handling = AS_ASKED if refused else self._handling(number, request)  # a refused order uses up no fault
        order = self._exchange.submit(number, request, now, by=by, handling=handling)
        lag = self._take(FaultKind.ORDERS_LISTING_LAG, number)
        self._unlisted_until.pop(order.id, None)  # of an earlier order with this id
        if lag is not None:
            self._unlisted_until[order.id] = self._clock.monotonic() + (lag.fault.seconds or DEFAULT_S)
        return order

    def cancel(self, number: str, order_id: int, now: datetime, *, by: str = "") -> SimOrder:
        """Asks to cancel an order, which may fill before that as the armed faults have it: as `Exchange.cancel`."""
        fills = self._exchange.can_fill(number, order_id, now) and (
            self._take(FaultKind.ORDERS_FILL_AFTER_CANCEL, number) is not None
        )
        return self._exchange.cancel(number, order_id, now, by=by, fills=fills)

    def is_listed(self, order_id: int) -> bool:
        """Whether the listings show this order now; orders-listing-lag may keep a new one out for a while."""
        now = self._clock.monotonic()
        return self._unlisted_until.get(order_id, now) <= now

    def listed(self, orders: Sequence[SimOrder]) -> list[SimOrder]:
        """Those of the orders that listings show now."""
        return [order for order in orders if self.is_listed(order.id)]

    def half_page(self, number: str) -> bool:
        """Whether a listing of the account shows only half of its page (orders-partial-page)."""
        return self._take(FaultKind.ORDERS_PARTIAL_PAGE, number) is not None

    def overlapping_rows(self, number: str) -> int | None:
        """How many rows the pages of the account's history have while they overlap; None while they do not."""
        armed = self._take(FaultKind.ORDERS_OVERLAPPING_PAGES, number)
        return None if armed is None else armed.fault.whole_number()

    def _handling(self, number: str, request: OrderRequest) -> Handling:
        changes: list[Callable[[SimOrder], SimOrder]] = []
        if (armed := self._take(FaultKind.ORDERS_CHANGED_PRICE, number)) is not None:
            changes.append(partial(with_price, price=armed.fault.price()))
        if (armed := self._take(FaultKind.ORDERS_CHANGED_QUANTITY, number)) is not None:
            changes.append(partial(with_quantity, times=armed.fault.whole_number()))
        if (armed := self._take(FaultKind.ORDERS_LEG_MISSING, number)) is not None:
            changes.append(partial(without_leg, number=armed.fault.whole_number()))
        # Only an order that works over nights can be dropped at an open: another one uses up no fault.
        lasts = request.time_in_force == "GTC"
        dropped = self._take(FaultKind.ORDERS_GTC_DROPPED, number) if lasts else None
        return Handling(
            changes=tuple(changes),
            twin=self._take(FaultKind.ORDERS_TWIN, number) is not None,
            revived_after=self._market_time(FaultKind.ORDERS_REVIVED, number),
            cancel_ignored=self._take(FaultKind.ORDERS_CANCEL_IGNORED, number) is not None,
            forgotten_after=self._market_time(FaultKind.ORDERS_FORGOTTEN, number),
            dropped=None if dropped is None else Dropped(dropped.fault.match.field or "removed"),
            unbalanced=self._take(FaultKind.ORDERS_UNBALANCED_FILL, number) is not None,
            order_ids_begin_again=self._take(FaultKind.ORDER_IDS_BEGIN_AGAIN, number) is not None,
            fill_ids_begin_again=self._take(FaultKind.FILL_IDS_BEGIN_AGAIN, number) is not None,
        )

    def _market_time(self, kind: FaultKind, number: str) -> timedelta | None:
        armed = self._take(kind, number)
        if armed is None:
            return None
        return timedelta(seconds=(armed.fault.seconds or DEFAULT_S) * self._exchange.speed)

    def _take(self, kind: FaultKind, number: str) -> ArmedFault | None:
        return self._faults.take(kind, self._clock.monotonic(), account=number)
