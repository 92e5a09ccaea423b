"""The rows of a trident's legs, the same for one that is priced and one that is held (rules 6, 7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from widgets.base import format as figures
from widgets.base.lines import Line, Part, Tone, fit, right

if TYPE_CHECKING:
    from core.snapshot import LegView

STALE_LEG_S = 30


def leg_rows(legs: Sequence[LegView], width: int, *, live: bool) -> list[Line]:
    """A row of titles, then the legs. Their ages are shown for live quotes, and where stale: the age at a past pricing
    says nothing now."""
    name, _ = columns(width)
    roles = all(len(_what(leg)) + 2 + len(leg.role) <= name for leg in legs)  # all of them, or none
    return [_head(width), *(_leg(leg, width, live=live, role=roles) for leg in legs)]


def quotes_word(legs: Sequence[LegView]) -> str:
    """What the legs' figures are; live only when every leg has a quote that is fresh and not crossed."""
    if any(leg.bid is None or leg.ask is None for leg in legs):
        return "waiting for quotes"
    if any(_is_stale(leg) for leg in legs):
        return "stale quotes"
    return "crossed quotes" if any(_is_crossed(leg) for leg in legs) else "live quotes"


def columns(width: int) -> tuple[int, int]:
    """The width of the first column, and of each of the four columns of figures: the same for legs and credits."""
    figure = 12 if width >= 76 else 10 if width >= 52 else 8
    return max(8, min(30, width - 4 * figure)), figure


def _is_stale(leg: LegView) -> bool:
    return leg.age_s is not None and leg.age_s > STALE_LEG_S


def _is_crossed(leg: LegView) -> bool:
    return leg.crossed or (leg.bid is not None and leg.ask is not None and leg.bid > leg.ask)


def _head(width: int) -> Line:
    name, figure = columns(width)
    return ((fit("leg", name) + "".join(right(text, figure) for text in ("bid", "ask", "mid", "age")), Tone.DIM),)


def _what(leg: LegView) -> str:
    verb = leg.action.split(" ")[0].lower()  # sell to open -> sell
    column = 5 if verb in ("short", "long") else 4
    return f"{verb:<{column}} {leg.quantity} {figures.strike(leg.strike)}{leg.right[:1].upper()}"


def _leg(leg: LegView, width: int, *, live: bool, role: bool) -> Line:
    """One leg. A crossed one has no mid."""
    name, figure = columns(width)
    label = f"{_what(leg)}  {leg.role}" if role else _what(leg)
    stale, crossed = _is_stale(leg), _is_crossed(leg)
    tone = Tone.STALE if stale else Tone.PLAIN
    word = f"STALE {figures.age(leg.age_s)}" if stale else figures.age(leg.age_s) if live else ""
    word = "CROSSED" if crossed and not stale else word
    # The padding is its own part: a stale figure is struck through, the space before it is not.
    cells: list[Part] = []
    for text in (figures.price(x) for x in (leg.bid, leg.ask, None if crossed else leg.mid)):
        cells += [(" " * max(0, figure - len(text)), Tone.PLAIN), (text, tone)]
    bad = stale or crossed
    return ((fit(label, name), Tone.PLAIN), *cells, (right(word, figure), Tone.BAD if bad else Tone.DIM))
