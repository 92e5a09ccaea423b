"""The wide layout: large pictures, and no panel that is mostly blank."""

from __future__ import annotations

import pytest

from tests.support.console import scenes
from tests.support.console.driver import Driven, driven
from widgets.base.panel import LinePanel

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
