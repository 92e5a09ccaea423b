"""Text for a terminal of 80 columns or a spreadsheet: tables whose last column wraps, and outside words made safe."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

COLUMNS = 80
LABEL = 12
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_GAP = "  "
_NARROWEST = 20


def safe(text: str) -> str:
    """Text from outside on one line, without any character that would steer a terminal."""
    return "".join(c if c.isprintable() else " " if c in "\n\t" else "·" for c in text)


def one_line(text: str) -> str:
    """Text from outside on one line, with a space for every character that cannot be printed."""
    return "".join(c if c.isprintable() else " " for c in text)


def harmless(text: str) -> str:
    """The text as a cell of CSV that no spreadsheet takes for a formula; a number stays a number."""
    is_number = text.lstrip("+-").replace(".", "", 1).isdigit()
    return f"'{text}" if text.startswith(_FORMULA) and not is_number else text


def hanging(head: str, text: str, columns: int = COLUMNS) -> list[str]:
    """The head and after it the text, wrapped so that its further lines stay right of the head."""
    width = max(_NARROWEST, columns - len(head))
    first, *rest = wrap(text, width, break_long_words=True, break_on_hyphens=False) or [""]
    return [f"{head}{first}".rstrip(), *(f"{' ' * len(head)}{line}" for line in rest)]


def labelled(label: str, text: str) -> str:
    """A line with a label before it, as wide as the labels of the lines above and below."""
    return f"{label:<{LABEL}}{safe(text)}".rstrip()


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[str] = frozenset()) -> list[str]:
    """Lines with aligned columns under `heads`. The last column takes what is left of the line and wraps; `right` names
    the columns that are aligned right. A cell stays on its line, whatever it holds."""
    rows = [[safe(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads) - 1)]
    lines: list[str] = []
    for row in (heads, *rows):
        cells = [
            cell.rjust(width) if head in right else cell.ljust(width)
            for head, cell, width in zip(heads, row, widths, strict=False)
        ]
        lines += hanging(_GAP.join([*cells, ""]), row[-1])
    return lines
