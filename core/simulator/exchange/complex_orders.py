"""Complex orders: single orders of which one waits for another, or ends it (broker 2.2).

OCO: one cancels the others. OTO: one triggers the others. OTOCO: one triggers others, of which one cancels the rest.
The broker, not the exchange, ties them together: while a cancel is on its way, a second one can still fill.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Protocol

from core.runtime.clock import exchange_time
from core.simulator.exchange.handling import AS_ASKED, Handling
from core.simulator.exchange.known_orders import KnownOrders
from core.simulator.exchange.lifecycle import BookEntry, Stage
from core.simulator.exchange.order_book import OrderBook
from core.simulator.exchange.orders import NOT_FOUND, OrderError, OrderRefused, OrderRequest, SimOrder, refusal
from core.simulator.exchange.preflight import Checked

MAX_ORDERS = 4


class ComplexType(Enum):
    """How the orders depend on each other. The values are those of the wire."""

    OCO = "OCO"
    OTO = "OTO"
    OTOCO = "OTOCO"

    @property
    def triggers(self) -> bool:
        """Whether a first order releases the others by its fill."""
        return self is not ComplexType.OCO

    @property
    def cancels(self) -> bool:
        """Whether the fill of one order cancels the others."""
        return self is not ComplexType.OTO


@dataclass(frozen=True, slots=True)
class ComplexRequest:
    """The body of POST /complex-orders. `trigger` is the order whose fill releases the others."""

    type: ComplexType
    orders: tuple[OrderRequest, ...]
    trigger: OrderRequest | None = None


@dataclass(frozen=True, slots=True)
class SimComplexOrder:
    """A complex order with its single ones as they are now.

    `related` are those that were replaced, or should have replaced one that filled. `terminal_at` is None until all of
    them have ended.
    """

    id: int
    account_number: str
    type: ComplexType
    orders: tuple[SimOrder, ...]
    trigger: SimOrder | None
    related: tuple[SimOrder, ...]
    received_at: datetime
    terminal_at: datetime | None


@dataclass(slots=True)
class Group:
    """The ids of the orders that belong to one complex order. Plain data, so that it can be stored."""

    id: int
    account_number: str
    type: ComplexType
    received_at: datetime
    trigger_ids: list[int] = field(default_factory=list)
    """The trigger, and what has replaced it."""
    order_ids: list[int] = field(default_factory=list)


class Accept(Protocol):
    """Takes a checked order into the book; see `Exchange`."""

    def __call__(
        self, draft: SimOrder, now: datetime, handling: Handling, reject_reason: str | None = None
    ) -> BookEntry: ...


class Check(Protocol):
    """The preflight of an order; see `Exchange`. Unless `judged`, its position effect is left open."""

    def __call__(self, number: str, request: OrderRequest, now: datetime, *, judged: bool = True) -> Checked: ...


@dataclass(eq=False)
class ComplexOrders:
    """The complex orders of all accounts.

    Every call about an account or a complex order that does not exist raises OrderRefused (`record_not_found`).
    """

    book: OrderBook
    known: KnownOrders
    check: Check
    accept: Accept
    user: Callable[[str, str], str]
    """The login that acts, of an account and what was said. Raises OrderRefused."""
    advance: Callable[[datetime], None]
    """Brings the exchange up to an instant."""
    last_id: int = 0
    groups: dict[int, Group] = field(default_factory=dict, init=False)

    def validate(self, number: str, request: ComplexRequest, now: datetime) -> list[OrderError]:
        """The errors for which the broker would refuse it, none for one that it would accept."""
        return self._checked(number, request, now)[1]

    def place(self, number: str, request: ComplexRequest, now: datetime, *, by: str = "") -> SimComplexOrder:
        """Accepts a complex order: its trigger, or all of its orders, are routed now. Raises OrderRefused."""
        checked, errors = self._checked(number, request, now)
        if errors:
            raise refusal(errors)
        self.last_id += 1
        group = self.groups[self.last_id] = Group(self.last_id, number, request.type, now)
        for index, each in enumerate(checked):
            assert each.order is not None  # noqa: S101 - one without an order has errors
            is_trigger = request.trigger is not None and index == 0
            draft = replace(
                each.order,
                warnings=each.warnings,
                username=self.user(number, by),
                complex_order_id=group.id,
                complex_order_tag=_tag(request.type, is_trigger),
            )
            if request.type.triggers and not is_trigger:
                draft = replace(draft, status="Contingent", contingent_status="Pending Order", editable=False)
            order_id = self.accept(draft, now, AS_ASKED, each.discard_reason).order.id
            (group.trigger_ids if is_trigger else group.order_ids).append(order_id)
        return self._told(group)

    def cancel(self, number: str, complex_id: int, now: datetime, *, by: str = "") -> SimComplexOrder:
        """Asks to cancel what still works of it. Raises OrderRefused (`cannot_update_order`) when nothing does."""
        self.advance(now)
        group = self._group(number, complex_id)
        if not self._cancel(group, now, self.user(number, by), apart_from=None):
            raise OrderRefused("cannot_update_order", f"Complex order {complex_id} has ended.")
        return self._told(group)

    def get(self, number: str, complex_id: int) -> SimComplexOrder:
        """The complex order, as of the last instant the exchange was brought up to."""
        return self._told(self._group(number, complex_id))

    def live(self, number: str, now: datetime) -> list[SimComplexOrder]:
        """Those that still work, and those that were received or ended on the exchange date of `now`; newest first."""
        self.advance(now)
        today = exchange_time(now).date()
        return [
            each
            for each in self.all(number)
            if each.terminal_at is None
            or today in (exchange_time(each.received_at).date(), exchange_time(each.terminal_at).date())
        ]

    def all(self, number: str) -> list[SimComplexOrder]:
        """All of an account, newest first, as far as the broker still knows their orders."""
        self.user(number, "")
        found = [self._told(group) for group in reversed(self.groups.values()) if group.account_number == number]
        return [each for each in found if each.orders or each.trigger is not None]

    # What the exchange tells

    def replaced(self, successor: SimOrder) -> None:
        """Takes in the order that replaces one of a complex order."""
        group = self.groups.get(successor.complex_order_id or 0)
        if group is not None:
            triggers = successor.replaces_order_id in group.trigger_ids
            (group.trigger_ids if triggers else group.order_ids).append(successor.id)

    def changed(self, order: SimOrder, at: datetime) -> None:
        """Releases what waits for this order once it has filled, and removes it once it cannot fill any more."""
        group = self.groups.get(order.complex_order_id or 0)
        if group is None or order.id not in group.trigger_ids or not order.terminal:
            return
        triggers = [each for each in self._orders(group) if each.id in group.trigger_ids]
        for entry in self._entries(group):
            waits = entry.stage is Stage.CONTINGENT and entry.order.id not in group.trigger_ids
            if not waits or entry.order.replaces_order_id is not None or entry.cancel_at is not None:
                continue
            if order.status == "Filled":
                self.book.release(entry, at)
            elif all(each.terminal and each.status != "Filled" for each in triggers):
                self.book.remove(entry, at, entry.order.username or "")

    def filled(self, order: SimOrder, at: datetime) -> None:
        """Asks to cancel the others of which this one cancels the rest by its fill."""
        group = self.groups.get(order.complex_order_id or 0)
        if group is not None and group.type.cancels and order.id not in group.trigger_ids:
            self._cancel(group, at, order.username or "", apart_from=order.id)

    # Internals

    def _checked(self, number: str, request: ComplexRequest, now: datetime) -> tuple[list[Checked], list[OrderError]]:
        """What the preflight says of each order, the trigger first, and the errors of all of them."""
        self.user(number, "")
        errors = [OrderError("validation_error", text) for text in _malformed(request)]
        trigger = (request.trigger,) if request.trigger is not None else ()
        if errors:
            return [], errors
        # What waits for a trigger closes a position that is not there yet: it is judged when it fills.
        checked = [
            self.check(number, each, now, judged=not request.type.triggers or each is request.trigger)
            for each in (*trigger, *request.orders)
        ]
        return checked, [error for each in checked for error in each.errors]

    def _group(self, number: str, complex_id: int) -> Group:
        self.user(number, "")
        group = self.groups.get(complex_id)
        if group is None or group.account_number != number or not self._orders(group):
            raise OrderRefused(NOT_FOUND, f"Complex order {complex_id} was not found.")
        return group

    def _orders(self, group: Group) -> list[SimOrder]:
        found = map(self.known.get, (*group.trigger_ids, *group.order_ids))
        return [order for order in found if order is not None and order.complex_order_id == group.id]

    def _entries(self, group: Group) -> list[BookEntry]:
        found = (self.book.entry(order.id) for order in self._orders(group))
        return [entry for entry in found if entry is not None]

    def _cancel(self, group: Group, at: datetime, user: str, apart_from: int | None) -> int:
        """Asks to cancel what works of the group, without the order `apart_from`. Returns how many."""
        working = [e for e in self._entries(group) if e.order.id != apart_from and e.order.cancellable]
        for entry in working:
            self.book.request_cancel(entry, at, user)
        return len(working)

    def _told(self, group: Group) -> SimComplexOrder:
        orders = self._orders(group)
        related = [each for each in orders if _gave_way(each)]
        ends = [each.terminal_at for each in orders if each.terminal_at is not None]
        return SimComplexOrder(
            group.id,
            group.account_number,
            group.type,
            tuple(each for each in orders if each not in related and each.id not in group.trigger_ids),
            next((each for each in orders if each not in related and each.id in group.trigger_ids), None),
            tuple(related),
            group.received_at,
            max(ends) if orders and len(ends) == len(orders) else None,
        )


def _gave_way(order: SimOrder) -> bool:
    """Whether another order works, or has worked, in the place of this one."""
    replaced = order.status == "Cancelled" and order.replacing_order_id is not None
    return replaced or (order.status == "Removed" and order.replaces_order_id is not None)


def _malformed(request: ComplexRequest) -> list[str]:
    """What is wrong with the form of a complex order."""
    wrong = []
    least = 1 if request.type is ComplexType.OTO else 2
    if not least <= len(request.orders) <= MAX_ORDERS:
        wrong.append(f"orders: {len(request.orders)} orders; {request.type.value} takes {least} to {MAX_ORDERS}")
    if request.type.triggers is not (request.trigger is not None):
        wrong.append(f"trigger-order: {request.type.value} {'needs one' if request.type.triggers else 'has none'}")
    every: Sequence[OrderRequest] = (*request.orders, *((request.trigger,) if request.trigger is not None else ()))
    wrong += [f"order-type {each.order_type} is not supported here" for each in every if each.order_type != "Limit"]
    return wrong


def _tag(kind: ComplexType, is_trigger: bool) -> str:
    """The word by which an order tells its part in a complex order."""
    part = "trigger-order" if is_trigger else "oco-order" if kind.cancels else "triggered-order"
    return f"{kind.value}::{part}"
