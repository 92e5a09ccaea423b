"""The list of the orders: each one's fate, what was ordered, what has filled, and the broker's word (rules 9)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from core.domain.orders.fate import FateKind
from widgets.base import format as figures
from widgets.base.fates import is_over, order_kind, tone_of
from widgets.base.lines import Part, Tone
from widgets.base.list_panel import Column, Listing, Row

if TYPE_CHECKING:
    from core.snapshot import ExitView, OrderView

_COLUMNS = (
    Column("state", 9),
    Column("acct", 5),
    Column("und", 3, least=66),
    Column("strikes", 23),
    Column("expires", 7, least=91),
    Column("limit", 5, is_right=True),
    Column("filled", 6, is_right=True),
    Column("fill", 5, is_right=True, least=78),
    Column("order", 12, least=102),
    Column("sent", 6, least=71),
    Column("age", 4, is_right=True, least=130),
    Column("broker", 0, least=114),
)
_EMPTY = "no entry yet: each order the automation sends, or prepares and does not send, is listed here"


def order_listing(
    orders: Sequence[OrderView],
    now: datetime | None,
    trouble: str = "",
    *,
    is_more: bool = False,
    exits: Sequence[ExitView] = (),
) -> Listing:
    """The rows: closing orders first, as they are given, then entries, newest first. `trouble` says what is missing and
    why, `is_more` that there are older entries to read.

    `now` is market time; orders of today show their time, older ones their date.
    """
    ordered = sorted(orders, key=lambda order: (order.at, order.entry_id), reverse=True)
    count = len(ordered) + len(exits)
    title = "Orders" + (f"  {count}" if count else "")
    if is_more:
        title += ", older ones follow"
    if trouble:
        title += f"  {trouble}"
    rows = (*(_exit_row(one, now) for one in exits), *(_row(order, now) for order in ordered))
    return Listing(title, _COLUMNS, rows, _EMPTY)


def _exit_row(one: ExitView, now: datetime | None) -> Row:
    is_over = not one.claims
    word = one.state.replace("_", " ")
    tone = tone_of(FateKind(word)) if is_over else Tone.BAD if one.state == "unknown" else Tone.PLAIN
    cells: tuple[Part, ...] = (
        (word.upper(), tone),
        (one.account, Tone.DIM),
        (one.underlying, Tone.PLAIN),
        (one.name, Tone.PLAIN),
        ("", Tone.PLAIN),
        (figures.price(one.debit), Tone.STRONG),
        ("", Tone.PLAIN),
        ("", Tone.PLAIN),
        (one.order_id or figures.NONE, Tone.DIM),
        (figures.when(one.at, now), Tone.DIM),
        ("" if is_over else figures.age(one.age_s), Tone.DIM),
        (one.told, Tone.DIM),
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
