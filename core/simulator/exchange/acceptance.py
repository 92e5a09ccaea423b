"""Takes checked orders into the book: their ids, their last instant and the check of their tick."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from core.simulator.exchange.handling import Handling
from core.simulator.exchange.known_orders import KnownOrders
from core.simulator.exchange.lifecycle import BookEntry
from core.simulator.exchange.matching import off_tick
from core.simulator.exchange.order_book import OrderBook
from core.simulator.exchange.orders import OrderLeg, OrderMessage, SimLeg, SimOrder
from core.simulator.exchange.preflight import Preflight
from core.simulator.exchange.trading_hours import end_of, sessions_around
from core.simulator.exchange.validation import NEXT_SESSION
from core.simulator.market.market import Market
from core.simulator.market.market_data import TickSize

SHARE_TICKS = (TickSize(Decimal("0.0001"), Decimal(1)), TickSize(Decimal("0.01")))
_ID_EPOCH = 1_700_000_000


@dataclass(eq=False)
class Acceptance:
    """Gives each order its id and puts it into the book."""

    market: Market
    book: OrderBook
    preflight: Preflight
    orders: KnownOrders
    daily_ids: Counter[date] = field(default_factory=Counter, init=False)
    """How many ids were counted in each session."""

    def __post_init__(self) -> None:
        # Ids depend on the start, so that the records of two demos never hold the same one.
        self.last_id = (int(self.market.start.timestamp()) - _ID_EPOCH) * 1000

    def accept(self, draft: SimOrder, now: datetime, handling: Handling, reject_reason: str | None = None) -> BookEntry:
        """The order in the book, with an id. A contingent one waits there for its predecessor's cancel.

        With a `reject_reason` it is rejected once it has been routed, and so is one off its tick.
        """
        number = self._new_id(now, handling)
        order = replace(
            draft,
            id=number,
            ext_global_order_number=number % 1_000_000,
            global_request_id=f"{number:032x}",
            warnings=(*draft.warnings, *self.warnings(draft.legs, now)),
        )
        bad_tick = order.price is not None and off_tick(self._ticks(order), abs(order.price))
        return self.book.add(
            order,
            now,
            self.expiry_of(order, now),
            reject_reason or ("Price is not a valid tick increment" if bad_tick else None),
            contingent=order.status == "Contingent",
            plan=handling.plan,
            daily_fill_ids=handling.fill_ids_begin_again,
            unbalanced=handling.unbalanced,
        )

    def expiry_of(self, order: SimOrder, now: datetime) -> datetime | None:
        """When the order expires unless it has ended before; None for shares until they are cancelled."""
        _, current, following = sessions_around(self.market, order.legs, now)
        last = current or following
        if order.time_in_force == "GTD" and order.gtc_date is not None:
            last = self.market.session(order.gtc_date) or last
        options = [self.preflight.options[leg.symbol] for leg in order.legs if leg.instrument_type == "Equity Option"]
        ends = [option.stops_trading_at for option in options]
        if order.time_in_force != "GTC":
            ends.append(end_of(last, order.legs))
        return min(ends, default=None)

    def warnings(self, legs: Sequence[OrderLeg] | Sequence[SimLeg], now: datetime) -> tuple[OrderMessage, ...]:
        """The warnings that an order with these legs gets at this instant."""
        return () if sessions_around(self.market, legs, now)[1] is not None else (NEXT_SESSION,)

    def _ticks(self, order: SimOrder) -> tuple[TickSize, ...]:
        if order.legs[0].instrument_type == "Equity":
            return SHARE_TICKS
        return self.market.tick_sizes(self.preflight.options[order.legs[0].symbol])

    def _new_id(self, now: datetime, handling: Handling) -> int:
        if not handling.order_ids_begin_again:
            self.last_id += 1
            return self.last_id
        day = self.market.session_day(now)
        self.daily_ids[day] += 1
        while self.book.entry(self.daily_ids[day]) is not None:  # an order of an earlier day that still works
            self.daily_ids[day] += 1
        self.orders.drop(self.daily_ids[day])
        return self.daily_ids[day]
