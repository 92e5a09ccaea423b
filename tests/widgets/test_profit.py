"""Profit and loss looks alike in every place: one function gives it its tone, and no place makes its own."""

from __future__ import annotations

import re
from decimal import Decimal as D
from pathlib import Path

import pytest

from senex_tui.console.theme import THEMES
from tests.support.console import scenes
from tests.support.console.driver import driven
from widgets.base.lines import Tone
from widgets.base.panel import LinePanel
from widgets.base.profit import profit_part, profit_tone
from widgets.base.tones import tone_styles

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "widgets" / "base" / "profit.py"
OWN_TONE = re.compile(r"Tone\.(GOOD|BAD|ABOVE|BELOW|GAIN|LOSS) if [^:\n]*[<>]=? 0\b")
"""A tone chosen by the sign of a figure."""
SIGNED = re.compile(r"(?<![\d,.])([+-]?)[\d,]+\.\d\d \$")
TONES = {"+": Tone.ABOVE, "-": Tone.BELOW}


def test_a_profit_is_above_zero_below_it_or_stale() -> None:
    assert profit_part(D("12.50"), before="P&L ") == ("P&L +12.50 $", Tone.ABOVE)
    assert profit_part(D("-137"), after=" natural") == ("-137.00 $ natural", Tone.BELOW)
    assert profit_part(D("-137"), stale=True)[1] is Tone.STALE
    assert (profit_tone(D(0)), profit_tone(None), profit_tone(None, stale=True)) == (Tone.PLAIN,) * 3


def test_no_other_place_chooses_a_tone_by_the_sign_of_a_figure() -> None:
    sources = [path for room in ("widgets", "senex_tui") for path in (ROOT / room).rglob("*.py") if path != HOME]
    own = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in sources
        for found in OWN_TONE.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not own, f"take widgets.base.profit in place of:\n{chr(10).join(own)}"
    assert OWN_TONE.search("Tone.GOOD if value >= 0 else Tone.BAD")


@pytest.mark.parametrize("theme", [theme.name for theme in THEMES])
async def test_above_and_below_zero_differ_in_every_theme_and_shout_in_none(theme: str) -> None:
    async with driven(size=(80, 24)) as console:
        console.app.theme = theme
        styles = tone_styles(console.app.theme_variables)
        assert styles[Tone.ABOVE].color != styles[Tone.BELOW].color
        assert not styles[Tone.ABOVE].bold
        assert not styles[Tone.BELOW].bold


@pytest.mark.parametrize("scene", ["filled", "followed", "open", "stale"])
@pytest.mark.parametrize("size", [(120, 40), (200, 55)], ids=["120x40", "200x55"])
async def test_every_profit_on_the_dashboard_has_the_tone_of_its_sign(scene: str, size: tuple[int, int]) -> None:
    async with driven(scenes.SCENES[scene](), size=size) as console:
        seen = 0
        for panel in console.app.screen.query(LinePanel):
            panel.redraw()
            for line in panel.lines:
                for text, tone in line:
                    signs = SIGNED.findall(text)
                    if any(signs) and "STALE" not in text:  # the first amount is what the words are about
                        seen += 1
                        assert tone in (Tone.STALE, TONES.get(signs[0], Tone.PLAIN)), (panel.id, text)
        assert seen or scene == "stale"
