"""Draws a picture in cells. plotext draws the curves; frame, levels, marks and words are placed here."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len

from widgets.base.lines import Line, Part, Tone, flow
from widgets.base.profit import profit_tone
from widgets.charts.area import area, height_at

Point = tuple[float, float]
Range = tuple[float, float]

_UNICODE = {
    "curve": "braille",
    "dots": "·",
    "level": "╌",
    "upright": "┊",
    "side": "│",
    "tick": "┤",
    "corner": "└",
    "floor": "─",
    "under": "┬",
    "bar": "█",
    "gain": "░",
    "loss": "▒",
}
_ASCII = {
    "curve": "*",
    "gain": ":",
    "loss": "=",
    "dots": ".",
    "level": "-",
    "upright": ":",
    "side": "|",
    "tick": "+",
    "corner": "+",
    "floor": "-",
    "under": "+",
    "bar": "#",
}
ENOUGH = 6
"""The rows of a picture, its floor among them, for which words give way."""
SMALLEST = (16, 4)
"""The fewest columns and rows that a picture needs to be readable."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The values at the first and last column (`x`), and at the lowest and highest row (`y`)."""

    x: Range
    y: Range


class Plot:
    """One picture of `width` x `height` cells: y labels at the left, below it the floor with its marks and x labels.

    What is drawn later covers what was drawn before. With `ascii` it draws ASCII alone; the texts handed in must be
    ASCII then too.
    """

    def __init__(self, width: int, height: int, scale: Scale, *, ascii: bool = False) -> None:
        self._is_ascii = ascii
        self._glyphs = _ASCII if ascii else _UNICODE
        self._scale = scale
        self.rows = height - 2
        steps = round_steps(*scale.y, max(3, self.rows // 2))
        places = places_of(steps)
        self._labels = {self.row(value): axis_label(value, places) for value in steps}
        self._margin = max((len(label) for label in self._labels.values()), default=0)
        self.columns = max(1, width - self._margin - 1)
        self._cells: dict[tuple[int, int], Part] = {}
        self._floor: dict[int, Part] = {}
        self._under: list[str] = [" "] * self.columns
        self._ticks: set[int] = set()

    def column(self, x: float) -> int:
        """The column of a value, counted from the left. A value outside the scale gets the column at the edge."""
        return round(_share(x, self._scale.x) * (self.columns - 1))

    def row(self, y: float) -> int:
        """The row of a value, counted from the top. A value outside the scale gets the row at the edge."""
        return self.rows - 1 - round(_share(y, self._scale.y) * (self.rows - 1))

    def curve(self, points: Sequence[Point], tone: Tone, *, dots: bool = False) -> None:
        """Draws a line through the points in their order, or a single point."""
        if points:
            marker = self._glyphs["dots" if dots else "curve"]
            drawn = _plotext(_thinned(points, 2 * self.columns), self.columns, self.rows, self._scale, marker)
            for y, row in enumerate(drawn):
                for x, character in enumerate(row):
                    if character != " ":
                        self._cells[y, x] = (character, tone)

    def area(self, points: Sequence[Point]) -> None:
        """Draws the line of zero, and fills what is between it and the points, in other tones above than below.

        The area's edge is the curve. Where the curve runs in the row of zero, the line has the tone of its side.
        """
        low, high = self._scale.x
        steps, zero = 2 * self.columns, self.row(0.0)
        heights = [height_at(points, low + (high - low) * n / (steps - 1)) for n in range(steps)]
        for x, height in enumerate(heights[::2]):
            runs_here = self.row(height) == zero and height != 0
            self._cells[zero, x] = (self._glyphs["level"], profit_tone(height) if runs_here else Tone.DIM)
        for place, cell in area([_share(y, self._scale.y) for y in heights], self.rows, zero).items():
            edge, inside = (Tone.ABOVE, Tone.GAIN) if cell.is_gain else (Tone.BELOW, Tone.LOSS)
            name = "curve" if cell.is_edge else "gain" if cell.is_gain else "loss"
            sign = self._glyphs[name] if self._is_ascii else cell.sign
            self._cells[place] = (sign, edge if cell.is_edge else inside)

    def level(self, y: float, tone: Tone, begin: float | None = None, end: float | None = None) -> None:
        """Draws a dashed horizontal line at a value, from `begin` to `end` where they are given."""
        first = 0 if begin is None else self.column(begin)
        last = self.columns - 1 if end is None else self.column(end)
        for x in range(first, last + 1):
            self._cells[self.row(y), x] = (self._glyphs["level"], tone)

    def upright(self, x: float, tone: Tone) -> None:
        """Draws a dotted vertical line at a value."""
        for y in range(self.rows):
            self._cells[y, self.column(x)] = (self._glyphs["upright"], tone)

    def write(self, x: float, y: float, text: str, tone: Tone) -> None:
        """Writes a text that ends at this place; it is moved to stay inside the picture."""
        last = min(self.columns - 1, max(self.column(x), len(text) - 1))
        for number, character in enumerate(text[-self.columns :], last - min(len(text), self.columns) + 1):
            self._cells[self.row(y), number] = (character, tone)

    def mark(self, x: float, sign: str, tone: Tone) -> None:
        """Puts a sign on the floor, with a gap at both sides: a `-` on the line would not be seen."""
        place = self.column(x)
        for beside in (place - 1, place + 1):
            self._floor.setdefault(beside, (" ", Tone.PLAIN))
        self._floor[place] = (sign, tone)

    def tick(self, x: float, label: str) -> None:
        """Writes a label under the floor, centred. One that would touch an earlier label is left out."""
        middle = self.column(x)
        first = min(max(0, middle - len(label) // 2), self.columns - len(label))
        around = self._under[max(0, first - 1) : first + len(label) + 1]
        if first >= 0 and not "".join(around).strip():
            self._under[first : first + len(label)] = label
            self._ticks.add(middle)

    def lines(self) -> list[Line]:
        """The rows of the picture, from the top."""
        glyphs, margin = self._glyphs, self._margin
        drawn: list[Line] = []
        for y in range(self.rows):
            side = "tick" if y in self._labels else "side"
            left: Part = (self._labels.get(y, "").rjust(margin) + glyphs[side], Tone.DIM)
            drawn.append((left, *runs(self._cells.get((y, x), (" ", Tone.PLAIN)) for x in range(self.columns))))
        floor = [
            self._floor.get(x, (glyphs["under" if x in self._ticks else "floor"], Tone.DIM))
            for x in range(self.columns)
        ]
        drawn.append(((" " * margin + glyphs["corner"], Tone.DIM), *runs(floor)))
        drawn.append(((" " * (margin + 1) + "".join(self._under), Tone.DIM),))
        return drawn


def reach(values: Iterable[float], room: float = 0.06) -> Range:
    """The range from the least to the greatest value, with some room at both ends; never empty."""
    known = list(values)
    low, high = min(known), max(known)
    more = (high - low) * room or max(abs(high) * 0.001, 0.05)
    return low - more, high + more


def both_sides(of: Range, rows: int) -> Range:
    """The range with zero off its edges: what is gained and what is lost, however little beside the other, each have a
    row of their own in a picture of so many rows."""
    low, high = of
    if rows < 3:
        return of
    least = max(-low, high) / (rows - 2)
    return min(low, -least) if low < 0 else low, max(high, least) if high > 0 else high


def round_steps(low: float, high: float, most: int) -> list[float]:
    """Round values between `low` and `high`: about `most` at most, one at least."""
    step = round_step((high - low) / max(1, most))
    first, last = math.ceil(low / step), math.floor(high / step)
    return [number * step for number in range(first, last + 1)] or [low]


def round_step(least: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is not below this."""
    power = 10.0 ** math.floor(math.log10(least))
    return next((power * n for n in (1, 2, 5) if power * n >= least), power * 10)


def places_of(values: Sequence[float]) -> int:
    """The decimal places needed to show the values exactly, two at most."""
    cents = [round(value, 2) for value in values]
    return next((places for places in (0, 1) if [round(value, places) for value in values] == cents), 2)


def axis_label(value: float, places: int) -> str:
    """A round value of a scale, with so many decimal places."""
    return f"{value:,.{places}f}"


def runs(parts: Iterable[Part]) -> list[Part]:
    """The same text with neighbouring parts of one tone joined."""
    joined: list[Part] = []
    for text, tone in parts:
        if joined and joined[-1][1] is tone:
            joined[-1] = (joined[-1][0] + text, tone)
        else:
            joined.append((text, tone))
    return joined


def with_words(
    words: Sequence[Part],
    width: int,
    height: int,
    paint: Callable[[int, int], Sequence[Line]],
    gives_way: Sequence[Part] = (),
) -> tuple[Line, ...]:
    """A picture with its figures in words: beside it where there is room, otherwise above. The words stay, but for
    those of `gives_way`, in their order, where the picture would have fewer than `ENOUGH` rows.

    `paint` draws the picture in a number of columns and rows.
    """
    aside = max((cell_len(text) for text, _ in words), default=0) + 2
    if width >= 64 + aside and height >= max(8, len(words)):
        rows = [*paint(width - aside, height)]
        return tuple((*row, ("  ", Tone.PLAIN), words[y]) if y < len(words) else row for y, row in enumerate(rows))
    above, least = flow(words, width), [*words]
    for part in gives_way:
        if height - len(above) < ENOUGH:
            least.remove(part)
            above = flow(least, width)
    rest = height - len(above)
    if rest < SMALLEST[1] or width < SMALLEST[0]:
        return tuple(above)
    return (*above, *paint(width, rest))


def _share(value: float, between: Range) -> float:
    low, high = between
    return min(1.0, max(0.0, (value - low) / (high - low)))


def _thinned(points: Sequence[Point], most: int) -> Sequence[Point]:
    """At most about `most` points, picked evenly, the last among them."""
    every = -(-len(points) // most)
    return points if every <= 1 else [*points[:-1:every], points[-1]]


def _plotext(points: Sequence[Point], columns: int, rows: int, scale: Scale, marker: str) -> list[str]:
    """One curve as rows of characters and blanks. Imports plotext on first use."""
    import plotext

    # plotext draws on one global figure and clamps it to the terminal unless told not to.
    figure: Any = plotext.figure
    plotext.terminal.limit(False, False)
    figure.clear.all()
    figure.plot_size(columns, rows)
    figure.theme("colorless")
    figure.axes(False)
    for name, side, (low, high) in (("x", "lower", scale.x), ("y", "left", scale.y)):
        figure.ruler(name, side).ticks([], [])
        figure.ruler(name, side).lim(low, high)
    signal = figure.signal([x for x, _ in points], [y for _, y in points], marker=marker)
    signal.lines()
    figure.draw(signal)
    drawn: list[str] = figure.build().string(colorless=True).splitlines()
    return drawn
