"""The list of the tridents, newest first: the open ones as they are now, then those that have ended (rules 7, 15)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.domain.operation.amounts import realized_money
from core.domain.orders.way_out import SHORT_ID
from core.domain.positions.trident_words import TridentWord
from core.snapshot import Freshness
from widgets.base import format as figures
from widgets.base.lines import Part, Tone
from widgets.base.list_panel import Column, Listing, Row
from widgets.base.profit import profit_tone
from widgets.positions import summary

if TYPE_CHECKING:
    from datetime import date, datetime

    from core.snapshot import EndedTrident, PositionsSlice, PositionView

_STATE = 15
_ASKS = frozenset(
    word.value
    for word in (TridentWord.BROKEN, TridentWord.FOREIGN_CLOSE, TridentWord.ADJUSTED, TridentWord.NOT_MANAGED)
)
"""The states that ask for the operator."""
_COLUMNS = (
    Column("", 1),
    Column("opened", 6, least=100),
    Column("und", 3),
    Column("strikes", 23),
    Column("expires", 7, least=88),
    Column("days", 5, is_right=True),
    Column("acct", 5, least=64),
    Column("credit", 6, is_right=True, least=120),
    Column("mark", 6, is_right=True, least=120),
    Column("P&L", 10, is_right=True),
    Column("state", _STATE, least=76),
    Column("id", SHORT_ID, least=103),
    Column("what comes next, or how it ended", 0, least=150),
)
_EMPTY = "no trident yet: each entry that is filled is listed here, with what it is worth and what closes it"


def trident_listing(
    open_now: PositionsSlice,
    ended: Sequence[EndedTrident],
    now: datetime | None,
    *,
    trouble: str = "",
    is_more: bool = False,
) -> Listing:
    """The rows: the open tridents, then those that have ended, each newest first. `trouble` says why ended ones are
    missing, `is_more` that there are older ones to read. `now` is market time."""
    newest_first = sorted(open_now.open, key=lambda view: view.newest_first)
    over = sorted(ended, key=lambda one: (one.opened_at, one.trident_id), reverse=True)
    title = summary(open_now) or "Tridents  none open"
    if ended:
        title += f"  {len(ended)}{'+' * is_more} ended"
    title = "  ".join(filter(None, (open_now.trouble, title, trouble and f"ended ones not read: {trouble}")))
    rows = (*(_open_row(view, now) for view in newest_first), *(_ended_row(one, now) for one in over))
    return Listing(title, _COLUMNS, rows, _EMPTY)


def _open_row(view: PositionView, now: datetime | None) -> Row:
    exits = view.exits
    state, following = ("open", "") if exits is None else (exits.state, exits.next)
    watched = view.differs or next(iter(view.warnings), "")
    cells: tuple[Part, ...] = (
        ("▲" if watched else "", Tone.WARN),
        ("" if view.opened_at is None else figures.when(view.opened_at, now), Tone.DIM),
        (view.underlying, Tone.PLAIN),
        (view.strikes, Tone.STRONG),
        (_day(view.expiration), Tone.PLAIN),
        ("today" if view.dte == 0 else str(view.dte), Tone.WARN if view.warnings else Tone.PLAIN),
        (view.account, Tone.DIM),
        (figures.price(view.credit), Tone.PLAIN),
        (figures.price(view.mark_mid), Tone.PLAIN),
        (figures.signed_money(view.profit_mid), profit_tone(view.profit_mid, stale=view.freshness is Freshness.STALE)),
        (state, Tone.WARN if state in _ASKS else Tone.PLAIN),
        (view.entry_id[:SHORT_ID], Tone.DIM),
        (following or watched, Tone.DIM),
    )
    return Row(view.entry_id, cells)


def _ended_row(one: EndedTrident, now: datetime | None) -> Row:
    how = "; ".join(filter(None, (one.how, one.besides)))
    short = one.besides or one.how
    tone = Tone.WARN if one.besides else Tone.DIM
    cells: tuple[Part, ...] = (
        ("", Tone.DIM),
        (figures.when(one.opened_at, now), Tone.DIM),
        (one.underlying, Tone.DIM),
        (one.strikes, Tone.DIM),
        (_day(one.expiration), Tone.DIM),
        ("ended", Tone.DIM),
        (one.account, Tone.DIM),
        (figures.price(one.credit), Tone.DIM),
        ("", Tone.DIM),
        (realized_money(one.realized, estimated=one.estimated), profit_tone(one.realized)),
        (short if len(short) <= _STATE else "see its story" if one.besides else "in several ways", tone),
        (one.trident_id[:SHORT_ID], Tone.DIM),
        (how, tone),
    )
    return Row(one.trident_id, cells)


def _day(day: date) -> str:
    return f"{day:%b} {day.day}"
