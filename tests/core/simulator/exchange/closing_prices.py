"""A market whose official closes a test chooses, and accounts that hold contracts there until their last day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal

from core.runtime.clock import EXCHANGE_ZONE
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.habits import Habits
from core.simulator.exchange.orders import SimPosition
from core.simulator.exchange.transactions import SimTransaction
from core.simulator.market.market import Market
from core.simulator.market.market_data import ListedOption
from tests.core.simulator.exchange.placed_orders import ONE, START, exchange


class ClosingAt(Market):
    """The simulated market with one price for all that settles on a date."""

    closes: Mapping[date, Decimal]

    def settlement_price(self, option: ListedOption) -> Decimal:
        return self.closes.get(option.expiration) or super().settlement_price(option)


def closing_at(day: date, price: str, cash: str = "100000", **habits: object) -> Exchange:
    """A broker on whose market everything that settles on the date does so at this price."""
    market = ClosingAt(7, START)
    market.closes = {day: Decimal(price)}
    broker = exchange(cash, market)
    broker.habits = Habits(desk=False, **habits)  # type: ignore[arg-type]
    return broker


def exchange_at(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """An instant by the exchange's clock, in UTC."""
    return datetime.combine(day, time(hour, minute, second), EXCHANGE_ZONE).astimezone(UTC)


def signed(position: SimPosition) -> int:
    """Contracts or shares, negative when short."""
    return position.quantity if position.quantity_direction == "Long" else -position.quantity


def held(broker: Exchange, at: datetime, number: str = ONE) -> dict[str, int]:
    """The positions that the broker shows."""
    return {position.symbol: signed(position) for position in broker.positions(number, at)}


def cash(broker: Exchange, at: datetime, number: str = ONE) -> Decimal:
    return broker.balances(number, at).cash_balance


def told(rows: list[SimTransaction]) -> list[tuple[str, str | None, Decimal | None, Decimal]]:
    """What rows say: sub-type, symbol, quantity and net value."""
    return [(row.sub_kind, row.symbol, row.quantity, row.net_value) for row in rows]


def deliveries(broker: Exchange, at: datetime, number: str = ONE) -> list[SimTransaction]:
    """The rows of deliveries, oldest first."""
    return [row for row in broker.transactions(number, at) if row.kind == "Receive Deliver"]
