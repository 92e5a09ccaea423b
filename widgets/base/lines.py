"""Lines of toned text: what a panel draws, and how outside text is made safe and fitted to a width in cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rich.cells import cell_len, set_cell_size


class Tone(StrEnum):
    """How a piece of text is styled. The words beside it carry the meaning; a tone only helps the eye."""

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
    CHOSEN = "chosen"


Part = tuple[str, Tone]
Line = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a panel shows at one size. The first `head` lines stay while the rest scrolls; `follow` is the line kept in
    sight until the operator scrolls."""

    title: str
    lines: tuple[Line, ...]
    head: int = 0
    follow: int | None = None
    note: str = ""


def safe(text: str) -> str:
    """Outside text without anything a terminal would obey: control, format and bidi characters become a middle dot."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c in "\n\t" else "·" for c in text)


def fit(text: str, width: int) -> str:
    """Exactly `width` cells: padded on the right, or cut with an ellipsis."""
    if width <= 0:
        return ""
    if cell_len(text) > width:
        return set_cell_size(text, width - 1) + "…"
    return set_cell_size(text, width)


def right(text: str, width: int) -> str:
    """Right-aligned in `width` cells; longer text is cut with an ellipsis so that columns never move."""
    space = width - cell_len(text)
    return " " * space + text if space >= 0 else fit(text, width)


def width_of(line: Line) -> int:
    return sum(cell_len(text) for text, _ in line)


def beside(left: Line, far: Line, width: int) -> Line:
    """`left` at the left edge and `far` at the right edge of `width` cells; `left` is cut when both do not fit."""
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


def wrap(text: str, width: int) -> list[str]:
    """Words in lines of at most `width` cells; a longer word is cut across lines. Never empty."""
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
    """Parts side by side, `gap` between, going on to another line where the width ends."""
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
    """The text alone, for tests and copying."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)
