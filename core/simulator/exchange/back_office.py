"""What happens to an account at the broker without an order of its trader: by the broker's staff or its systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core.runtime.clock import exchange_time
from core.simulator.exchange.acceptance import Acceptance
from core.simulator.exchange.clearing import Clearing
from core.simulator.exchange.deliveries import Delivery, delivered
from core.simulator.exchange.habits import Habits
from core.simulator.exchange.instruments import DELIVERED
from core.simulator.exchange.ledger import Ledger
from core.simulator.exchange.lifecycle import BookEntry, Stage
from core.simulator.exchange.orders import NOT_FOUND, OrderRefused, SimOrder
from core.simulator.exchange.risk_desk import RiskDesk, expiring
from core.simulator.exchange.schedule import Due, DueKind, Schedule
from core.simulator.exchange.session_hours import adjustment_of, next_morning
from core.simulator.exchange.splits import split_posting
from core.simulator.exchange.transactions import Move, Posting
from core.simulator.market.market import Market

CORPORATE_ACTIONS = "corporate actions"
"""Who removes orders on contracts that a split changes."""


@dataclass(frozen=True, eq=False)
class BackOffice:
    """Removes, revives and forgets orders, moves positions in, assigns and closes them, and wipes accounts.

    Every call about an account or an order that does not exist raises OrderRefused (`record_not_found`).
    """

    market: Market
    ledgers: dict[str, Ledger]
    acceptance: Acceptance
    clearing: Clearing
    desk: RiskDesk
    schedule: Schedule
    habits: Callable[[], Habits]
    order: Callable[[str, int], SimOrder]
    """The order of an account with an id. Raises OrderRefused."""
    advance: Callable[[datetime], None]
    """Brings the exchange up to an instant."""
    positions_changed: Callable[[str, Sequence[str], datetime], None]
    """Tells of the positions of an account in these symbols, and of its balance."""

    def do(self, due: Due, at: datetime) -> None:
        """Does what is due, or leaves it undone when it is refused now."""
        of_order = {
            DueKind.REVIVE: self.revive,
            DueKind.REMOVE: self.remove,
            DueKind.EXPIRE: self.expire,
            DueKind.FORGET: self.forget,
        }
        with suppress(OrderRefused):
            if due.kind is DueKind.SUBMIT and due.request is not None:
                self.desk.submit(due.account, due.request, at, by=due.by)
            elif due.kind is DueKind.SPLIT:
                self.adjust(due.account, due.symbol, at)
            elif due.kind is DueKind.ASSIGN:
                self.assign(due.account, due.symbol, due.quantity, at)
            elif due.order_id is not None:
                of_order[due.kind](due.account, due.order_id, at)

    def remove(self, number: str, order_id: int, now: datetime, *, by: str = "staff") -> SimOrder:
        """Ends a working order at once, with status Removed or Partially Removed."""
        entry = self._working(number, order_id, now)
        self.acceptance.book.remove(entry, now, by)
        return entry.order

    def expire(self, number: str, order_id: int, now: datetime) -> SimOrder:
        """Ends a working order at once, as if its time were over."""
        entry = self._working(number, order_id, now)
        self.acceptance.book.expire(entry, now)
        return entry.order

    def fill(
        self, number: str, order_id: int, now: datetime, price: Decimal | None = None, packages: int | None = None
    ) -> SimOrder:
        """Fills a working order at once, whatever the market says: all that is left, or so many packages.

        At this net price (signed, per package), by default at its own. Raises OrderRefused: `validation_error` for more
        than is left, `cannot_update_order` before it is live.
        """
        entry = self._working(number, order_id, now)
        if entry.stage is not Stage.LIVE:
            raise OrderRefused("cannot_update_order", f"Order {order_id} is {entry.order.status} and not live yet.")
        try:
            self.acceptance.book.fill(entry, now, price, packages)
        except ValueError as error:
            raise OrderRefused("validation_error", str(error)) from error
        return entry.order

    def revive(self, number: str, order_id: int, now: datetime) -> SimOrder:
        """Lets an order that ended unfilled, or filled in part, work again."""
        self.advance(now)
        order = self.order(number, order_id)
        if not order.terminal or not order.remaining:
            raise OrderRefused("cannot_update_order", f"Order {order_id} is {order.status} and cannot be revived.")
        return self.acceptance.book.revive(order, now, self.acceptance.expiry_of(order, now)).order

    def forget(self, number: str, order_id: int, now: datetime) -> None:
        """Forgets an order as if it had never been: its fills leave no positions and no cash. Nothing tells of it."""
        self.advance(now)
        order = self.order(number, order_id)
        self.acceptance.book.forget(order_id)
        self.acceptance.orders.drop(order_id)
        back = [
            Move(leg.symbol, fill.quantity if leg.sells else -fill.quantity, fill.fill_price)
            for leg in order.legs
            for fill in leg.fills
        ]
        self.ledgers[number].forget_order(order_id, back, now)

    def wipe(self, number: str, now: datetime) -> None:
        """Sets an account back to its start: no orders, no positions, the first cash. Nothing tells of it."""
        self.advance(now)
        ledger = self._ledger(number)
        self.ledgers[number] = Ledger(ledger.setup, self.market, ledger.log.ids)
        for order in self.acceptance.orders.of(number):
            self.acceptance.book.forget(order.id)
            self.acceptance.orders.drop(order.id)

    def give(self, number: str, positions: Mapping[str, int], now: datetime) -> None:
        """Moves positions in without an order, as a transfer does: contracts by OCC symbol or shares by theirs,
        negative when short.

        Their opening price is the mark. The account pays nothing. Raises OrderRefused (`validation_error`) for a
        symbol that does not exist.
        """
        self.advance(now)
        ledger = self._ledger(number)
        for symbol in positions:
            try:
                ledger.instrument(symbol)
            except KeyError:
                raise OrderRefused("validation_error", f"symbol {symbol} does not exist") from None
        given = {symbol: count for symbol, count in positions.items() if count}
        for symbol, count in given.items():
            ledger.move_in(Move(symbol, count, ledger.price(symbol, now)), now)
        self.positions_changed(number, list(given), now)

    def assign(self, number: str, symbol: str, contracts: int, now: datetime, *, at_once: bool = True) -> None:
        """Assigns so many short contracts of an ETF for shares: at once, or in the next morning's postings.

        Raises OrderRefused (`validation_error`) for more than the account is short.
        """
        self.advance(now)
        ledger = self._ledger(number)
        option = ledger.options().get(symbol)
        short = -ledger.held().get(symbol, 0)
        if option is None or option.underlying not in DELIVERED or not 0 < contracts <= short:
            raise OrderRefused("validation_error", f"{contracts} {symbol}: the account is short {max(0, short)}")
        if not at_once:
            self.schedule.add(Due(next_morning(now), DueKind.ASSIGN, number, symbol=symbol, quantity=contracts))
            return
        rows, moves = delivered(
            Delivery(number, now, exchange_time(now).date(), self.habits().assignment_fee),
            option,
            -contracts,
            ledger.held().get(option.underlying, 0),
        )
        self.clearing.post(Posting(now, number, tuple(rows), tuple(moves)))

    def split(self, symbol: str, ratio: Decimal, on: date, now: datetime) -> None:
        """Splits the shares of an underlying from the first session on or after a date: the positions of all accounts
        are adjusted that morning, and the orders on what they were are removed.

        Raises OrderRefused (`validation_error`) for a split that cannot be.
        """
        self.advance(now)
        try:
            self.market.split(symbol, ratio, on)
        except ValueError as error:
            raise OrderRefused("validation_error", str(error)) from None
        day, _ = self.market.splits[symbol]
        for number in self.ledgers:
            self.schedule.add(Due(adjustment_of(day), DueKind.SPLIT, number, symbol=symbol))

    def adjust(self, number: str, symbol: str, now: datetime) -> None:
        """Makes of an account's positions what the split of their underlying has made of them."""
        ledger, (_, ratio) = self._ledger(number), self.market.splits[symbol]
        for order in self.acceptance.book.working(number):
            entry = self.acceptance.book.entry(order.id)
            if entry is not None and order.underlying_symbol == symbol:
                self.acceptance.book.remove(entry, now, CORPORATE_ACTIONS)
        posting = split_posting(ledger, symbol, ratio, now)
        if posting is not None:
            self.clearing.post(posting)

    def liquidate(self, number: str, now: datetime) -> list[SimOrder]:
        """Has the risk desk close what the account holds of the nearest expiration that delivers shares, at once.

        Raises OrderRefused (`validation_error`) when there is nothing of that kind, and when the account may not trade.
        """
        self.advance(now)
        ledger = self._ledger(number)
        days = [o.expiration for o in ledger.shown.options().values() if expiring(ledger, o.expiration)]
        if not days:
            raise OrderRefused("validation_error", "the account holds nothing that delivers shares")
        return self.desk.liquidate(ledger, min(days), now)

    def _working(self, number: str, order_id: int, now: datetime) -> BookEntry:
        self.advance(now)
        order = self.order(number, order_id)
        entry = self.acceptance.book.entry(order_id)
        if entry is None:
            raise OrderRefused("cannot_update_order", f"Order {order_id} is {order.status} and does not work.")
        return entry

    def _ledger(self, number: str) -> Ledger:
        ledger = self.ledgers.get(number)
        if ledger is None:
            raise OrderRefused(NOT_FOUND, f"Account {number} was not found.")
        return ledger
