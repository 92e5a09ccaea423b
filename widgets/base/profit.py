"""How profit and loss looks, in the same words and colours in every place: above zero, below zero, or stale."""

from __future__ import annotations

from decimal import Decimal

from widgets.base import format as figures
from widgets.base.lines import Part, Tone

STALE = " STALE"
"""Follows an amount by old quotes where several stand in a line: its tone alone is not seen by everybody."""


def profit_tone(value: Decimal | float | None, *, stale: bool = False) -> Tone:
    """The tone of an amount that may be above or below zero: plain at zero and where it is not known."""
    if value is None:
        return Tone.PLAIN
    if stale:
        return Tone.STALE
    return Tone.ABOVE if value > 0 else Tone.BELOW if value < 0 else Tone.PLAIN


def profit_part(value: Decimal | None, *, before: str = "", after: str = "", stale: bool = False) -> Part:
    """A profit in $ with its sign, in its tone: `+12.50 $`, with words before and after it."""
    return f"{before}{figures.signed_money(value)} ${after}", profit_tone(value, stale=stale)
