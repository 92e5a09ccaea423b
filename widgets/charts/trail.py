"""Two pictures of one row for a price: the bars of its last minutes, and its place in the day's range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from widgets.base import format as figures
from widgets.base.lines import Line, Tone, width_of
from widgets.charts.plot import axis_label, places_of, round_step

BAR_S = 60
"""Each bar is the last price of a minute of market time, so that the bars stand still until the next minute."""
_BARS = "▁▂▃▄▅▆▇█"
_STEPS = 4
"""About how many steps the scale has from the lowest to the highest bar. It moves by whole steps only."""
_LEAST_REACH = 0.0005
"""The scale reaches at least this share of the price: a price that hardly moves does not fill the row."""
_FEWEST, _MOST = 4, 60
_FEWEST_RAIL = 5
_SIGNS = ("╶", "─", "●", "╴")
_ASCII_SIGNS = ("[", "-", "#", "]")


def sparkline(path: Sequence[tuple[int, float]], width: int) -> Line:
    """The last minutes of a path of seconds and prices as bars, and the ends of their scale: `▁▃▆ 596.5 - 597.5`.

    Empty without a price, or where no `_FEWEST` bars fit. A minute without a price is a gap.
    """
    if not path:
        return ()
    newest = path[-1][0] // BAR_S
    count = min(_MOST, width)
    while True:  # a longer scale leaves room for fewer bars, which need no longer scale
        bars = {second // BAR_S: price for second, price in path if second // BAR_S > newest - count}
        low, high, places = scale(min(bars.values()), max(bars.values()))
        ends = f" {axis_label(low, places)} - {axis_label(high, places)}"
        room = min(_MOST, width - len(ends))
        if room >= count:
            break
        if room < _FEWEST:
            return ()
        count = room
    row = "".join(
        " " if minute not in bars else _BARS[min(7, int((bars[minute] - low) / (high - low) * 8))]
        for minute in range(newest - count + 1, newest + 1)
    )
    return ((row, Tone.PICTURE), (ends, Tone.DIM))


def scale(low: float, high: float) -> tuple[float, float, int]:
    """The ends of a scale around these prices in round steps, and the decimal places that its ends need."""
    span = max(high - low, abs(high) * _LEAST_REACH, 0.04)
    step = round_step(span / _STEPS)
    first, last = math.floor(low / step), math.floor(high / step) + 1
    while (last - first) * step < span:
        last += 1
        first -= (last - first) * step < span
    return first * step, last * step, places_of((step,))


def day_range(price: Decimal | None, low: Decimal | None, high: Decimal | None, width: int, *, ascii: bool) -> Line:
    """Where the price stands between the day's low and high: `6,697.56 ╶───●──╴ 6,733.60`. Empty where it does not
    fit or is not known."""
    if price is None or low is None or high is None or high <= low:
        return ()
    ends = ((f"{figures.price(low)} ", Tone.PLAIN), (f" {figures.price(high)}", Tone.PLAIN))
    room = min(_MOST, width - width_of(ends))
    if room < _FEWEST_RAIL:
        return ()
    first, rail, here, last = _ASCII_SIGNS if ascii else _SIGNS
    place = int(min(max((price - low) / (high - low), Decimal(0)), Decimal(1)) * (room - 3)) + 1
    return (
        ends[0],
        (first + rail * (place - 1), Tone.PICTURE),
        (here, Tone.STRONG),
        (rail * (room - 2 - place) + last, Tone.PICTURE),
        ends[1],
    )
