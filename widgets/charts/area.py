"""The area between a curve and zero, in braille dots: two columns and four rows of them a cell."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

BRAILLE = 0x2800
DOT_ROWS = 4
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The bits of a cell's left and right dots, from the top."""


@dataclass(slots=True)
class AreaCell:
    """A cell of the area: its dots, whether it is above zero, and whether the curve goes through it."""

    dots: int = 0
    is_gain: bool = True
    is_edge: bool = False

    @property
    def sign(self) -> str:
        return chr(BRAILLE + self.dots)


def area(shares: Sequence[float], rows: int, zero: int) -> dict[tuple[int, int], AreaCell]:
    """The cells of the area by row and column. `shares` has two heights a column, from 0 at the lowest row to 1 at the
    highest. The row `zero` itself, counted from the top, stays free."""
    cells: dict[tuple[int, int], AreaCell] = {}
    for number, share in enumerate(shares):
        dot = round((1 - share) * (DOT_ROWS * rows - 1))  # counted from the top, as the rows are
        above, below = range(dot, DOT_ROWS * zero), range(DOT_ROWS * (zero + 1), dot + 1)
        for each in (*above, *below):
            cell = cells.setdefault((each // DOT_ROWS, number // 2), AreaCell(is_gain=each < DOT_ROWS * zero))
            cell.dots |= _DOTS[number % 2][each % DOT_ROWS]
            cell.is_edge |= each // DOT_ROWS == dot // DOT_ROWS
    return cells


def height_at(points: Sequence[tuple[float, float]], x: float) -> float:
    """The height at `x` of a line through the points, which are in the order of their x."""
    after = min(max(bisect_right(points, x, key=lambda point: point[0]), 1), len(points) - 1)
    (x0, y0), (x1, y1) = points[after - 1], points[after]
    return y0 if x1 == x0 else y0 + (y1 - y0) * (x - x0) / (x1 - x0)
