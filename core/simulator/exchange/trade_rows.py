"""The transactions of fills: one row for each leg of each fill."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from core.runtime.clock import exchange_time
from core.simulator.exchange.fees import fill_fees
from core.simulator.exchange.instruments import Instrument, Share, multiplier_of, symbol_of, type_of, underlying_of
from core.simulator.exchange.orders import SimOrder
from core.simulator.exchange.transactions import TRADE, SimTransaction


def instrument_name(instrument: Instrument) -> str:
    """How the broker writes it in a description: `QQQ 01/08/27 Put 622.00`, or the symbol of shares."""
    if isinstance(instrument, Share):
        return instrument.symbol
    right = "Put" if instrument.right == "P" else "Call"
    return f"{instrument.root} {instrument.expiration:%m/%d/%y} {right} {instrument.strike:.2f}"


def trade_rows(
    order: SimOrder, filled: Sequence[tuple[int, int, Decimal]], instruments: Sequence[Instrument], at: datetime
) -> tuple[SimTransaction, ...]:
    """The rows of a fill that the order has just had: (index of the leg, contracts or shares, price per share).

    `instruments` are those of the filled legs. The rows are not posted yet.
    """
    fees = fill_fees(order, [(index, quantity) for index, quantity, _ in filled])
    rows = []
    for (index, quantity, price), instrument, charged in zip(filled, instruments, fees, strict=True):
        leg = order.legs[index]
        fill = leg.fills[-1]
        verb = "Sold" if leg.sells else "Bought"
        value = (1 if leg.sells else -1) * quantity * price * multiplier_of(instrument)
        rows.append(
            SimTransaction(
                id=0,
                account=order.account_number,
                kind=TRADE,
                sub_kind=leg.action,
                description=f"{verb} {quantity} {instrument_name(instrument)} @ {price:.2f}",
                instrument_type=type_of(instrument),
                symbol=symbol_of(instrument),
                underlying=underlying_of(instrument),
                action=leg.action,
                quantity=Decimal(quantity),
                price=price,
                value=value,
                fees=charged,
                executed_at=at,
                day=exchange_time(at).date(),
                created_at=at,
                estimated=True,
                order_id=order.id,
                fill_id=fill.fill_id,
                leg_count=len(order.legs),
                venue=fill.destination_venue,
            )
        )
    return tuple(rows)
