"""A measured figure, and the table of figures that is printed."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

HEADINGS = ("measured", "ours", "base", "ratio", "aim", "")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: our figure and its base from the same run. `met` is None when there is no aim."""

    name: str
    ours: str
    base: str
    ratio: float
    aim: str = ""
    met: bool | None = None


def table(figures: Sequence[Figure]) -> str:
    """The figures as a table of aligned text."""
    words = {True: "met", False: "not met", None: ""}
    rows = [HEADINGS, *((f.name, f.ours, f.base, f"{f.ratio:.2f}", f.aim, words[f.met]) for f in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def percentile(samples: Sequence[float], share: float) -> float:
    """The percentile of the samples at `share` (0 to 1), by linear interpolation."""
    if len(samples) < 2:
        return samples[0]
    return statistics.quantiles(samples, n=1000, method="inclusive")[round(share * 1000) - 1]
