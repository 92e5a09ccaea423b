"""The order book: every order's way from Received to its end, in market time, and the fills on that way.

Each order acts on its own timetable, drawn from the seed and its id, so how often the book is run changes nothing.
Routing and cancelling take wall time (scaled by `speed`); matching follows the market.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from math import sqrt

from core.simulator.exchange.matching import PackageQuote, fill_chance, leg_prices, package_quote, to_cent
from core.simulator.exchange.orders import SimFill, SimOrder
from core.simulator.market.market import Market
from core.simulator.market.market_data import MarketQuote

DELAYED_FILL_S = 20.0
PARTIAL_REMAINDER_S = 10.0
SPARSE_MATCHING_AFTER = 600
"""Matching steps after which a resting order is looked at every fifth step only."""


class FillPlan(Enum):
    """How the exchange treats orders; anything but NORMAL is for tests and demonstrations."""

    NORMAL = "normal"
    NEVER = "never"
    IMMEDIATE = "immediate"
    PARTIAL = "partial"
    REJECT = "reject"
    DELAYED = "delayed"


class Stage(Enum):
    """How far an order has come, apart from the status a pending cancel or replace shows."""

    CONTINGENT = "Contingent"
    RECEIVED = "Received"
    ROUTED = "Routed"
    IN_FLIGHT = "In Flight"
    LIVE = "Live"
    DONE = "Done"


_NEXT = {Stage.RECEIVED: Stage.ROUTED, Stage.ROUTED: Stage.IN_FLIGHT, Stage.IN_FLIGHT: Stage.LIVE}


@dataclass(slots=True)
class BookEntry:
    """An order in the book with its timetable."""

    order: SimOrder
    stage: Stage
    chance: random.Random
    expires_at: datetime | None
    reject_reason: str | None = None
    step_at: datetime | None = None
    match_at: datetime | None = None
    matches: int = 0
    remainder_at: datetime | None = None
    prices: tuple[Decimal, ...] = ()
    cancel_at: datetime | None = None
    successor: BookEntry | None = field(default=None, repr=False)

    def next_event(self) -> tuple[datetime, str] | None:
        """The instant and name of what happens next to this order."""
        events = [
            (when, name)
            for when, name in (
                (self.step_at, "step"),
                (self.remainder_at, "remainder"),
                (self.match_at, "match"),
                (self.cancel_at, "cancel"),
                (self.expires_at, "expire"),
            )
            if when is not None
        ]
        return min(events, key=lambda event: event[0]) if events and self.stage is not Stage.DONE else None


FillHandler = Callable[[SimOrder, list[tuple[int, int, Decimal]], datetime], None]
"""Called with the order after the fill, the (leg index, contracts, price) filled, and the instant."""


class OrderBook:
    """All orders of the exchange that have not ended."""

    def __init__(
        self,
        market: Market,
        seed: int,
        on_change: Callable[[SimOrder, datetime], None],
        on_fill: FillHandler,
    ) -> None:
        self.speed = 1.0
        self.fill_plan = FillPlan.NORMAL
        self.account_plans: dict[str, FillPlan] = {}
        self._market = market
        self._seed = seed
        self._on_change = on_change
        self._on_fill = on_fill
        self._entries: dict[int, BookEntry] = {}

    def add(
        self, order: SimOrder, now: datetime, expires_at: datetime | None, reject_reason: str | None, contingent: bool
    ) -> BookEntry:
        """Takes an order in; it starts its way at once, at the next open, or when what it replaces is cancelled."""
        chance = random.Random(self._seed * 1_000_003 + order.id)
        stage = Stage.CONTINGENT if contingent else Stage.RECEIVED
        entry = BookEntry(order, stage, chance, expires_at, reject_reason)
        if self.plan(order.account_number) is FillPlan.REJECT:
            entry.reject_reason = "Rejected by the exchange"
        if not contingent:
            entry.step_at = self._after(self._opening(now), entry, 0.05, 0.15)
        self._entries[order.id] = entry
        return entry

    def entry(self, order_id: int) -> BookEntry | None:
        return self._entries.get(order_id)

    def working(self, account_number: str) -> list[SimOrder]:
        return [entry.order for entry in self._entries.values() if entry.order.account_number == account_number]

    def plan(self, account_number: str) -> FillPlan:
        return self.account_plans.get(account_number, self.fill_plan)

    def request_cancel(self, entry: BookEntry, now: datetime) -> None:
        """Asks the exchange to cancel; a fill may come first."""
        entry.cancel_at = self._after(now, entry, 0.1, 0.4)
        self._change(entry, now, status="Cancel Requested", cancellable=False, editable=False)

    def request_replace(self, entry: BookEntry, successor: BookEntry, now: datetime) -> None:
        """As a cancel, after which the successor starts on its way; a fill before it removes the successor."""
        entry.cancel_at = self._after(now, entry, 0.1, 0.4)
        entry.successor = successor
        new_id = successor.order.id
        self._change(
            entry, now, status="Replace Requested", cancellable=False, editable=False, replacing_order_id=new_id
        )

    def next_event_at(self) -> datetime | None:
        """When the book does something next."""
        upcoming = [event[0] for entry in self._entries.values() if (event := entry.next_event()) is not None]
        return min(upcoming, default=None)

    def run_next(self) -> None:
        """Does the earliest thing that is due to happen; nothing when there is none."""
        soonest: tuple[datetime, int, str] | None = None
        for order_id, entry in self._entries.items():
            event = entry.next_event()
            if event is not None and (soonest is None or (event[0], order_id) < soonest[:2]):
                soonest = (event[0], order_id, event[1])
        if soonest is None:
            return
        at, order_id, name = soonest
        entry = self._entries[order_id]
        {
            "step": self._step,
            "remainder": self._fill_remainder,
            "match": self._match,
            "cancel": self._cancel,
            "expire": self._expire,
        }[name](entry, at)

    # What happens to an order

    def _step(self, entry: BookEntry, at: datetime) -> None:
        entry.step_at = None
        if entry.stage is Stage.ROUTED and entry.reject_reason is not None:
            self._end(entry, at, "Rejected", reject_reason=entry.reject_reason)
            return
        entry.stage = _NEXT[entry.stage]
        shown: dict[str, object] = {} if entry.cancel_at is not None else {"status": entry.stage.value}
        if entry.stage is Stage.ROUTED:
            entry.step_at = self._after(at, entry, 0.05, 0.2)
            number = f"{entry.order.id:012d}"
            shown["ext_exchange_order_number"] = number
            shown["ext_client_order_id"] = f"8a{number}"
        elif entry.stage is Stage.IN_FLIGHT:
            entry.step_at = self._after(at, entry, 0.05, 0.3)
            shown["in_flight_at"] = at
        else:
            entry.match_at = self._opening(self._after(at, entry, 0.2, 1.0))
            shown["live_at"] = at
        self._change(entry, at, **shown)

    def _match(self, entry: BookEntry, at: datetime) -> None:
        order, plan = entry.order, self.plan(entry.order.account_number)
        entry.matches += 1
        every = 1 if entry.matches <= SPARSE_MATCHING_AFTER else 5
        entry.match_at = self._opening(at + timedelta(seconds=every * sqrt(self.speed)))
        if plan is FillPlan.NEVER or self._market.halted(order.underlying_symbol, at) or entry.remainder_at is not None:
            return
        package = package_quote(order.legs, lambda occ: self._quote(occ, at))
        if package is None:
            return
        limit = order.price if order.order_type == "Limit" and order.price is not None else package.natural
        if plan is FillPlan.DELAYED:
            live = order.live_at or at
            matched = at >= live + timedelta(seconds=DELAYED_FILL_S * self.speed)
        else:
            chance = 1.0 - (1.0 - fill_chance(package, limit)) ** every
            matched = plan in (FillPlan.IMMEDIATE, FillPlan.PARTIAL) or entry.chance.random() < chance
        if matched:
            self._trade(entry, at, plan, package, max(limit, to_cent(package.natural)))

    def _trade(self, entry: BookEntry, at: datetime, plan: FillPlan, package: PackageQuote, net: Decimal) -> None:
        """Fills now what the plan or the draw gives; the rest follows by itself or waits for its own match."""
        order = entry.order
        entry.prices = leg_prices(package, net)
        left = order.legs[0].remaining_quantity // package.ratios[0]
        forced = plan is FillPlan.PARTIAL
        if left > 1:
            now = 1 if forced else left if entry.chance.random() < 0.5 else entry.chance.randint(1, left)
            part = [now * ratio for ratio in package.ratios]
        elif max(package.ratios) > 1 and (forced or (plan is FillPlan.NORMAL and entry.chance.random() < 0.3)):
            part = [ratio - ratio // 2 for ratio in package.ratios]
        else:
            part = list(package.ratios)
        if forced or left == 1:
            wait = PARTIAL_REMAINDER_S if forced else 0.4 + entry.chance.random()
            entry.remainder_at = self._opening(at + timedelta(seconds=wait * self.speed))
        self._fill(entry, at, part)

    def _fill_remainder(self, entry: BookEntry, at: datetime) -> None:
        entry.remainder_at = None
        self._fill(entry, at, [leg.remaining_quantity for leg in entry.order.legs])

    def _fill(self, entry: BookEntry, at: datetime, part: list[int]) -> None:
        order = entry.order
        count = sum(len(leg.fills) for leg in order.legs)
        legs, filled = [], []
        for index, (leg, quantity) in enumerate(zip(order.legs, part, strict=True)):
            if quantity == 0:
                legs.append(leg)
                continue
            count += 1
            fill = SimFill(
                fill_id=f"24_{order.id}_{count}",
                quantity=quantity,
                fill_price=entry.prices[index],
                filled_at=at,
                destination_venue="SIM_CBOE_COMPLEX",
                ext_group_fill_id=f"{order.id}{len(leg.fills)}",
                ext_exec_id=f"{order.id}{count:03d}",
            )
            legs.append(replace(leg, remaining_quantity=leg.remaining_quantity - quantity, fills=(*leg.fills, fill)))
            filled.append((index, quantity, entry.prices[index]))
        entry.order = replace(order, legs=tuple(legs), updated_at=at)
        done = entry.order.remaining == 0
        if done:
            self._close(entry, at, "Filled")
        self._on_change(entry.order, at)
        self._on_fill(entry.order, filled, at)
        if done:
            self._resolve_successor(entry, at, cancelled=False)

    def _cancel(self, entry: BookEntry, at: datetime) -> None:
        entry.cancel_at = None
        if entry.successor is not None and entry.order.partially_filled:
            # A replacement would trade the filled part again, so the original stays.
            self._resolve_successor(entry, at, cancelled=False)
            self._change(entry, at, status="Live", cancellable=True, editable=True, replacing_order_id=None)
            return
        self._end(entry, at, "Cancelled", cancelled_at=at)

    def _expire(self, entry: BookEntry, at: datetime) -> None:
        self._end(entry, at, "Expired")

    def _resolve_successor(self, entry: BookEntry, at: datetime, cancelled: bool) -> None:
        successor, entry.successor = entry.successor, None
        if successor is None or successor.stage is not Stage.CONTINGENT:
            return
        if not cancelled:
            self._end(successor, at, "Removed", contingent_status=None)
            return
        successor.stage = Stage.RECEIVED
        successor.step_at = self._after(self._opening(at), successor, 0.02, 0.1)
        self._change(successor, at, status="Received", contingent_status=None, cancellable=True, editable=True)

    def _end(self, entry: BookEntry, at: datetime, status: str, **changes: object) -> None:
        self._close(entry, at, status, **changes)
        self._on_change(entry.order, at)
        self._resolve_successor(entry, at, cancelled=status == "Cancelled")

    def _close(self, entry: BookEntry, at: datetime, status: str, **changes: object) -> None:
        entry.stage = Stage.DONE
        ended: dict[str, object] = {"status": status, "terminal_at": at, "cancellable": False, "editable": False}
        entry.order = _updated(entry.order, at, {**ended, **changes})
        del self._entries[entry.order.id]

    def _change(self, entry: BookEntry, at: datetime, **changes: object) -> None:
        entry.order = _updated(entry.order, at, changes)
        self._on_change(entry.order, at)

    def _after(self, at: datetime, entry: BookEntry, low: float, high: float) -> datetime:
        return at + timedelta(seconds=(low + (high - low) * entry.chance.random()) * self.speed)

    def _opening(self, at: datetime) -> datetime:
        """The instant itself in a session, else the next open."""
        _, current, following = self._market.sessions_around(at)
        return at if current is not None else following.open

    def _quote(self, occ: str, at: datetime) -> MarketQuote | None:
        streamer = self._market.occ_to_streamer(occ)
        return self._market.quote(streamer, at) if streamer is not None else None


def _updated(order: SimOrder, at: datetime, changes: dict[str, object]) -> SimOrder:
    return replace(order, updated_at=at, **changes)  # type: ignore[arg-type]  # the keys are SimOrder's own fields
