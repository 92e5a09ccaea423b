"""Writes the pictures of docs/images: the console over its tests' scenes and the records of their days.

They are looked at before they are kept. `python .ci/pictures.py [NAME ...]` writes only those named.
"""

from __future__ import annotations

import asyncio
import html
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cairosvg
from glyphs import BLOCKS, BRAILLE, DRAWN, FONT, missing_in_font

from core.config.loader import load_settings
from core.records.records import Records
from senex_tui.console.app import SenexApp
from senex_tui.console.view_settings import DisplaySettings, ViewSettings, view_settings
from tests.support.console.recordings import lived
from tests.support.console.scenes import DAY_OF, SCENES, FixedEngine

IMAGES = Path(__file__).parent.parent / "docs" / "images"
DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
"""Column and row of each bit of a braille sign."""
CELL, LINE = 12.2, 24.4
RISE = 0.78 * LINE
"""How far the top of a line of text is above its baseline."""
TEXT = re.compile(r'<text class="(?P<style>[^"]+)" x="(?P<x>[\d.]+)" y="(?P<y>[\d.]+)"[^>]*>(?P<text>[^<]*)</text>')


@dataclass(frozen=True, slots=True)
class Picture:
    """A recorded scene, the keys pressed in it, and the terminal's size."""

    name: str
    scene: str
    keys: tuple[str, ...] = ()
    size: tuple[int, int] = (120, 40)
    display_settings: DisplaySettings = field(default_factory=DisplaySettings)


PICTURES = (
    Picture("dashboard", "filled"),
    Picture("dashboard-80x24", "calm", size=(80, 24)),
    Picture("dashboard-200x55", "followed", size=(200, 55)),
    Picture("dashboard-60x20", "calm", size=(60, 20)),
    Picture("retrying", "retrying"),
    Picture("stale", "stale"),
    Picture("unknown", "unknown"),
    Picture("halted", "halted"),
    Picture("force-live", "live", ("f",)),
    Picture("picture-day", "followed", ("7", "z")),
    Picture("picture-credit", "followed", ("7", "z", "v")),
    Picture("picture-payoff", "followed", ("7", "z", "v", "v")),
    Picture("picture-score", "followed", ("7", "z", "v", "v", "v")),
    Picture("orders", "filled", ("o",)),
    Picture("tridents", "open", ("t",)),
    Picture("history", "followed", ("h",)),
    Picture("story", "followed", ("h", "j", "j", "j", "j", "enter")),
    Picture("alerts", "alerted", ("a",)),
    Picture("accounts", "reached", ("A",)),
    Picture("account", "reached", ("A", "enter")),
    Picture("settings", "calm", ("s",)),
    Picture("help", "calm", ("question_mark",)),
    Picture("theme-light", "followed", display_settings=DisplaySettings(theme="senex-light")),
    Picture("theme-contrast", "followed", display_settings=DisplaySettings(theme="senex-contrast")),
    Picture("ascii", "followed", display_settings=DisplaySettings(ascii=True)),
)


def settings_of(display_settings: DisplaySettings) -> ViewSettings:
    """The shipped settings, with these looks."""
    shipped = view_settings(load_settings(None, {}), Path("/nowhere"))
    return ViewSettings(None, display_settings, shipped.rows, shipped.file_words)


async def shoot(picture: Picture, records: Path) -> str:
    """The screen as SVG."""
    opened = await Records.open(f"sqlite+aiosqlite:///{records}", trader=False)
    try:
        app = SenexApp(
            FixedEngine(SCENES[picture.scene](), records=opened), view_settings=settings_of(picture.display_settings)
        )
        async with app.run_test(size=picture.size) as pilot:
            await pilot.pause()
            for key in picture.keys:
                await pilot.press(key)
                await app.workers.wait_for_complete()
                app.pull()
                await pilot.pause(0.1)
            await pilot.pause(0.3)
            return app.export_screenshot(title="senex")
    finally:
        await opened.close()


def drawn_exactly(svg: str) -> str:
    """Braille and blocks drawn as dots and rectangles that fill their cells: a font leaves gaps between the rows, and
    none that is everywhere has braille in the width of a cell."""

    def drawn(found: re.Match[str]) -> str:
        text = html.unescape(found["text"])
        if not DRAWN & set(text):
            return found[0]
        plain = "".join("\u00a0" if sign in DRAWN else sign for sign in text)
        shapes = [*dots(found, text), *rectangles(found, text)]
        return found[0].replace(f">{found['text']}<", f">{html.escape(plain)}<") + "".join(shapes)

    return TEXT.sub(drawn, svg)


def by_words(svg: str) -> str:
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


def dots(found: re.Match[str], text: str) -> Iterator[str]:
    for place, sign in enumerate(text):
        bits = ord(sign) - BRAILLE
        for bit, (column, row) in enumerate(DOTS):
            if 0 <= bits < 256 and bits >> bit & 1:
                x = float(found["x"]) + place * CELL + (0.28 + 0.44 * column) * CELL
                y = float(found["y"]) - RISE + (0.125 + 0.25 * row) * LINE
                yield f'<circle class="{found["style"]}" cx="{x:.1f}" cy="{y:.1f}" r="1.8"/>'


def rectangles(found: re.Match[str], text: str) -> Iterator[str]:
    for block in re.finditer(r"(.)\1*", text):
        if (sign := block[1]) in BLOCKS:
            first, high = BLOCKS[sign]
            x = float(found["x"]) + block.start() * CELL
            y = float(found["y"]) - RISE + first * LINE / 8
            size = f'width="{len(block[0]) * CELL:.1f}" height="{high * LINE / 8 + 0.3:.1f}"'
            yield f'<rect class="{found["style"]}" x="{x:.1f}" y="{y:.1f}" {size}/>'


def font_svg(svg: str) -> str:
    """A screenshot with our font and our drawings. Raises ValueError for a character that the font does not have."""
    missing = missing_in_font("".join(html.unescape(found["text"]) for found in TEXT.finditer(svg)))
    if missing:
        raise ValueError(f"{FONT} has no glyph for {' '.join(sorted(missing))}")
    return by_words(drawn_exactly(svg.replace("Fira Code", FONT)))


def main(names: list[str]) -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for picture in PICTURES:
            if names and picture.name not in names:
                continue
            records = lived(DAY_OF[picture.scene], Path(folder))
            svg = font_svg(asyncio.run(shoot(picture, records)))
            target = IMAGES / f"{picture.name}.png"
            cairosvg.svg2png(bytestring=svg.encode(), write_to=str(target), output_width=picture.size[0] * 9)
            print(target.name, f"{target.stat().st_size // 1000} KB")


if __name__ == "__main__":
    main(sys.argv[1:])
