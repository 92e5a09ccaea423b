"""Tridents, exits and transactions for the tests of the rules about a trident's end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, Fill, OrderLeg, OrderRequest, TimeInForce
from core.domain.orders.transactions import Transaction
from core.domain.positions.close_shape import close_shape
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.units import Unit, UnitName, units_of
from core.domain.trident.trident import Action
from tests.support.world import et

SHORT_PUT, LONG_PUT, SHORT_CALL, LONG_CALL = QQQ = (
    "QQQ   251219P00622000",
    "QQQ   251219P00619000",
    "QQQ   251219C00622000",
    "QQQ   251219C00625000",
)
ACTIONS = ((Action.SELL_TO_OPEN, 2), (Action.BUY_TO_OPEN, 2), (Action.SELL_TO_OPEN, 1), (Action.BUY_TO_OPEN, 1))
AT = datetime(2025, 11, 6, 15, tzinfo=UTC)
PUT_1, PUT_2, CALL = UnitName


def D(text: str) -> Decimal:
    return Decimal(text)


def opening(symbols: Sequence[str] = QQQ, underlying: str = "QQQ") -> OrderRequest:
    legs = tuple(OrderLeg(symbol, *action) for symbol, action in zip(symbols, ACTIONS, strict=True))
    return OrderRequest(underlying, legs, D("4.00"), "senex-1")


def units(put: str = "1.22", call: str = "1.62", symbols: Sequence[str] = QQQ) -> tuple[Unit, ...]:
    """The units of a trident with these unit credits."""
    return tuple(replace(unit, credit=D(put if unit.is_put else call)) for unit in units_of(opening(symbols)))


def fills(order_id: str, *filled: tuple[str, int, str]) -> tuple[Fill, ...]:
    """Fills of one order: (OCC symbol, contracts, price per share)."""
    return tuple(
        Fill(f"{order_id}-{n}", symbol, Decimal(quantity), D(price), AT, order_id)
        for n, (symbol, quantity, price) in enumerate(filled)
    )


def entry(*prices: str, symbols: Sequence[str] = QQQ, underlying: str = "QQQ") -> Entry:
    """A filled entry of one trident, with a fill of each leg at these prices. Its order is 11."""
    request = opening(symbols, underlying)
    filled = [(leg.symbol, leg.quantity, price) for leg, price in zip(request.legs, prices, strict=True)]
    return Entry(
        id="T1",
        account="5WX00001",
        session_day=AT.date(),
        underlying=underlying,
        identifier="senex-1",
        request=request,
        state=OrderState.FILLED,
        prepared_at=AT,
        sent_at=AT,
        order_id="11",
        broker_status="Filled",
        terminal_at=AT,
        detail="",
        fills=fills("11", *filled),
        cycle=1,
        suggestion_id="s",
        expiration=et("2025-12-19").date(),
        strikes="622P/619P/622C/625C",
        limit=D("4.00"),
        natural=D("3.90"),
        mid=D("4.06"),
        width=Decimal(3),
        max_risk=Decimal(200),
        holds_day=True,
    )


def exit(
    names: Iterable[UnitName],
    *filled: tuple[str, int, str],
    state: OrderState = OrderState.WORKING,
    of: Sequence[Unit] | None = None,
    kind: ExitKind = ExitKind.TIME,
    id: str = "x1",
    order_id: str = "71",
    debit: str = "0.73",
) -> Exit:
    """An exit that claims these units, with these fills."""
    claimed = tuple(names)
    shape = close_shape([unit for unit in of or units() if unit.name in claimed])
    assert shape is not None
    underlying = shape.legs[0].symbol[:6].strip()
    request = OrderRequest(underlying, shape.legs, -D(debit), f"senexit-{id}", TimeInForce.DAY, strict=True)
    return Exit(
        id=id,
        account="5WX00001",
        session_day=AT.date(),
        underlying=underlying,
        identifier=request.identifier,
        request=request,
        state=state,
        prepared_at=AT,
        sent_at=AT,
        order_id=order_id,
        broker_status=None,
        terminal_at=None,
        detail="",
        fills=fills(order_id, *filled),
        trident_id="T1",
        kind=kind,
        units=claimed,
    )


def row(
    id: str,
    sub_kind: str,
    symbol: str,
    quantity: int = 1,
    *,
    kind: str = "Receive Deliver",
    action: str = "",
    price: str | None = None,
    value: str = "0",
    fees: str = "0",
    order_id: str = "",
    reverses: str = "",
    estimated: bool = False,
    minute: int = 0,
    instrument_type: str = "Equity Option",
) -> Transaction:
    """A row of the account's history, `minute` minutes after the others."""
    underlying = symbol[:6].strip()
    return Transaction(
        id=id,
        account="5WX00001",
        kind=kind,
        sub_kind=sub_kind,
        instrument_type=instrument_type,
        symbol=symbol,
        underlying=underlying,
        action=action,
        quantity=Decimal(quantity),
        price=None if price is None else D(price),
        value=D(value),
        net_value=D(value) - D(fees),
        fees_estimated=estimated,
        executed_at=AT + timedelta(minutes=minute),
        day=AT.date(),
        order_id=order_id,
        reverses=reverses,
        text="",
    )
