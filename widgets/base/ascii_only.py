"""Makes the screen ASCII: one table for every sign, border, bar and picture, applied to the lines on their way to the
terminal. A character takes as many cells afterwards as before."""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_SIGNS = {
    "●": "*", "■": "#", "○": "o", "✓": "+", "▶": ">", "✖": "x", "▲": "^", "▼": "v", "▸": ">", "·": ".", "•": ".",
    "…": "~", "\u2212": "-", "\u2013": "-", "—": "-", "→": ">", "←": "<", "↑": "^", "↓": "v",
    "\u00d7": "x", "≥": ">", "≤": "<",
    "°": "o", "\u2019": "'", "\u2018": "'", "“": '"', "”": '"', "\u00a0": " ",
}  # fmt: skip
_ACROSS = "─━═╌╍┄┅┈┉╴╶╸╺╼╾"
_DOWN = "│┃║╎╏┆┇┊┋╷╵╹╻╽╿▏▎▍▌▐▕▊▉"
_CORNERS = "╭╮╰╯┌┐└┘┏┓┗┛╔╗╚╝├┤┬┴┼┣┫┳┻╋╠╣╦╩╬┝┥┡┩╞╡▛▜▙▟▗▖▝▘▚▞"
_BARS = dict(zip("▁▂▃▄▅▆▇█", "_.:-=+*#", strict=True)) | {"▔": "-", "▀": "-", "░": ".", "▒": ":", "▓": "#"}
_BRAILLE = 0x2800
_UPPER, _LOWER = 0b00011011, 0b11100100
"""The dots of a braille cell's upper two rows (1, 2, 4, 5) and of its lower two (3, 6, 7, 8)."""


def _braille(dots: int) -> str:
    if not dots:
        return " "
    return ":" if dots & _UPPER and dots & _LOWER else "'" if dots & _UPPER else "."


_TABLE = {
    **{ord(sign): plain for sign, plain in (_SIGNS | _BARS).items()},
    **dict.fromkeys(map(ord, _ACROSS), "-"),
    **dict.fromkeys(map(ord, _DOWN), "|"),
    **dict.fromkeys(map(ord, _CORNERS), "+"),
    **{_BRAILLE + dots: _braille(dots) for dots in range(256)},
}


@lru_cache(4096)
def ascii_of(text: str) -> str:
    """The text in ASCII, as wide as before. A character without a counterpart becomes a question mark."""
    if text.isascii():
        return text
    text = text.translate(_TABLE)
    return text if text.isascii() else "".join(c if c.isascii() else "?" * cell_len(c) for c in text)


class AsciiFilter(LineFilter):
    """The filter that Textual applies to every line of every widget, borders and scrollbars included."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(ascii_of(text), style, control) for text, style, control in segments]
