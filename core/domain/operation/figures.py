"""The figures of refusals and events, and how each is worded in a sentence (rules 12)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from core.domain.operation import amounts, times

FigureValue = str | int | bool | Decimal | date | datetime | None
Figures = tuple[tuple[str, FigureValue], ...]

_PER_SHARE = frozenset(
    {
        *("credit", "limit", "natural", "mid", "price", "bid", "ask", "value"),
        *("natural_credit", "mid_credit", "raw", "offset"),
    }
)
_DOLLARS = frozenset({"max_risk", "budget", "buying_power", "capital", "open_risk"})
"""Their sentences say the unit themselves."""
_SCORES = frozenset({"score", "needed", "minimum"})
_RATIOS = frozenset({"utilization"})
_COUNTED = {"days": "day", "count": "daily candle"}
"""Numbers of things, and one of the things. Their sentences leave the word to the number: `1 day`, `2 days`."""


def filled(sentence: str, figures: Iterable[tuple[str, FigureValue]]) -> str:
    """The sentence with the figures in the places that have their names. One that is missing shows as a question mark:
    a sentence must not fail."""
    return sentence.format_map(_Shown((name, figure_words(name, value)) for name, value in figures))


class _Shown(dict[str, str]):
    """Figures as text."""

    def __missing__(self, key: str) -> str:
        return "?"


def figure_words(name: str, value: FigureValue) -> str:
    """The figure of this name as text, in the format of what it means (rules 12): an instant in ET, a number with the
    places of its kind. Words from outside have no full stop of their own: the sentence goes on."""
    if value is None:
        return "none"
    if isinstance(value, int) and name in _COUNTED:
        return amounts.counted(value, _COUNTED[name])
    if isinstance(value, datetime):
        return f"{times.minute(value)} ET"
    if not isinstance(value, Decimal):
        return str(value).rstrip(". ") or str(value)
    if name in _PER_SHARE:
        return amounts.credit(value)
    if name in _DOLLARS:
        return amounts.money(value)
    if name in _RATIOS:
        return amounts.ratio(value)
    return amounts.score(value) if name in _SCORES else amounts.plain(value)
