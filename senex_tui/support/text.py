"""Text for a terminal of 80 columns: tables whose last column wraps, and outside words made safe."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

COLUMNS = 80
_GAP = "  "
_NARROWEST = 20


def safe(text: str) -> str:
    """Outside text on one line, without anything a terminal would obey."""
    return "".join(c if c.isprintable() else " " if c in "\n\t" else "·" for c in text)


def hanging(head: str, text: str, columns: int = COLUMNS) -> list[str]:
    """The text after its head, wrapped so that it stays right of the head."""
    width = max(_NARROWEST, columns - len(head))
    first, *rest = wrap(text, width, break_long_words=True, break_on_hyphens=False) or [""]
    return [f"{head}{first}".rstrip(), *(f"{' ' * len(head)}{line}" for line in rest)]


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[str] = frozenset()) -> list[str]:
    """Aligned columns; the last one takes what is left of the line and wraps. `right` names those aligned right."""
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads) - 1)]
    lines: list[str] = []
    for row in (heads, *rows):
        cells = [
            cell.rjust(width) if head in right else cell.ljust(width)
            for head, cell, width in zip(heads, row, widths, strict=False)
        ]
        lines += hanging(_GAP.join([*cells, ""]), row[-1])
    return lines
