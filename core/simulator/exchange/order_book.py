"""The order book: the statuses of each order from Received to its end, and its fills. Instants are market time.

Each order has random delays and fills of its own, drawn from the seed and its id: how often the book is run has no
effect on them. Routing and cancelling take wall time (scaled by `speed`); fills follow the market (`match_times`).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from core.simulator.exchange.effects import WOULD_NOT_CLOSE, resolved_at_fill
from core.simulator.exchange.event_queue import EventQueue
from core.simulator.exchange.fills import FilledLeg, first_part, with_fills
from core.simulator.exchange.habits import Habits
from core.simulator.exchange.lifecycle import BookEntry, FillPlan, Stage
from core.simulator.exchange.match_times import MatchTimes
from core.simulator.exchange.matching import PackageQuote, fill_chance, leg_prices, package_quote, to_cent
from core.simulator.exchange.orders import SimOrder
from core.simulator.exchange.resting import RestingOrders
from core.simulator.exchange.trading_hours import opening
from core.simulator.market.market import Market
from core.simulator.market.market_data import MarketQuote

DELAYED_FILL_S = 20.0
"""Wall seconds from live to filled, under FillPlan.DELAYED."""

_NEXT = {Stage.RECEIVED: Stage.ROUTED, Stage.ROUTED: Stage.IN_FLIGHT, Stage.IN_FLIGHT: Stage.LIVE}

FillHandler = Callable[[SimOrder, list[FilledLeg], datetime], None]
"""Called with the order after a fill, its filled legs and the instant."""


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
    habits: Callable[[], Habits] = Habits
    held: Callable[[str], Mapping[str, int]] = lambda account: {}
    """The true positions of an account: symbol to contracts or shares, negative when short."""
    account_plans: dict[str, FillPlan] = field(default_factory=dict)
    """The accounts with a plan of their own."""
    _match_times: MatchTimes = field(init=False)
    _queue: EventQueue = field(default_factory=EventQueue, init=False)
    daily_fills: Counter[date] = field(default_factory=Counter, init=False)
    """How many ids of fills were counted in each session."""

    def __post_init__(self) -> None:
        self._match_times = MatchTimes(self.market, RestingOrders(self.market, self.seed), self.habits)

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
        unbalanced: bool = False,
    ) -> BookEntry:
        """Adds an order, to be routed now or at the next open. A contingent one waits for its predecessor's cancel.

        With a `reject_reason` the order is rejected once it has been routed.
        """
        stage = Stage.CONTINGENT if contingent else Stage.RECEIVED
        entry = BookEntry(
            order, stage, self._chance(order), expires_at, reject_reason, plan, daily_fill_ids, unbalanced
        )
        if self._plan_of(entry) is FillPlan.REJECT:
            entry.reject_reason = "Rejected by the exchange"
        if not contingent:
            entry.step_at = self._after(self._opening(entry, now), entry, 0.05, 0.15)
        self._queue.add(entry)
        return entry

    def revive(self, order: SimOrder, now: datetime, expires_at: datetime | None) -> BookEntry:
        """Lets an order that has ended work again."""
        entry = BookEntry(order, Stage.LIVE, self._chance(order), expires_at)
        entry.match_at = self._opening(entry, self._after(now, entry, 0.2, 1.0))
        if any(leg.remaining_quantity % (leg.quantity // order.size) for leg in order.legs):
            # Part of a package is filled already: what is left of it fills at the same prices.
            entry.prices = tuple(leg.fills[-1].fill_price for leg in order.legs)
            entry.remainder_at = self._opening(entry, self._after(now, entry, 0.4, 1.4))
        self._queue.add(entry)
        again: dict[str, object] = {"status": "Live", "cancellable": True, "editable": True}
        ended = ("terminal_at", "cancelled_at", "cancel_username", "reject_reason")
        self._change(entry, now, **again, **dict.fromkeys(ended))
        return entry

    def release(self, entry: BookEntry, at: datetime) -> None:
        """Routes an order that has waited for another one."""
        entry.stage = Stage.RECEIVED
        entry.step_at = self._after(self._opening(entry, at), entry, 0.02, 0.1)
        self._queue.requeue(entry)
        self._change(entry, at, status="Received", contingent_status=None, cancellable=True, editable=True)

    def remove(self, entry: BookEntry, now: datetime, user: str) -> None:
        """Ends an order at once, as the broker's staff does."""
        status = "Partially Removed" if entry.order.partially_filled else "Removed"
        self._end(entry, now, status, cancelled_at=now, cancel_username=user)

    def forget(self, order_id: int) -> None:
        """Drops an order without a word."""
        entry = self._queue.get(order_id)
        if entry is not None:
            self._queue.drop(entry)

    def entry(self, order_id: int) -> BookEntry | None:
        return self._queue.get(order_id)

    def all(self) -> tuple[BookEntry, ...]:
        """The orders that have not ended, in the order in which they came."""
        return tuple(self._queue.all())

    def put_back(self, entries: Sequence[BookEntry]) -> None:
        """Takes in what `all` once gave: each waits for what it waited for then."""
        for entry in entries:
            self._queue.add(entry)
        for entry in entries:
            if entry.successor is not None:
                entry.successor = self._queue.get(entry.successor.order.id)

    def working(self, account_number: str) -> list[SimOrder]:
        """The orders of an account that have not ended."""
        return [entry.order for entry in self._queue.of(account_number)]

    def plan(self, account_number: str) -> FillPlan:
        """The fill plan of an account: its own, else the common one."""
        return self.account_plans.get(account_number, self.fill_plan)

    def decide_anew(self, at: datetime) -> None:
        """Decides the matches of resting orders from this instant on: after a change of plans, speed or prices."""
        for entry in self._queue.all():
            if entry.resting and entry.stage is Stage.LIVE:
                entry.match_at, entry.decide_at = None, at
                self._queue.requeue(entry)

    def expire(self, entry: BookEntry, now: datetime) -> None:
        """Ends an order at once, as if its time were over."""
        self._end(entry, now, "Expired")

    def can_fill(self, entry: BookEntry, now: datetime) -> bool:
        """Whether the order is live in a market that is open and not halted."""
        opened = self._opening(entry, now) == now
        return entry.stage is Stage.LIVE and opened and not self.market.halted(entry.order.underlying_symbol, now)

    def fill(self, entry: BookEntry, at: datetime, net: Decimal | None = None, packages: int | None = None) -> None:
        """Fills all that is left of an order, or so many packages, whatever the market says.

        At this net price (signed, per package), by default at its own. Raises ValueError for more than is left, and
        when a leg has no quote.
        """
        order = entry.order
        package = package_quote(order.legs, lambda symbol: self._quote(symbol, at))
        if package is None:
            raise ValueError(f"order {order.id} has a leg without a quote")
        part = [leg.remaining_quantity for leg in order.legs]
        if packages is not None:
            part = [packages * ratio for ratio in package.ratios]
        if not all(0 < count <= leg.remaining_quantity for count, leg in zip(part, order.legs, strict=True)):
            raise ValueError(f"order {order.id} has no {packages} packages left")
        own = order.price if order.price is not None else to_cent(package.natural)
        entry.prices = leg_prices(package, own if net is None else net)
        self._fill(entry, at, part)
        if entry.stage is not Stage.DONE:
            entry.remainder_at = None
            self._match_again(entry, at)
            self._queue.requeue(entry)

    def request_cancel(self, entry: BookEntry, now: datetime, user: str, *, fills: bool = False) -> None:
        """Asks to cancel an order. It may still fill before the cancel arrives; with `fills` it does."""
        entry.cancel_at = self._after(now, entry, 0.1, 0.4)
        if fills:
            entry.forced_at = now + (entry.cancel_at - now) / 2
        self._queue.requeue(entry)
        self._change(entry, now, status="Cancel Requested", cancellable=False, editable=False, cancel_username=user)

    def request_replace(self, entry: BookEntry, successor: BookEntry, now: datetime) -> None:
        """Asks to cancel an order and then route its successor. If the order fills first, the successor is removed."""
        entry.cancel_at = self._after(now, entry, 0.1, 0.4)
        entry.successor = successor
        self._queue.requeue(entry)
        new_id = successor.order.id
        self._change(
            entry, now, status="Replace Requested", cancellable=False, editable=False, replacing_order_id=new_id
        )

    def next_event_at(self) -> datetime | None:
        """When the next event of any order is due, or None."""
        return self._queue.next_at()

    def run_next(self) -> None:
        """Carries out the earliest event of all orders, if there is one."""
        entry = self._queue.next()
        event = entry.next_event() if entry is not None else None
        if entry is None or event is None:
            return
        at, name = event
        {
            "step": self._step,
            "remainder": self._fill_remainder,
            "match": self._match,
            "decide": self._decide,
            "forced": self._fill_forced,
            "cancel": self._cancel,
            "expire": self._expire,
        }[name](entry, at)
        self._queue.requeue(entry)

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
            number = f"{entry.order.id:012d}" if not entry.resting else f"{entry.order.id}{at:%y%m%d}"
            shown["ext_exchange_order_number"] = number
            shown["ext_client_order_id"] = f"8a{number}"
        elif entry.stage is Stage.IN_FLIGHT:
            entry.step_at = self._after(at, entry, 0.05, 0.3)
            shown["in_flight_at"] = at
        else:
            shown["live_at"] = at
            if entry.resting:
                entry.decide_at = at
            else:
                entry.match_at = self._opening(entry, self._after(at, entry, 0.2, 1.0))
        self._change(entry, at, **shown)

    def _match(self, entry: BookEntry, at: datetime) -> None:
        entry.matches += 1
        entry.match_at = None
        if entry.remainder_at is None:
            self._try(entry, at)
            self._match_again(entry, at)

    def _try(self, entry: BookEntry, at: datetime) -> None:
        """Fills the order, or a part of it, if it is its turn."""
        order, plan = entry.order, self._plan_of(entry)
        if plan is FillPlan.NEVER or self.market.halted(order.underlying_symbol, at):
            return
        package = package_quote(order.legs, lambda occ: self._quote(occ, at))
        if package is None:
            return
        limit = order.price if order.order_type == "Limit" and order.price is not None else package.natural
        if plan is FillPlan.DELAYED:
            live = order.live_at or at
            matched = at >= live + timedelta(seconds=DELAYED_FILL_S * self.speed)
        elif plan is FillPlan.NORMAL and entry.resting:  # its turn was drawn before: only the price may have moved
            matched = fill_chance(package, limit) > 0
        else:
            chance = fill_chance(package, limit)
            matched = plan in (FillPlan.IMMEDIATE, FillPlan.PARTIAL) or entry.chance.random() < chance
        net = max(limit, to_cent(package.natural))
        if matched and package.has_buyer_at(net):
            self._trade(entry, at, plan, package, net)

    def _match_again(self, entry: BookEntry, at: datetime) -> None:
        self._match_times.match_again(entry, self._plan_of(entry), at, self.speed)

    def _decide(self, entry: BookEntry, at: datetime) -> None:
        self._match_times.decide(entry, self._plan_of(entry), at, self.speed)

    def _trade(self, entry: BookEntry, at: datetime, plan: FillPlan, package: PackageQuote, net: Decimal) -> None:
        """Fills all or part of the order. The rest fills after a delay, or waits until it is matched itself."""
        order = entry.order
        entry.prices = leg_prices(package, net)
        if entry.unbalanced:
            self._fill(entry, at, [1, *(0 for _ in order.legs[1:])])
            if entry.stage is not Stage.DONE:
                self._end(entry, at, "Cancelled", cancelled_at=at)
            return
        part, wait = first_part(order, package.ratios, plan, entry.chance)
        if wait is not None:
            entry.remainder_at = self._opening(entry, at + timedelta(seconds=wait * self.speed))
        self._fill(entry, at, part)

    def _fill_forced(self, entry: BookEntry, at: datetime) -> None:
        entry.forced_at = None
        if self.can_fill(entry, at):
            self.fill(entry, at)

    def _fill_remainder(self, entry: BookEntry, at: datetime) -> None:
        entry.remainder_at = None
        self._fill(entry, at, [leg.remaining_quantity for leg in entry.order.legs])

    def _fill(self, entry: BookEntry, at: datetime, part: list[int]) -> None:
        held = self.held(entry.order.account_number)
        resolved = resolved_at_fill(entry.order, part, held, self.habits())
        if resolved is None:
            status = "Partially Removed" if entry.order.partially_filled else "Rejected"
            self._end(entry, at, status, reject_reason=WOULD_NOT_CLOSE)
            return
        entry.order = resolved
        entry.order, filled = with_fills(
            entry.order, part, entry.prices, at, lambda count: self._fill_id(entry, count, at)
        )
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
        self.release(successor, at)

    def _end(self, entry: BookEntry, at: datetime, status: str, **changes: object) -> None:
        self._close(entry, at, status, **changes)
        self.on_change(entry.order, at)
        self._resolve_successor(entry, at, cancelled=status == "Cancelled")

    def _close(self, entry: BookEntry, at: datetime, status: str, **changes: object) -> None:
        entry.stage = Stage.DONE
        ended: dict[str, object] = {"status": status, "terminal_at": at, "cancellable": False, "editable": False}
        entry.order = _updated(entry.order, at, {**ended, **changes})
        self._queue.drop(entry)

    def _change(self, entry: BookEntry, at: datetime, **changes: object) -> None:
        entry.order = _updated(entry.order, at, changes)
        self.on_change(entry.order, at)

    def _chance(self, order: SimOrder) -> random.Random:
        return random.Random(self.seed * 1_000_003 + order.id)

    def _plan_of(self, entry: BookEntry) -> FillPlan:
        return entry.plan or self.plan(entry.order.account_number)

    def _after(self, at: datetime, entry: BookEntry, low: float, high: float) -> datetime:
        return entry.after(at, low, high, self.speed)

    def _opening(self, entry: BookEntry, at: datetime) -> datetime:
        return opening(self.market, entry.order.legs, at)

    def _quote(self, symbol: str, at: datetime) -> MarketQuote | None:
        streamer = symbol if symbol in self.market.symbols else self.market.occ_to_streamer(symbol)
        return self.market.quote(streamer, at) if streamer is not None else None


def _updated(order: SimOrder, at: datetime, changes: dict[str, object]) -> SimOrder:
    return replace(order, updated_at=at, **changes)  # type: ignore[arg-type]  # the keys are fields of SimOrder
