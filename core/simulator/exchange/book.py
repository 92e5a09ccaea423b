"""The positions of one account: quantities, opening prices and what closing them has earned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from core.runtime.clock import exchange_time
from core.simulator.exchange.instruments import Instrument, multiplier_of, symbol_of
from core.simulator.market.market_data import ListedOption

NOTHING = Decimal(0)


@dataclass(slots=True)
class Holding:
    """The position of an account in one instrument. `quantity` is negative when short; prices are $ per share.

    `day_basis` is the price from which the gain of the exchange date `basis_on` counts: the opening price of what was
    opened on that date, the previous close for the rest. `realized_today` and `realized_day` are what closing it earned
    on the exchange date `realized_on`, in $, against the opening price and against `day_basis`.
    """

    instrument: Instrument
    quantity: int
    average_open_price: Decimal
    opened_on: date
    created_at: datetime
    updated_at: datetime
    day_basis: Decimal
    basis_on: date
    realized_on: date
    realized_today: Decimal = NOTHING
    realized_day: Decimal = NOTHING


@dataclass(slots=True, eq=False)
class Book:
    """The positions of one account, closed ones of the same day included."""

    holdings: dict[str, Holding] = field(default_factory=dict)
    """By symbol, in the order in which they were opened."""

    def held(self) -> dict[str, int]:
        """The open positions: symbol to contracts or shares, negative when short."""
        return {symbol: h.quantity for symbol, h in self.holdings.items() if h.quantity}

    def is_flat(self) -> bool:
        """Whether there is no open position."""
        return not any(holding.quantity for holding in self.holdings.values())

    def options(self) -> dict[str, ListedOption]:
        """The contracts among the positions, by OCC symbol."""
        return {s: h.instrument for s, h in self.holdings.items() if isinstance(h.instrument, ListedOption)}

    def change(
        self, instrument: Instrument, change: int, price: Decimal, at: datetime, previous_close: Callable[[], Decimal]
    ) -> None:
        """Adds contracts or shares (negative: takes them away) at a price per share.

        What this closes is realized. `previous_close` is asked for a position that was opened on an earlier date.
        """
        symbol, today = symbol_of(instrument), exchange_time(at).date()
        holding = self.holdings.get(symbol)
        if holding is None:
            self.holdings[symbol] = Holding(instrument, change, price, today, at, at, price, today, today)
            return
        if holding.realized_on != today:
            holding.realized_on, holding.realized_today, holding.realized_day = today, NOTHING, NOTHING
        if holding.quantity and holding.basis_on != today:
            holding.day_basis = previous_close()
        holding.basis_on = today
        if holding.quantity * change < 0:
            closed = min(abs(change), abs(holding.quantity)) * (1 if holding.quantity > 0 else -1)
            value = closed * multiplier_of(instrument)
            holding.realized_today += value * (price - holding.average_open_price)
            holding.realized_day += value * (price - holding.day_basis)
            holding.quantity -= closed
            change += closed
        if change:
            if not holding.quantity:
                holding.average_open_price = holding.day_basis = NOTHING
                holding.opened_on, holding.created_at = today, at
            total = holding.quantity + change
            holding.average_open_price = (holding.average_open_price * holding.quantity + price * change) / total
            holding.day_basis = (holding.day_basis * holding.quantity + price * change) / total
            holding.quantity = total
        holding.updated_at = at

    def convert(self, instrument: Instrument, change: int, price: Decimal, at: datetime) -> None:
        """Adds contracts or shares that a split has made of others, or takes those away, at their opening price.

        Nothing is realized. What came in was opened before: its gain of the day counts from the previous close.
        """
        symbol, today = symbol_of(instrument), exchange_time(at).date()
        holding = self.holdings.get(symbol)
        if holding is None:
            holding = self.holdings[symbol] = Holding(instrument, 0, NOTHING, today, at, at, NOTHING, today, today)
        total = holding.quantity + change
        if abs(total) > abs(holding.quantity):
            if not holding.quantity:
                holding.average_open_price = NOTHING
                holding.opened_on, holding.created_at = today, at
            holding.average_open_price = (holding.average_open_price * holding.quantity + price * change) / total
            holding.basis_on = today - timedelta(days=1)
        holding.quantity, holding.updated_at = total, at

    def drop_closed(self, before: date) -> None:
        """Forgets the positions that were closed before this exchange date."""
        for symbol, holding in list(self.holdings.items()):
            if not holding.quantity and exchange_time(holding.updated_at).date() < before:
                del self.holdings[symbol]
