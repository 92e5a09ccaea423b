"""The mark of the focus, and the number of its panel, stand in the title of the focused panel and nowhere else."""

from __future__ import annotations

import pytest

from tests.support.console import scenes
from tests.support.console.driver import Driven, driven
from widgets.base.panel import LinePanel
from widgets.panels import PANELS
from widgets.quote import QuotePanel

SIZES = [(60, 20), (80, 24), (120, 40), (200, 55)]


def marked(console: Driven) -> list[str]:
    """The panels in sight whose title has the mark."""
    panels = console.app.screen.query(LinePanel)
    return [panel.id or "" for panel in panels if panel.display and panel.text.startswith("▸ ")]


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("size", SIZES)
async def test_only_the_focused_panel_is_marked(
    size: tuple[int, int], colour: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not colour:
        monkeypatch.setenv("NO_COLOR", "1")
    async with driven(scenes.filled(), size=size) as console:
        assert marked(console) == []
        for key in (*["tab"] * 6, *["shift+tab"] * 3, "3", "5", "1"):
            await console.press(key)
            await console.pilot.pause()
            focused = console.app.focused
            assert focused is not None
            assert marked(console) == [focused.id]
            titled = bool(focused.styles.border_top[0])
            assert console.text.count("▸") == int(titled), "a panel of one row has no title"


async def test_a_quote_without_a_title_shows_the_focus_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with driven(scenes.filled(), size=(60, 20)) as console:
        await console.press("tab")
        await console.pilot.pause()
        first, second = console.app.screen.query(QuotePanel)
        assert first.has_focus
        styles = [next(iter(panel.render_line(0))).style for panel in (first, second)]
        assert [bool(style and style.reverse) for style in styles] == [True, False]


@pytest.mark.parametrize("size", SIZES)
async def test_each_numbered_panel_says_its_number(size: tuple[int, int]) -> None:
    async with driven(scenes.filled(), size=size) as console:
        for panel in PANELS:
            await console.press(panel.number)
            await console.pilot.pause()
            assert console.app.screen.query_one(f"#{panel.name}", LinePanel).text.startswith(f"▸ {panel.number} ")
