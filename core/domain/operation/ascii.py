"""The ASCII look: one table for every sign, border, bar and picture that the product shows or prints."""

from __future__ import annotations

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
SAMPLE = "│╭●✓·…"
"""Signs that every screen shows: an encoding without one of them needs the ASCII look."""


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


def ascii_look(text: str) -> str:
    """The text with an ASCII character for every sign of ours; other characters stay."""
    return text if text.isascii() else text.translate(_TABLE)
