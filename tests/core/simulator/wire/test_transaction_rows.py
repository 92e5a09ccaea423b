"""A row of an account's history as JSON: the SDK and the adapter read it, and its amounts add up (broker 2.7)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from tastytrade.account import Transaction as SdkTransaction

from core.broker.tastytrade.transaction_mapping import transaction as read_by_the_adapter
from core.simulator.exchange.fees import fees_for
from core.simulator.exchange.orders import FeeCalculation
from core.simulator.exchange.transactions import SimTransaction
from core.simulator.wire.payloads_transactions import total_fees, transaction

ACCOUNT = "5WT00001"
AT = datetime(2026, 11, 28, 3, tzinfo=UTC)
DAY = date(2026, 11, 27)
NONE = Decimal(0)
FREE = FeeCalculation(NONE, NONE, NONE, NONE)
FIVE = FeeCalculation(NONE, Decimal(5), NONE, NONE)
PUT = "SPXW  261127P06850000"


def row(kind: str, sub_kind: str, **more: Any) -> SimTransaction:
    known: dict[str, Any] = {
        "id": 500_000_002,
        "account": ACCOUNT,
        "description": "",
        "instrument_type": "Equity Option",
        "symbol": PUT,
        "underlying": "SPX",
        "action": None,
        "quantity": Decimal(2),
        "price": None,
        "value": NONE,
        "fees": FREE,
        "executed_at": AT,
        "day": DAY,
        "created_at": AT,
        "estimated": True,
    }
    return SimTransaction(kind=kind, sub_kind=sub_kind, **{**known, **more})


TRADE = row(
    "Trade",
    "Sell to Open",
    description="Sold 2 SPXW 11/27/26 Put 6850.00 @ 12.10",
    action="Sell to Open",
    price=Decimal("12.10"),
    value=Decimal("2420.00"),
    fees=fees_for("SPX", [("Sell to Open", 2)]),
    order_id=73,
    fill_id="24_TOs0",
    leg_count=4,
    venue="SIM_CBOE_COMPLEX",
)
SETTLED = row("Receive Deliver", "Cash Settled Assignment", price=Decimal(6850), value=Decimal(-800), fees=FIVE)
REMOVED = row("Receive Deliver", "Assignment", description="Removal of option due to assignment")
SHARES = row(
    "Receive Deliver",
    "Buy to Open",
    instrument_type="Equity",
    symbol="QQQ",
    underlying="QQQ",
    action="Buy to Open",
    quantity=Decimal(100),
    price=Decimal("622.00"),
    value=Decimal(-62_200),
    fees=FIVE,
)
DIVIDEND = row(
    "Money Movement", "Dividend", quantity=None, instrument_type="Equity", symbol="QQQ", value=Decimal("79.41")
)
REVERSAL = row("Money Movement", "Balance Adjustment", value=Decimal("-0.02"), quantity=None, reverses=500_000_001)


@pytest.mark.parametrize("sent", [TRADE, SETTLED, REMOVED, SHARES, DIVIDEND, REVERSAL], ids=lambda row: row.sub_kind)
def test_a_row_is_read_by_the_sdk_and_by_the_adapter(sent: SimTransaction) -> None:
    payload = transaction(sent)
    ours = read_by_the_adapter(dict(payload), ACCOUNT)
    theirs = SdkTransaction(**payload)  # type: ignore[arg-type]
    assert (ours.id, ours.kind, ours.sub_kind) == (str(sent.id), sent.kind, sent.sub_kind)
    assert (ours.value, ours.net_value, ours.fees) == (sent.value, sent.net_value, sent.fees.total_fees)
    assert (ours.quantity, ours.price, ours.action) == (sent.quantity, sent.price, sent.action or "")
    assert (ours.executed_at, ours.day, ours.order_id) == (AT, DAY, str(sent.order_id or ""))
    assert (theirs.value, theirs.net_value, theirs.quantity) == (sent.value, sent.net_value, sent.quantity)
    assert (theirs.reverses_id, theirs.order_id, theirs.is_estimated_fee) == (sent.reverses, sent.order_id, True)
    charged = (
        theirs.regulatory_fees,
        theirs.clearing_fees,
        theirs.commission,
        theirs.proprietary_index_option_fees,
        theirs.other_charge,
    )
    assert theirs.value + sum(filter(None, charged), Decimal(0)) == theirs.net_value


def test_amounts_are_written_as_the_broker_writes_them() -> None:
    payload = transaction(TRADE)
    shown = {"value": "2420.0", "value-effect": "Credit", "commission": "2.0", "commission-effect": "Debit"}
    assert payload.items() >= {**shown, "quantity": "2.0", "price": "12.1", "ext-group-id": "0"}.items()
    assert payload["exec-id"] == "24_TOs0"
    settled = transaction(SETTLED)
    wanted = {"price": "6850.0", "quantity": "2.0", "value": "800.0", "value-effect": "Debit", "clearing-fees": "5.0"}
    assert settled.items() >= {**wanted, "net-value": "805.0", "net-value-effect": "Debit"}.items()
    assert not {"action", "order-id", "exec-id", "leg-count", "reverses-id"} & set(settled)
    removed = transaction(REMOVED)
    assert (removed["value"], removed["value-effect"]) == ("0.0", "None")
    assert not {"price", "clearing-fees", "action"} & set(removed)
    assert not {"quantity", "price"} & set(transaction(DIVIDEND))


def test_total_fees_are_a_debit() -> None:
    assert total_fees([TRADE, SETTLED]) == {"total-fees": "8.55", "total-fees-effect": "Debit"}
    assert total_fees([]) == {"total-fees": "0.0", "total-fees-effect": "None"}
