"""What every line passes on its way to the terminal, borders and scrollbars included: made safe, and ASCII if asked.

A character takes as many cells afterwards as before.
"""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from core.domain.operation.ascii import ascii_look


@lru_cache(4096)
def ascii_of(text: str) -> str:
    """The text in ASCII. A character without a counterpart becomes a question mark for each of its cells."""
    text = ascii_look(text)
    return text if text.isascii() else "".join(c if c.isascii() else "?" * cell_len(c) for c in text)


def harmless(text: str) -> str:
    """The text without any character that a terminal obeys: a middle dot for one that takes a cell, else nothing."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c.isspace() and cell_len(c) else "·" * cell_len(c) for c in text)


class SafeFilter(LineFilter):
    """Lets no word from outside steer the terminal. Textual's own sequences are no text and pass."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if all(text.isprintable() for text, _, control in segments if not control):
            return segments
        return [
            segment if segment.control else Segment(harmless(segment.text), segment.style, None) for segment in segments
        ]


class AsciiFilter(LineFilter):
    """Makes every line ASCII."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(ascii_of(text), style, control) for text, style, control in segments]
