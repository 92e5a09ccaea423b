"""The room of the panels: large pictures and no mostly blank panel on a wide screen, whole words on the smallest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.support.console import scenes
from tests.support.console.driver import Driven, driven
from widgets.base.lines import fit, plain, width_of
from widgets.base.panel import LinePanel
from widgets.charts.panel import ChartPanel
from widgets.panels import PANELS

WIDE = [(170, 48), (200, 55)]
PICTURES_SHARE = 0.4
"""The least share of the screen that the two pictures take together."""


def panels(console: Driven) -> dict[str, LinePanel[object]]:
    """The panels in sight, by id."""
    return {
        str(panel.id): panel
        for panel in console.app.screen.query("#body > LinePanel").results(LinePanel)
        if panel.display
    }


@pytest.mark.parametrize("size", WIDE, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_on_a_filled_day_no_panel_has_more_blank_rows_than_full_ones(size: tuple[int, int]) -> None:
    async with driven(scenes.filled(), size=size) as console:
        blank = {}
        for name, panel in panels(console).items():
            rows = panel.content_size.height
            full = sum(bool(row.strip()) for row in panel.text.splitlines()[1:])
            if rows - full > full:
                blank[name] = f"{full} of {rows} rows"
        assert not blank


@pytest.mark.parametrize("size", WIDE, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("scene", ["filled", "followed"])
async def test_on_a_filled_day_both_pictures_are_large(scene: str, size: tuple[int, int]) -> None:
    async with driven(scenes.SCENES[scene](), size=size) as console:
        shown = panels(console)
        assert "attempts" not in shown, "the day is done"
        chart, payoff = shown["chart"].outer_size, shown["payoff"].outer_size
        assert chart.width == payoff.width > size[0] * 0.6
        assert chart.area + payoff.area > PICTURES_SHARE * size[0] * size[1]


async def test_several_attempts_stand_beside_the_payoff_and_the_key_shows_a_single_one() -> None:
    async with driven(scenes.retrying(), size=(200, 55)) as console:
        shown = panels(console)
        assert {"attempts", "payoff"} <= set(shown)
        assert shown["payoff"].outer_size.width < 70
    async with driven(scenes.filled(), size=(200, 55)) as console:
        assert "attempts" not in panels(console)
        await console.press("2")
        await console.pilot.pause()
        assert panels(console)["attempts"].has_focus


@given(st.lists(st.text("abcxyz,.$0", min_size=1, max_size=12), min_size=1, max_size=12), st.integers(1, 60))
def test_a_text_is_cut_after_a_word_and_takes_its_width(words: list[str], width: int) -> None:
    text = " ".join(words)
    shown = fit(text, width)
    assert cell_len(shown) == width
    if len(text) <= width:
        assert shown.rstrip() == text.rstrip()
        return
    kept = shown.rstrip().removesuffix("…")
    assert text.startswith(kept)
    if width >= 24 and max(map(len, words)) < width // 3 - 1:
        assert text[len(kept)] == " ", "a whole word"


def test_at_the_smallest_size_no_row_is_longer_than_its_panel() -> None:
    shown = [each for each in PANELS if each.panel is not ChartPanel]
    for scene, make in scenes.SCENES.items():
        for each in shown:
            value = each.slice_of(make())
            if value is not None:
                lines = each.panel().draw(value, 58, 9).lines
                long = [line for line in lines if width_of(line) > 58]
                assert not long, f"{scene}, {each.name}: {plain(long)}"
