"""Orders for the tests of the simulated exchange, and functions to follow them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from core.simulator.exchange.accounts import AccountSetup
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.matching import PackageQuote, package_quote
from core.simulator.exchange.orders import OrderLeg, OrderRequest, SimLeg, SimOrder
from core.simulator.market.market import Market

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
OPEN = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
CLOSE = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
OPTIONS_CLOSE = datetime(2026, 11, 23, 21, 15, tzinfo=UTC)
TEN = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
ONE, TWO, OTHER = "5WT00001", "5WT00002", "5WT00003"
EXPIRY = "270108"

_MARKET = Market(7, START)


def exchange(cash: str = "25000", market: Market = _MARKET) -> Exchange:
    """An exchange with three accounts of two logins."""
    setups = [
        AccountSetup(ONE, "First", "main", Decimal(cash)),
        AccountSetup(TWO, "Second", "main", Decimal(cash)),
        AccountSetup(OTHER, "Other", "spouse", Decimal(cash)),
    ]
    return Exchange(market, 7, setups)


def occ(right: str, strike: int, root: str = "QQQ", expiry: str = EXPIRY) -> str:
    return f"{root:<6}{expiry}{right}{strike * 1000:08d}"


def leg(action: str, symbol: str, quantity: int | str = 1) -> OrderLeg:
    return OrderLeg("Equity Option", symbol, action, Decimal(quantity))


def trident_legs(body: int = 622, width: int = 3, packages: int = 1, root: str = "QQQ") -> tuple[OrderLeg, ...]:
    return (
        leg("Sell to Open", occ("P", body, root), 2 * packages),
        leg("Buy to Open", occ("P", body - width, root), 2 * packages),
        leg("Sell to Open", occ("C", body, root), packages),
        leg("Buy to Open", occ("C", body + width, root), packages),
    )


def package(legs: Sequence[OrderLeg], at: datetime = TEN) -> PackageQuote:
    """The quote of the package in the default market at an instant."""
    sim = [SimLeg(g.instrument_type, g.symbol, g.action, int(g.quantity), int(g.quantity)) for g in legs]
    found = package_quote(sim, lambda symbol: _MARKET.quote(_MARKET.occ_to_streamer(symbol) or "", at))
    assert found is not None
    return found


def credit(
    legs: Sequence[OrderLeg], price: Decimal | str, time_in_force: str = "Day", identifier: str | None = None
) -> OrderRequest:
    return OrderRequest(
        time_in_force, "Limit", tuple(legs), Decimal(price), "Credit", source="test", external_identifier=identifier
    )


def at_mid(packages: int = 1, at: datetime = TEN) -> OrderRequest:
    """A trident at its mid credit, rounded to the tick."""
    legs = trident_legs(packages=packages)
    return credit(legs, package(legs, at).mid.quantize(Decimal("0.01")))


def net_of(order: SimOrder) -> Decimal:
    """The net price per package that the fills of the legs add up to."""
    total = sum(((1 if g.sells else -1) * f.quantity * f.fill_price for g in order.legs for f in g.fills), Decimal(0))
    return total / order.size


def follow(broker: Exchange, order_id: int, until: datetime) -> list[str]:
    """The statuses the alerts show for the order from TEN on, without repetitions."""
    seen: list[str] = []
    for notice in broker.advance(until):
        if isinstance(notice.obj, SimOrder) and notice.obj.id == order_id and notice.obj.status not in seen[-1:]:
            seen.append(notice.obj.status)
    return seen
