"""Entries as the operator sees them."""

from __future__ import annotations

from datetime import datetime

from core.domain.events import masked
from core.domain.fills import fill_credit
from core.domain.orders import Entry, Fill
from core.snapshot import FillView, OrderView


def order_view(entry: Entry, now: datetime, speed: float) -> OrderView:
    """The entry with its fills; its age is wall seconds since it was prepared, or until it ended."""
    until = entry.terminal_at or now
    return OrderView(
        entry_id=entry.id,
        order_id=entry.order_id or "",
        account=masked(entry.account),
        underlying=entry.underlying,
        expiration=entry.expiration,
        strikes=entry.strikes,
        limit=entry.limit,
        state=entry.state.value,
        broker_status=entry.broker_status or "",
        filled_contracts=int(sum(fill.quantity for fill in entry.fills)),
        total_contracts=sum(leg.quantity for leg in entry.request.legs),
        fill_credit=fill_credit(entry.request, entry.fills),
        fills=tuple(_fill_view(entry, fill) for fill in entry.fills),
        at=(entry.sent_at or entry.prepared_at).replace(microsecond=0),
        age_s=max(0, int((until - entry.prepared_at).total_seconds() / speed)),
        detail=entry.detail,
    )


def _fill_view(entry: Entry, fill: Fill) -> FillView:
    """A leg is named by its place in the order: the strikes are kept in the same order (SPEC 2)."""
    names = dict(zip((leg.symbol for leg in entry.request.legs), entry.strikes.split("/"), strict=True))
    return FillView(names.get(fill.symbol, fill.symbol), fill.quantity, fill.price, fill.at.replace(microsecond=0))
