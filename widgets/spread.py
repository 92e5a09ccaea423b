"""The panel of the trident being priced, or priced last: its fate, four legs, credits and max risk (rules 2, 6, 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from widgets.base import format as figures
from widgets.base.day_panel import DayPanel
from widgets.base.fates import spread_word, tone_of
from widgets.base.lines import Drawing, Line, Part, Tone, fit, right

if TYPE_CHECKING:
    from core.snapshot import LegView, SpreadSlice

STALE_LEG_S = 30
FLOOR_NOTE = "limit at the natural credit: the offset would go below"


class SpreadPanel(DayPanel["SpreadSlice"]):
    NAME = "Spread"
    EMPTY = "no spread priced yet today"

    def draw(self, value: SpreadSlice, width: int, height: int) -> Drawing:
        lines: list[Line] = [_verdict(value, width), _head(width)]
        name, _ = _columns(width)
        roles = all(len(_what(leg)) + 2 + len(leg.role) <= name for leg in value.legs)  # all of them, or none
        lines += [_leg(leg, width, live=value.live, role=roles) for leg in value.legs]
        lines += _credits(value, width)
        return Drawing(self._title(value), tuple(lines))

    def _title(self, value: SpreadSlice) -> str:
        cycle = "" if value.cycle is None else f"cycle {value.cycle}"
        account, what = (value.account, "") if self.context.several else ("", " trident")
        when = f"{value.expiration:%b} {value.expiration.day} {value.expiration.year}, {value.dte} days"
        words = (self.NAME, cycle, account, f"{value.underlying}{what}", when)
        return "  ".join(word for word in words if word)


def _verdict(value: SpreadSlice, width: int) -> Line:
    """What it came to first, then why, else what its figures are: a narrow panel cuts the end of the line.

    The strikes stand there only where there is room: the legs below have them too. The share of the risk budget is not
    told of an entry that took none of it.
    """
    word, fate = spread_word(value), value.fate
    said = word.upper() if fate is None else fate.words
    note = (value.reason if fate is None else "") or (FLOOR_NOTE if value.floored else "")
    takes_risk = value.utilization is not None and (fate is None or fate.traded or not fate.is_over)
    used = f"  risk {value.utilization:.0%} used" if takes_risk else ""
    told = (f"  {note}",) if note else (f"  {value.strikes}  {_quotes(value)}", f"  {_quotes(value)}")
    for rest, tail in ((told[0], used), (told[-1], used), (told[-1], ""), ("", "")):
        if len(said) + len(rest) + len(tail) <= width:
            break
    else:
        said = fit(said, width)
    if note and not rest:
        rest = fit(told[0], max(0, width - len(said)))
    gap = " " * (width - len(said) - len(rest) - len(tail))
    return ((said, tone_of(word)), (rest + gap, Tone.WARN if note else Tone.DIM), (tail, Tone.DIM))


def _quotes(value: SpreadSlice) -> str:
    """What the legs' figures are; live only when every leg has a quote that is fresh and not crossed."""
    if not value.live:
        return "last priced"
    if any(leg.bid is None or leg.ask is None for leg in value.legs):
        return "waiting for quotes"
    if any(_is_stale(leg) for leg in value.legs):
        return "stale quotes"
    return "crossed quotes" if any(_is_crossed(leg) for leg in value.legs) else "live quotes"


def _is_stale(leg: LegView) -> bool:
    return leg.age_s is not None and leg.age_s > STALE_LEG_S


def _is_crossed(leg: LegView) -> bool:
    return leg.crossed or (leg.bid is not None and leg.ask is not None and leg.bid > leg.ask)


def _columns(width: int) -> tuple[int, int]:
    """The width of the first column, and of each of the four columns of figures: the same for legs and credits."""
    figure = 12 if width >= 76 else 10 if width >= 52 else 8
    return max(8, min(30, width - 4 * figure)), figure


def _head(width: int) -> Line:
    name, figure = _columns(width)
    return ((fit("leg", name) + "".join(right(text, figure) for text in ("bid", "ask", "mid", "age")), Tone.DIM),)


def _what(leg: LegView) -> str:
    verb = leg.action.split(" ")[0].lower()  # sell to open -> sell
    return f"{verb:<4} {leg.quantity} {figures.strike(leg.strike)}{leg.right[:1].upper()}"


def _leg(leg: LegView, width: int, *, live: bool, role: bool) -> Line:
    """One leg. Its age is shown for live quotes, and when it is stale: the age at a past pricing says nothing now.

    A crossed leg has no mid.
    """
    name, figure = _columns(width)
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


def _credits(value: SpreadSlice, width: int) -> list[Line]:
    """The credit in $ per share and the max risk in $ per trident, at natural, mid, limit and fill."""
    label, figure = _columns(width)
    heads = "".join(right(text, figure) for text in ("natural", "mid", "limit", "fill"))
    credit = (value.natural, value.mid, value.limit, value.fill_credit)
    risk = (value.max_risk_natural, value.max_risk_mid, value.max_risk_limit, value.max_risk_fill)
    offset = "" if value.offset is None else f"offset {figures.price(value.offset)}"
    return [
        ((fit(offset, label), Tone.DIM), (heads, Tone.DIM)),
        (("credit".ljust(label), Tone.DIM), *((right(figures.price(x), figure), Tone.STRONG) for x in credit)),
        (("max risk $".ljust(label), Tone.DIM), *((right(figures.dollars(x), figure), Tone.STRONG) for x in risk)),
    ]
