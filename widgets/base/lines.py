"""Lines of toned text, which panels draw, and functions that make outside text safe and fit it to a width in cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rich.cells import cell_len, set_cell_size


class Tone(StrEnum):
    """The style of a piece of text. It only helps the eye: words carry the meaning."""

    PLAIN = "plain"
    DIM = "dim"
    STRONG = "strong"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    ACCENT = "accent"
    STALE = "stale"
    MODE = "mode"
    PICTURE = "picture"
    GAIN = "gain"
    LOSS = "loss"
    ABOVE = "above"
    BELOW = "below"
    CHOSEN = "chosen"


Part = tuple[str, Tone]
"""A piece of text and its tone."""
Line = tuple[Part, ...]

_SENTENCE_FROM = 24
"""The least width of a column that holds sentences."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a panel shows at one size.

    The first `head` lines stay in place while the rest scrolls. `follow` is the number of the line that is kept in
    sight until the operator scrolls. `note` stands in the lower border while nothing has to scroll.
    """

    title: str
    lines: tuple[Line, ...]
    head: int = 0
    follow: int | None = None
    note: str = ""


def safe(text: str) -> str:
    """Text from outside without what a terminal would obey: control, format and bidi characters become middle dots."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c in "\n\t" else "·" for c in text)


def fit(text: str, width: int) -> str:
    """The text in exactly `width` cells, padded on the right or cut with an ellipsis.

    A sentence is cut after a word, unless that would leave less than two thirds of its room filled. A narrow column is
    cut anywhere.
    """
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    cut = set_cell_size(text, width - 1)
    whole = cut if text[len(cut) : len(cut) + 1] == " " else cut.rpartition(" ")[0]
    if width >= _SENTENCE_FROM and 3 * cell_len(whole.rstrip()) >= 2 * width:
        cut = whole.rstrip()
    return set_cell_size(f"{cut}…", width)


def right(text: str, width: int) -> str:
    """The text right-aligned in `width` cells. Longer text is cut with an ellipsis, so that columns never move."""
    space = width - cell_len(text)
    return " " * space + text if space >= 0 else fit(text, width)


def width_of(line: Line) -> int:
    """The cells that a line takes."""
    return sum(cell_len(text) for text, _ in line)


def beside(left: Line, far: Line, width: int) -> Line:
    """A line of `width` cells: `left` at its left edge, `far` at its right. `left` is cut when both do not fit."""
    room = width - width_of(far)
    cut: list[Part] = []
    for text, tone in left:
        taken = min(cell_len(text), max(0, room - 1))
        if taken < cell_len(text):
            text = fit(text, taken)
        if text:
            cut.append((text, tone))
        room -= cell_len(text)
    return (*cut, (" " * max(1, room), Tone.PLAIN), *far)


def cut(line: Line, width: int) -> Line:
    """The line in at most `width` cells. A longer one ends with an ellipsis: cut without a sign, a figure reads as
    another one. Blanks at its end are no part of it."""
    used = 0
    kept: list[Part] = []
    whole = cell_len("".join(text for text, _ in line).rstrip())
    for text, tone in line:
        size = cell_len(text)
        if whole > width and used + size >= width:
            return (*kept, (set_cell_size(text, max(0, width - used - 1)) + "…"[:width], tone))
        kept.append((text, tone))
        used += size
    return tuple(kept)


def wrap(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` cells, at least one. Breaks between words; cuts a word that is longer."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        while cell_len(word) > width > 0:
            if line:
                lines.append(line)
                line = ""
            piece = word[:width]
            while cell_len(piece) > width:
                piece = piece[:-1]
            piece = piece or word[0]
            lines.append(piece)
            word = word[len(piece) :]
        if not line:
            line = word
        elif cell_len(line) + 1 + cell_len(word) <= width:
            line = f"{line} {word}"
        else:
            lines.append(line)
            line = word
    return [*lines, line] if line or not lines else lines


def flow(parts: Iterable[Part], width: int, gap: str = "  ") -> list[Line]:
    """The parts side by side with `gap` between them, on as many lines as they need."""
    lines: list[list[Part]] = [[]]
    used = 0
    for text, tone in parts:
        size = cell_len(text)
        if lines[-1] and used + len(gap) + size > width:
            lines.append([])
            used = 0
        if lines[-1]:
            lines[-1].append((gap, Tone.PLAIN))
            used += len(gap)
        lines[-1].append((text, tone))
        used += size
    return [tuple(line) for line in lines]


def plain(lines: Sequence[Line]) -> str:
    """The lines as plain text, for copying and tests."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)
