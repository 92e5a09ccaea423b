"""The order book: the statuses of each order from Received to its end, and its fills. Instants are market time.

Each order has random delays and fills of its own, drawn from the seed and its id: how often the book is run has no
effect on them. Routing and cancelling take wall time (scaled by `speed`); fills follow the market.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from math import sqrt

from core.simulator.exchange.matching import PackageQuote, fill_chance, leg_prices, package_quote, to_cent
from core.simulator.exchange.orders import SimFill, SimOrder
from core.simulator.market.market import Market
from core.simulator.market.market_data import MarketQuote

DELAYED_FILL_S = 20.0
"""Wall seconds from live to filled, under FillPlan.DELAYED."""
PARTIAL_REMAINDER_S = 10.0
"""Wall seconds from the partial fill to the rest, under FillPlan.PARTIAL."""
SPARSE_MATCHING_AFTER = 600
"""Attempts to match an order, after which only every fifth is made."""


class FillPlan(Enum):
    """How orders fill. Only NORMAL follows the market; the others are for tests and demonstrations."""

    NORMAL = "normal"
    """By chance, the more likely the nearer the limit is to the natural price."""
    NEVER = "never"
    IMMEDIATE = "immediate"
    """As soon as the order is live."""
    PARTIAL = "partial"
    """One part as soon as the order is live, the rest PARTIAL_REMAINDER_S later."""
    REJECT = "reject"
    """Not at all: the exchange rejects the order."""
    DELAYED = "delayed"
    """DELAYED_FILL_S after the order is live."""


class Stage(Enum):
    """How far an order has come. Its status can differ: it may say that a cancel or a replacement was requested."""

    CONTINGENT = "Contingent"
    RECEIVED = "Received"
    ROUTED = "Routed"
    IN_FLIGHT = "In Flight"
    LIVE = "Live"
    DONE = "Done"


_NEXT = {Stage.RECEIVED: Stage.ROUTED, Stage.ROUTED: Stage.IN_FLIGHT, Stage.IN_FLIGHT: Stage.LIVE}


@dataclass(slots=True)
class BookEntry:
    """An order in the book, with the instants at which something next happens to it."""

    order: SimOrder
    stage: Stage
    chance: random.Random
    """The random numbers of this order."""
    expires_at: datetime | None
    reject_reason: str | None = None
    plan: FillPlan | None = None
    """How it fills, instead of the plan of its account."""
    daily_fill_ids: bool = False
    """Whether the ids of its fills are counted from 1 in each session."""
    step_at: datetime | None = None
    """When it reaches its next stage."""
    match_at: datetime | None = None
    """When it is next matched against the market."""
    matches: int = 0
    """How often it has been matched."""
    remainder_at: datetime | None = None
    """When the rest of it fills, after a partial fill."""
    prices: tuple[Decimal, ...] = ()
    """The prices of its legs, once it has been matched."""
    cancel_at: datetime | None = None
    """When a requested cancel or replacement takes effect."""
    successor: BookEntry | None = field(default=None, repr=False)
    """The order that is to replace it."""

    def next_event(self) -> tuple[datetime, str] | None:
        """The instant and the name of the next event of this order, or None."""
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
"""Called with the order after a fill, its filled legs (leg index, contracts, price per share) and the instant."""


@dataclass(slots=True, eq=False)
class OrderBook:
    """The orders that have not ended, of all accounts."""

    market: Market
    seed: int
    on_change: Callable[[SimOrder, datetime], None]
    """Called with each new state of an order, and the instant."""
    on_fill: FillHandler
    speed: float = 1.0
    """Market seconds per wall second."""
    fill_plan: FillPlan = FillPlan.NORMAL
    account_plans: dict[str, FillPlan] = field(default_factory=dict)
    """The accounts with a plan of their own."""
    _entries: dict[int, BookEntry] = field(default_factory=dict, init=False)
    """By order id."""
    daily_fills: Counter[date] = field(default_factory=Counter, init=False)
    """How many ids of fills were counted in each session."""

    def add(
        self,
        order: SimOrder,
        now: datetime,
        expires_at: datetime | None,
        reject_reason: str | None = None,
        *,
        contingent: bool = False,
        plan: FillPlan | None = None,
        daily_fill_ids: bool = False,
    ) -> BookEntry:
        """Adds an order, to be routed now or at the next open. A contingent one waits for its predecessor's cancel.

        With a `reject_reason` the order is rejected once it has been routed.
        """
        stage = Stage.CONTINGENT if contingent else Stage.RECEIVED
        entry = BookEntry(order, stage, self._chance(order), expires_at, reject_reason, plan, daily_fill_ids)
        if self._plan_of(entry) is FillPlan.REJECT:
            entry.reject_reason = "Rejected by the exchange"
        if not contingent:
            entry.step_at = self._after(self._opening(now), entry, 0.05, 0.15)
        self._entries[order.id] = entry
        return entry

    def revive(self, order: SimOrder, now: datetime, expires_at: datetime | None) -> BookEntry:
        """Lets an order that has ended work again."""
        entry = BookEntry(order, Stage.LIVE, self._chance(order), expires_at)
        self._entries[order.id] = entry
        entry.match_at = self._opening(self._after(now, entry, 0.2, 1.0))
        if any(leg.remaining_quantity % (leg.quantity // order.size) for leg in order.legs):
            # Part of a package is filled already: what is left of it fills at the same prices.
            entry.prices = tuple(leg.fills[-1].fill_price for leg in order.legs)
            entry.remainder_at = self._opening(self._after(now, entry, 0.4, 1.4))
        again: dict[str, object] = {"status": "Live", "cancellable": True, "editable": True}
        ended = ("terminal_at", "cancelled_at", "cancel_username", "reject_reason")
        self._change(entry, now, **again, **dict.fromkeys(ended))
        return entry

    def remove(self, entry: BookEntry, now: datetime, user: str) -> None:
        """Ends an order at once, as the broker's staff does."""
        status = "Partially Removed" if entry.order.partially_filled else "Removed"
        self._end(entry, now, status, cancelled_at=now, cancel_username=user)

    def forget(self, order_id: int) -> None:
        """Drops an order without a word."""
        self._entries.pop(order_id, None)

    def entry(self, order_id: int) -> BookEntry | None:
        return self._entries.get(order_id)

    def all(self) -> tuple[BookEntry, ...]:
        """The orders that have not ended, in the order in which they came."""
        return tuple(self._entries.values())

    def put_back(self, entries: Sequence[BookEntry]) -> None:
        """Takes back what `all` once gave, in an empty book: each waits for what it waited for then."""
        self._entries = {entry.order.id: entry for entry in entries}
        for entry in entries:
            if entry.successor is not None:
                entry.successor = self._entries.get(entry.successor.order.id)

    def working(self, account_number: str) -> list[SimOrder]:
        """The orders of an account that have not ended."""
        return [entry.order for entry in self._entries.values() if entry.order.account_number == account_number]

    def plan(self, account_number: str) -> FillPlan:
        """The fill plan of an account: its own, else the common one."""
        return self.account_plans.get(account_number, self.fill_plan)

    def request_cancel(self, entry: BookEntry, now: datetime, user: str) -> None:
        """Asks to cancel an order. It may still fill before the cancel arrives."""
        entry.cancel_at = self._after(now, entry, 0.1, 0.4)
        self._change(entry, now, status="Cancel Requested", cancellable=False, editable=False, cancel_username=user)

    def request_replace(self, entry: BookEntry, successor: BookEntry, now: datetime) -> None:
        """Asks to cancel an order and then route its successor. If the order fills first, the successor is removed."""
        entry.cancel_at = self._after(now, entry, 0.1, 0.4)
        entry.successor = successor
        new_id = successor.order.id
        self._change(
            entry, now, status="Replace Requested", cancellable=False, editable=False, replacing_order_id=new_id
        )

    def next_event_at(self) -> datetime | None:
        """When the next event of any order is due, or None."""
        upcoming = [event[0] for entry in self._entries.values() if (event := entry.next_event()) is not None]
        return min(upcoming, default=None)

    def run_next(self) -> None:
        """Carries out the earliest event of all orders, if there is one."""
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

    # The events of an order

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
        order, plan = entry.order, self._plan_of(entry)
        entry.matches += 1
        every = 1 if entry.matches <= SPARSE_MATCHING_AFTER else 5
        entry.match_at = self._opening(at + timedelta(seconds=every * sqrt(self.speed)))
        if plan is FillPlan.NEVER or self.market.halted(order.underlying_symbol, at) or entry.remainder_at is not None:
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
        """Fills all or part of the order. The rest fills after a delay, or waits until it is matched itself."""
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
                fill_id=self._fill_id(entry, count, at),
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
        self.on_change(entry.order, at)
        self.on_fill(entry.order, filled, at)
        if done:
            self._resolve_successor(entry, at, cancelled=False)

    def _fill_id(self, entry: BookEntry, count: int, at: datetime) -> str:
        if not entry.daily_fill_ids:
            return f"24_{entry.order.id}_{count}"
        day = self.market.session_day(at)
        self.daily_fills[day] += 1
        return str(self.daily_fills[day])

    def _cancel(self, entry: BookEntry, at: datetime) -> None:
        entry.cancel_at = None
        if entry.successor is not None and entry.order.partially_filled:
            # The successor would trade the filled part again, so the original order stays.
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
        self.on_change(entry.order, at)
        self._resolve_successor(entry, at, cancelled=status == "Cancelled")

    def _close(self, entry: BookEntry, at: datetime, status: str, **changes: object) -> None:
        entry.stage = Stage.DONE
        ended: dict[str, object] = {"status": status, "terminal_at": at, "cancellable": False, "editable": False}
        entry.order = _updated(entry.order, at, {**ended, **changes})
        del self._entries[entry.order.id]

    def _change(self, entry: BookEntry, at: datetime, **changes: object) -> None:
        entry.order = _updated(entry.order, at, changes)
        self.on_change(entry.order, at)

    def _chance(self, order: SimOrder) -> random.Random:
        return random.Random(self.seed * 1_000_003 + order.id)

    def _plan_of(self, entry: BookEntry) -> FillPlan:
        return entry.plan or self.plan(entry.order.account_number)

    def _after(self, at: datetime, entry: BookEntry, low: float, high: float) -> datetime:
        return at + timedelta(seconds=(low + (high - low) * entry.chance.random()) * self.speed)

    def _opening(self, at: datetime) -> datetime:
        """The instant itself if a session is open then, else the next open."""
        _, current, following = self.market.sessions_around(at)
        return at if current is not None else following.open

    def _quote(self, occ: str, at: datetime) -> MarketQuote | None:
        streamer = self.market.occ_to_streamer(occ)
        return self.market.quote(streamer, at) if streamer is not None else None


def _updated(order: SimOrder, at: datetime, changes: dict[str, object]) -> SimOrder:
    return replace(order, updated_at=at, **changes)  # type: ignore[arg-type]  # the keys are fields of SimOrder
