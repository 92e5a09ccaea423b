"""The broker's JSON of transactions (broker 2.7)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from core.simulator.exchange.transactions import SimTransaction
from core.simulator.wire.payloads import Payload, iso, maybe_money, omit_none, signed

TRADE = "Trade"


def transaction(item: SimTransaction) -> Payload:
    """One row. What does not apply to it has no key; each fee stands there once one of them was charged, and always in
    a trade."""
    payload = omit_none(
        id=item.id,
        account_number=item.account,
        symbol=item.symbol,
        instrument_type=item.instrument_type,
        underlying_symbol=item.underlying,
        transaction_type=item.kind,
        transaction_sub_type=item.sub_kind,
        description=item.description,
        action=item.action,
        quantity=maybe_money(item.quantity),
        price=maybe_money(item.price),
        executed_at=iso(item.executed_at),
        transaction_date=item.day.isoformat(),
    )
    payload.update(signed("value", item.value))
    if item.kind == TRADE or item.fees.total_fees:
        payload.update(signed("regulatory-fees", -item.fees.regulatory_fees))
        payload.update(signed("clearing-fees", -item.fees.clearing_fees))
        payload.update(signed("commission", -item.fees.commission))
        payload.update(signed("proprietary-index-option-fees", -item.fees.proprietary_index_option_fees))
    payload.update(signed("net-value", item.net_value))
    payload["is-estimated-fee"] = item.estimated
    if item.kind == TRADE:
        payload.update(_execution(item))
    payload.update(omit_none(reverses_id=item.reverses))
    payload["created-at"] = iso(item.created_at)
    return payload


def _execution(item: SimTransaction) -> Payload:
    """What a trade says of its order and of its fill, whose id is `exec-id`."""
    return omit_none(
        order_id=item.order_id,
        ext_exchange_order_number=None if item.order_id is None else f"{item.order_id:012d}",
        ext_global_order_number=None if item.order_id is None else item.order_id % 1_000_000,
        ext_group_id="0",
        ext_group_fill_id=item.fill_id,
        ext_exec_id=item.fill_id,
        exec_id=item.fill_id,
        exchange=item.venue,
        exchange_affiliation_identifier="",
        leg_count=item.leg_count,
        destination_venue=item.venue,
    )


def total_fees(rows: Iterable[SimTransaction]) -> Payload:
    """The sum of the fees of these rows, as a debit."""
    return signed("total-fees", -sum((row.fees.total_fees for row in rows), Decimal(0)))
