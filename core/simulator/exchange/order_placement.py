"""What clients ask of orders: to check, place, replace and cancel them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.simulator.exchange.acceptance import Acceptance
from core.simulator.exchange.fees import order_fees
from core.simulator.exchange.handling import AS_ASKED, Dropped, Handling
from core.simulator.exchange.ledger import Ledger
from core.simulator.exchange.lifecycle import BookEntry
from core.simulator.exchange.order_book import OrderBook
from core.simulator.exchange.orders import (
    BuyingPowerEffect,
    DryRun,
    FeeCalculation,
    OrderChanges,
    OrderLeg,
    OrderRefused,
    OrderRequest,
    SimOrder,
    refusal,
)
from core.simulator.exchange.preflight import Checked, Preflight
from core.simulator.exchange.schedule import Due, DueKind, Schedule
from core.simulator.exchange.trading_hours import sessions_around
from core.simulator.market.market import Market

_DROPS = {Dropped.REMOVED: DueKind.REMOVE, Dropped.EXPIRED: DueKind.EXPIRE, Dropped.GONE: DueKind.FORGET}


@dataclass(eq=False)
class OrderPlacement:
    """The orders that clients place in the accounts of one exchange.

    `advance` brings the exchange up to an instant. `order` and `account` raise OrderRefused (`record_not_found`).
    """

    market: Market
    book: OrderBook
    preflight: Preflight
    acceptance: Acceptance
    schedule: Schedule
    account: Callable[[str], Ledger]
    order: Callable[[str, int], SimOrder]
    advance: Callable[[datetime], None]
    changed: Callable[[SimOrder, datetime], None]
    """Called with each order that is accepted."""
    replaced: Callable[[SimOrder], None]
    """Called with each order that is to replace another one."""
    revived_after: dict[int, timedelta] = field(default_factory=dict, init=False)
    """The orders that are live again this long after their cancel."""
    cancel_ignored: set[int] = field(default_factory=set, init=False)
    """The orders whose next cancel is taken, and not carried out."""

    def check(
        self,
        number: str,
        request: OrderRequest,
        now: datetime,
        replacing: int | None = None,
        *,
        judged: bool = True,
    ) -> Checked:
        """The preflight of an order, or of one that would replace the order with the id `replacing`."""
        self.advance(now)
        self.account(number)
        return self.preflight.check(number, request, now, replacing, judged=judged)

    def dry_run(self, number: str, order: OrderRequest, now: datetime) -> DryRun:
        """The effect, fees, warnings and errors of an order, without placing it. Raises nothing for a refused order."""
        checked = self.check(number, order, now)
        draft, errors = checked.order, checked.errors
        warnings = (*checked.warnings, *self.acceptance.warnings(order.legs, now))
        if draft is None:
            available = self.preflight.available(number, now)
            nothing = Decimal(0)
            effect = BuyingPowerEffect(nothing, nothing, available, available, nothing, False, nothing, "None")
            return DryRun(None, effect, FeeCalculation(nothing, nothing, nothing, nothing), warnings, tuple(errors))
        effect = self.preflight.effect(draft, now)
        return DryRun(replace(draft, warnings=warnings), effect, order_fees(draft), warnings, tuple(errors))

    def place(self, number: str, order: OrderRequest, now: datetime, by: str, handling: Handling) -> SimOrder:
        """The accepted order. Raises OrderRefused as `Exchange.submit`."""
        checked = self.check(number, order, now)
        if checked.errors or checked.order is None:
            raise refusal(checked.errors)
        draft = replace(checked.order, warnings=checked.warnings, username=self.user(number, by))
        for change in handling.changes:
            draft = change(draft)
        accepted = self.accept(draft, now, handling, checked.discard_reason)
        if handling.twin:
            self.accept(draft, now, handling, checked.discard_reason)
        return accepted.order

    def replace(
        self, number: str, order_id: int, changes: OrderChanges, now: datetime, by: str, *, keeps_identifier: bool
    ) -> SimOrder:
        """The new order, Contingent until the old one is cancelled. Raises OrderRefused as `Exchange.replace`."""
        entry = self._changeable(number, order_id, now)
        old = entry.order
        if old.partially_filled or not old.editable:
            raise OrderRefused("cannot_update_order", "This order cannot be edited.")
        legs = tuple(OrderLeg(g.instrument_type, g.symbol, g.action, Decimal(g.quantity)) for g in old.legs)
        inherited = old.external_identifier if keeps_identifier else None
        request = OrderRequest(
            changes.time_in_force,
            changes.order_type,
            legs,
            changes.price,
            changes.price_effect,
            changes.source or old.source,
            changes.external_identifier or inherited,
            changes.gtc_date,
            strict=old.strict,
        )
        checked = self.check(number, request, now, replacing=order_id)
        if checked.errors or checked.order is None:
            raise refusal(checked.errors)
        contingent = replace(
            checked.order,
            warnings=checked.warnings,
            relabelled=tuple(sorted({*checked.order.relabelled, *old.relabelled})),
            status="Contingent",
            contingent_status="Pending Order",
            cancellable=False,
            editable=False,
            edited=True,
            replaces_order_id=order_id,
            complex_order_id=old.complex_order_id,
            complex_order_tag=old.complex_order_tag,
            username=self.user(number, by),
        )
        successor = self.accept(contingent, now, AS_ASKED, checked.discard_reason)
        self.replaced(successor.order)
        self.book.request_replace(entry, successor, now)
        return successor.order

    def cancel(self, number: str, order_id: int, now: datetime, by: str, *, fills: bool) -> SimOrder:
        """The order whose cancel is asked for. Raises OrderRefused as `Exchange.cancel`."""
        entry = self._changeable(number, order_id, now)
        if order_id in self.cancel_ignored:
            self.cancel_ignored.discard(order_id)
            return entry.order
        self.book.request_cancel(entry, now, self.user(number, by), fills=fills)
        return entry.order

    def accept(self, draft: SimOrder, now: datetime, handling: Handling, reject_reason: str | None = None) -> BookEntry:
        """Takes a checked order into the book, and sets what the handling says will happen to it."""
        entry = self.acceptance.accept(draft, now, handling, reject_reason)
        number, order_id = entry.order.account_number, entry.order.id
        self.revived_after.pop(order_id, None)  # of an earlier order with this id
        if handling.revived_after is not None:
            self.revived_after[order_id] = handling.revived_after
        if handling.cancel_ignored:
            self.cancel_ignored.add(order_id)
        if handling.forgotten_after is not None:
            self.schedule.add(Due(now + handling.forgotten_after, DueKind.FORGET, number, order_id))
        if handling.dropped is not None:
            opens = sessions_around(self.market, entry.order.legs, now)[2].open
            self.schedule.add(Due(opens, _DROPS[handling.dropped], number, order_id))
        self.changed(entry.order, now)
        return entry

    def user(self, number: str, by: str) -> str:
        """The login that asks: the one named, else the account's own."""
        setup = self.account(number).setup
        return by or setup.login

    def _changeable(self, number: str, order_id: int, now: datetime) -> BookEntry:
        self.advance(now)
        order = self.order(number, order_id)
        entry = self.book.entry(order_id)
        if entry is None or not order.cancellable:
            raise OrderRefused("cannot_update_order", f"Order {order_id} is {order.status} and cannot be changed.")
        return entry
