"""Turns the broker's JSON of a transaction into our value (broker 2.7)."""

from __future__ import annotations

from core.broker.tastytrade.fields import (
    JsonObject,
    flag,
    identity,
    instant,
    optional_date,
    optional_identity,
    optional_number,
    optional_text,
    shown_text,
    signed,
    text,
)
from core.domain.orders.transactions import Transaction
from core.runtime.clock import exchange_time


def transaction(o: JsonObject, account: str) -> Transaction:
    """The row of this account's history. A type or sub-type that is not known is kept as it is.

    Raises Unreadable for a missing id, type, time or amount, an amount without its sign, and for whatever else is there
    and cannot be read. A fee of which the broker does not say that it is final is an estimate; without a date the row
    is charged to the exchange date on which it was executed.
    """
    executed_at = instant(o, "executed-at")
    return Transaction(
        id=identity(o, "id"),
        account=account,
        kind=text(o, "transaction-type"),
        sub_kind=text(o, "transaction-sub-type"),
        instrument_type=shown_text(o, "instrument-type"),
        symbol=optional_text(o, "symbol"),
        underlying=optional_text(o, "underlying-symbol"),
        action=optional_text(o, "action"),
        quantity=optional_number(o, "quantity"),
        price=optional_number(o, "price"),
        value=signed(o, "value"),
        net_value=signed(o, "net-value"),
        fees_estimated=flag(o, "is-estimated-fee") if o.get("is-estimated-fee") is not None else True,
        executed_at=executed_at,
        day=optional_date(o, "transaction-date") or exchange_time(executed_at).date(),
        order_id=optional_identity(o, "order-id") or "",
        reverses=optional_identity(o, "reverses-id") or "",
        text=shown_text(o, "description"),
    )
