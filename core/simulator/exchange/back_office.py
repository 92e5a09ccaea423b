"""What happens to an account at the broker without an order of its trader: by the broker's staff or its systems."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.simulator.exchange.acceptance import Acceptance
from core.simulator.exchange.accounts import Ledger
from core.simulator.exchange.fees import fees_for
from core.simulator.exchange.orders import NOT_FOUND, OrderRefused, SimOrder
from core.simulator.market.market import Market


@dataclass(frozen=True, eq=False)
class BackOffice:
    """Removes, revives and forgets orders, moves positions in and wipes accounts.

    Every call about an account or an order that does not exist raises OrderRefused (`record_not_found`).
    """

    market: Market
    ledgers: dict[str, Ledger]
    acceptance: Acceptance
    order: Callable[[str, int], SimOrder]
    """The order of an account with an id. Raises OrderRefused."""
    advance: Callable[[datetime], None]
    """Brings the exchange up to an instant."""
    positions_changed: Callable[[str, Sequence[str], datetime], None]
    """Tells of the positions of an account in these OCC symbols."""

    def remove(self, number: str, order_id: int, now: datetime, *, by: str = "staff") -> SimOrder:
        """Ends a working order at once, with status Removed or Partially Removed."""
        self.advance(now)
        order = self.order(number, order_id)
        entry = self.acceptance.book.entry(order_id)
        if entry is None:
            raise OrderRefused("cannot_update_order", f"Order {order_id} is {order.status} and cannot be removed.")
        self.acceptance.book.remove(entry, now, by)
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
        ledger, day = self.ledgers[number], self.market.session_day(now)
        self.acceptance.book.forget(order_id)
        self.acceptance.orders.drop(order_id)
        charged: defaultdict[datetime, list[tuple[str, int]]] = defaultdict(list)
        for leg in order.legs:
            for fill in leg.fills:
                back = fill.quantity if leg.sells else -fill.quantity
                ledger.trade(self.acceptance.preflight.options[leg.symbol], back, fill.fill_price, now, day)
                charged[fill.filled_at].append((leg.action, fill.quantity))
        for traded in charged.values():
            ledger.charge(-fees_for(order.underlying_symbol, traded).total_fees)

    def wipe(self, number: str, now: datetime) -> None:
        """Sets an account back to its start: no orders, no positions, the first cash. Nothing tells of it."""
        self.advance(now)
        self.ledgers[number] = Ledger(self._ledger(number).setup)
        for order in self.acceptance.orders.of(number):
            self.acceptance.book.forget(order.id)
            self.acceptance.orders.drop(order.id)

    def give(self, number: str, contracts: Mapping[str, int], now: datetime) -> None:
        """Moves positions in without an order, as a transfer does: contracts by OCC symbol, negative when short.

        Their opening price is the mark. The account pays nothing. Raises OrderRefused (`validation_error`) for a
        symbol that does not exist.
        """
        self.advance(now)
        ledger, day = self._ledger(number), self.market.session_day(now)
        options = {symbol: self.market.option(symbol) for symbol in contracts}
        for symbol, option in options.items():
            if option is None or option.occ != symbol:
                raise OrderRefused("validation_error", f"symbol {symbol} does not exist")
        for symbol, option in options.items():
            if option is not None and contracts[symbol]:
                quote = self.market.quote(option.streamer, now)
                known = quote is not None and quote.bid is not None and quote.ask is not None
                mark = (quote.bid + quote.ask) / 2 if known else Decimal(0)  # type: ignore[union-attr,operator]
                ledger.move_in(option, contracts[symbol], mark, now, day)
        self.positions_changed(number, [symbol for symbol, count in contracts.items() if count], now)

    def _ledger(self, number: str) -> Ledger:
        ledger = self.ledgers.get(number)
        if ledger is None:
            raise OrderRefused(NOT_FOUND, f"Account {number} was not found.")
        return ledger
