"""The trident being priced, or priced last: its fate, four legs, credits and max risk (rules 2, 6, 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from widgets.base import format as figures
from widgets.base.fates import spread_word, tone_of
from widgets.base.lines import Drawing, Line, Tone, fit, right
from widgets.legs import columns, leg_rows, quotes_word

if TYPE_CHECKING:
    from core.snapshot import SpreadSlice

NAME = "Spread"
FLOOR_NOTE = "limit at the natural credit: the offset would go below"


def spread_drawing(value: SpreadSlice, width: int, *, several: bool = False) -> Drawing:
    """The spread in so many cells. `several`: its account is named, because more than one took part."""
    lines = [_verdict(value, width), *leg_rows(value.legs, width, live=value.live), *_credits(value, width)]
    return Drawing(_title(value, several=several), tuple(lines))


def _title(value: SpreadSlice, *, several: bool) -> str:
    cycle = "" if value.cycle is None else f"cycle {value.cycle}"
    account, what = (value.account, "") if several else ("", " trident")
    when = f"{value.expiration:%b} {value.expiration.day} {value.expiration.year}, {value.dte} days"
    words = (NAME, cycle, account, f"{value.underlying}{what}", when)
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
    quotes = quotes_word(value.legs) if value.live else "last priced"
    told = (f"  {note}",) if note else (f"  {value.strikes}  {quotes}", f"  {quotes}")
    for rest, tail in ((told[0], used), (told[-1], used), (told[-1], ""), ("", "")):
        if len(said) + len(rest) + len(tail) <= width:
            break
    else:
        said = fit(said, width)
    if note and not rest:
        rest = fit(told[0], max(0, width - len(said)))
    gap = " " * (width - len(said) - len(rest) - len(tail))
    return ((said, tone_of(word)), (rest + gap, Tone.WARN if note else Tone.DIM), (tail, Tone.DIM))


def _credits(value: SpreadSlice, width: int) -> list[Line]:
    """The credit in $ per share and the max risk in $ per trident, at natural, mid, limit and fill."""
    label, figure = columns(width)
    heads = "".join(right(text, figure) for text in ("natural", "mid", "limit", "fill"))
    credit = (value.natural, value.mid, value.limit, value.fill_credit)
    risk = (value.max_risk_natural, value.max_risk_mid, value.max_risk_limit, value.max_risk_fill)
    offset = "" if value.offset is None else f"offset {figures.price(value.offset)}"
    return [
        ((fit(offset, label), Tone.DIM), (heads, Tone.DIM)),
        (("credit".ljust(label), Tone.DIM), *((right(figures.price(x), figure), Tone.STRONG) for x in credit)),
        (("max risk $".ljust(label), Tone.DIM), *((right(figures.dollars(x), figure), Tone.STRONG) for x in risk)),
    ]
