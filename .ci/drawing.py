"""Turns a screenshot of Textual into a picture: our font, and braille and blocks drawn without gaps."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import cairosvg
from glyphs import BLOCKS, BRAILLE, DRAWN, FONT, missing_in_font

DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
"""Column and row of each bit of a braille sign."""
CELL, LINE = 12.2, 24.4
RISE = 0.78 * LINE
"""How far the top of a line of text is above its baseline."""
TEXT = re.compile(r'<text class="(?P<style>[^"]+)" x="(?P<x>[\d.]+)" y="(?P<y>[\d.]+)"[^>]*>(?P<text>[^<]*)</text>')
PIXELS_A_COLUMN = 9


def write_png(svg: str, target: Path, columns: int) -> None:
    """Writes the screenshot. Raises ValueError for a character that the font does not have."""
    drawn = _with_font(svg).encode()
    cairosvg.svg2png(bytestring=drawn, write_to=str(target), output_width=columns * PIXELS_A_COLUMN)


def _drawn_exactly(svg: str) -> str:
    """Braille and blocks drawn as dots and rectangles that fill their cells: a font leaves gaps between the rows, and
    none that is everywhere has braille in the width of a cell."""

    def drawn(found: re.Match[str]) -> str:
        text = html.unescape(found["text"])
        if not DRAWN & set(text):
            return found[0]
        plain = "".join("\u00a0" if sign in DRAWN else sign for sign in text)
        shapes = [*_dots(found, text), *_rectangles(found, text)]
        return found[0].replace(f">{found['text']}<", f">{html.escape(plain)}<") + "".join(shapes)

    return TEXT.sub(drawn, svg)


def _by_words(svg: str) -> str:
    """Every word at its own cell: a run with blanks at its ends would be stretched over them."""

    def drawn(found: re.Match[str]) -> str:
        text = html.unescape(found["text"])
        parts = []
        for word in re.finditer(r"[^ \u00a0]+", text):
            x, length = float(found["x"]) + word.start() * CELL, len(word[0]) * CELL
            element = re.sub(r' x="[^"]+"', f' x="{x:.1f}"', found[0], count=1)
            element = re.sub(r' textLength="[^"]+"', f' textLength="{length:.1f}"', element, count=1)
            parts.append(element.replace(f">{found['text']}<", f">{html.escape(word[0])}<"))
        return "".join(parts)

    return TEXT.sub(drawn, svg)


def _dots(found: re.Match[str], text: str) -> Iterator[str]:
    for place, sign in enumerate(text):
        bits = ord(sign) - BRAILLE
        for bit, (column, row) in enumerate(DOTS):
            if 0 <= bits < 256 and bits >> bit & 1:
                x = float(found["x"]) + place * CELL + (0.28 + 0.44 * column) * CELL
                y = float(found["y"]) - RISE + (0.125 + 0.25 * row) * LINE
                yield f'<circle class="{found["style"]}" cx="{x:.1f}" cy="{y:.1f}" r="1.8"/>'


def _rectangles(found: re.Match[str], text: str) -> Iterator[str]:
    for block in re.finditer(r"(.)\1*", text):
        if (sign := block[1]) in BLOCKS:
            first, high = BLOCKS[sign]
            x = float(found["x"]) + block.start() * CELL
            y = float(found["y"]) - RISE + first * LINE / 8
            size = f'width="{len(block[0]) * CELL:.1f}" height="{high * LINE / 8 + 0.3:.1f}"'
            yield f'<rect class="{found["style"]}" x="{x:.1f}" y="{y:.1f}" {size}/>'


def _with_font(svg: str) -> str:
    """A screenshot with our font and our drawings. Raises ValueError for a character that the font does not have."""
    missing = missing_in_font("".join(html.unescape(found["text"]) for found in TEXT.finditer(svg)))
    if missing:
        raise ValueError(f"{FONT} has no glyph for {' '.join(sorted(missing))}")
    return _by_words(_drawn_exactly(svg.replace("Fira Code", FONT)))
