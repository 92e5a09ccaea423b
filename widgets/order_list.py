"""The list of the orders: each one's fate, what was ordered, what has filled, and the broker's word (rules 9)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from core.domain.orders.fate import FateKind
from core.domain.orders.way_out import SHORT_ID
from widgets.base import format as figures
from widgets.base.fates import is_over, order_kind, tone_of
from widgets.base.lines import Part, Tone
from widgets.base.list_panel import Column, Listing, Row

if TYPE_CHECKING:
    from core.snapshot import ExitView, OrderView

_COLUMNS = (
    Column("state", 9),
    Column("acct", 5, least=64),
    Column("und", 3, least=69),
    Column("strikes, or what closes", 23),
    Column("trident", SHORT_ID),
    Column("expires", 7, least=101),
    Column("limit", 5, is_right=True),
    Column("filled", 6, is_right=True, least=78),
    Column("fill", 5, is_right=True, least=92),
    Column("order", 12, least=115),
    Column("sent", 6, least=85),
    Column("age", 4, is_right=True, least=140),
    Column("broker", 0, least=128),
)
_UNKNOWN, _STANDING, _HOLDING, _ENDED, _OVER = range(5)
"""The order of the rows: what asks for the operator first, then what works."""
_EMPTY = "no entry yet: each order the automation sends, or prepares and does not send, is listed here"


def order_listing(
    orders: Sequence[OrderView],
    now: datetime | None,
    trouble: str = "",
    *,
    is_more: bool = False,
    exits: Sequence[ExitView] = (),
) -> Listing:
    """The rows, each kind newest first: what is unknown, entries that may still change, closing orders that hold units,
    those that have ended as they are given, and the other entries. `trouble` says what is missing and why, `is_more`
    that there are older entries to read.

    `now` is market time; orders of today show their time, older ones their date.
    """
    entries = sorted(orders, key=lambda order: (order.at, order.entry_id), reverse=True)
    holding = sorted((one for one in exits if one.claims), key=lambda one: (one.at, one.exit_id), reverse=True)
    ranked = [
        *((_entry_rank(order), _row(order, now)) for order in entries),
        *((_UNKNOWN if one.state == "unknown" else _HOLDING, _exit_row(one, now)) for one in holding),
        *((_ENDED, _exit_row(one, now)) for one in exits if not one.claims),
    ]
    rows = tuple(row for _, row in sorted(ranked, key=lambda each: each[0]))
    title = "Orders" + (f"  {len(rows)}" if rows else "")
    if is_more:
        title += ", older ones follow"
    if trouble:
        title += f"  {trouble}"
    return Listing(title, _COLUMNS, rows, _EMPTY)


def _entry_rank(order: OrderView) -> int:
    if order_kind(order) is FateKind.UNKNOWN:
        return _UNKNOWN
    return _OVER if is_over(order) else _STANDING


def _exit_row(one: ExitView, now: datetime | None) -> Row:
    is_over = not one.claims
    word = one.state.replace("_", " ")
    tone = tone_of(FateKind(word)) if is_over else Tone.BAD if one.state == "unknown" else Tone.PLAIN
    cells: tuple[Part, ...] = (
        (word.upper(), tone),
        (one.account, Tone.DIM),
        (one.underlying, Tone.PLAIN),
        (one.name, Tone.PLAIN),
        (one.trident_id[:SHORT_ID], Tone.DIM),
        ("", Tone.PLAIN),
        (figures.price(one.debit), Tone.STRONG),
        ("", Tone.PLAIN),
        ("", Tone.PLAIN),
        (one.order_id or figures.NONE, Tone.DIM),
        (figures.when(one.at, now), Tone.DIM),
        ("" if is_over else figures.age(one.age_s), Tone.DIM),
        (f"{one.strikes}  {one.told}", Tone.DIM),
    )
    return Row(one.exit_id, cells)


def _row(order: OrderView, now: datetime | None) -> Row:
    said, kind = order.broker_status or "not heard", order_kind(order)
    why = order.detail if order.fate is None else order.fate.why
    cells: tuple[Part, ...] = (
        ("PARTLY" if kind is FateKind.PARTLY else kind.value.upper(), tone_of(kind)),
        (order.account, Tone.DIM),
        (order.underlying, Tone.PLAIN),
        (order.strikes, Tone.PLAIN),
        (order.entry_id[:SHORT_ID] if order.filled_contracts else "", Tone.DIM),
        (f"{order.expiration:%b} {order.expiration.day}", Tone.PLAIN),
        (figures.price(order.limit), Tone.STRONG),
        (f"{order.filled_contracts} of {order.total_contracts}", Tone.PLAIN),
        (figures.price(order.fill_credit), Tone.PLAIN),
        (order.order_id or figures.NONE, Tone.DIM),
        (figures.when(order.at, now), Tone.DIM),
        ("" if is_over(order) else figures.age(order.age_s), Tone.DIM),
        (f"{said}: {why}" if why else said, Tone.DIM),
    )
    return Row(order.entry_id, cells)
