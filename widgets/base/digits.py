"""Digits three rows tall, made of half blocks: they read from further away than a line of text."""

from __future__ import annotations

_DIGITS = {
    "0": ("█▀█", "█ █", "▀▀▀"),
    "1": ("▀█ ", " █ ", "▀▀▀"),
    "2": ("▀▀█", "█▀▀", "▀▀▀"),
    "3": ("▀▀█", " ▀█", "▀▀▀"),
    "4": ("█ █", "▀▀█", "  ▀"),
    "5": ("█▀▀", "▀▀█", "▀▀▀"),
    "6": ("█▀▀", "█▀█", "▀▀▀"),
    "7": ("▀▀█", "  █", "  ▀"),
    "8": ("█▀█", "█▀█", "▀▀▀"),
    "9": ("█▀█", "▀▀█", "▀▀▀"),
}
_POINT = "▄"
ROWS = 3


def tall(text: str) -> tuple[str, ...]:
    """The text in rows of one width. A character that is no digit stands on the last row, in the gap between two digits
    and a blank; the point is a block below the line."""
    rows = [""] * ROWS
    gap = ""
    for character in text:
        digit = _DIGITS.get(character, (" ", " ", _POINT if character == "." else character))
        before = gap if character in _DIGITS else ""
        rows = [row + before + each for row, each in zip(rows, digit, strict=True)]
        gap = " "
    return tuple(rows)
