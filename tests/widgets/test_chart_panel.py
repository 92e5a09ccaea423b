"""The chart on the screen: which picture, when it is drawn, and that nothing is drawn out of sight."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest

from core.snapshot import PicturesSlice
from tests.support.console.driver import Driven, driven
from tests.support.console.parts import payoff
from tests.support.console.scenes import followed
from widgets.base.lines import Line
from widgets.charts.panel import BLURRED_REDRAW_S, PICTURES, REDRAW_S, ChartPanel
from widgets.charts.plot import Plot

NAMES = [name for name, _ in PICTURES]


@pytest.fixture
def curves(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A number for every picture that is drawn in cells."""
    drawn: list[int] = []
    lines = Plot.lines

    def counted(picture: Plot) -> list[Line]:
        drawn.append(1)
        return lines(picture)

    monkeypatch.setattr(Plot, "lines", counted)
    return drawn


def chart(console: Driven) -> ChartPanel:
    return console.app.screen.query_one(ChartPanel)


async def settled(console: Driven) -> None:
    """The layout has come to rest, with the banner that says that the engine stands still: no panel gets another size
    any more."""
    console.ticker.now += 3 * REDRAW_S
    await console.pull()
    for _ in range(3):
        await console.pilot.pause()


async def moved(console: Driven, price: str) -> None:
    """The price moves and the console pulls."""
    pictures = PicturesSlice(console.engine.current.pictures.credits, payoff(price=D(price)))
    console.engine.current = replace(console.engine.current, pictures=pictures)
    await console.pull()
    await console.pilot.pause()


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 55)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_v_goes_round_the_pictures_at_every_size(size: tuple[int, int]) -> None:
    async with driven(followed(), size=size) as console:
        if size[0] < 170:
            assert not chart(console).display
            await console.press("v")
            await console.pilot.pause()
        seen = []
        offered = ["day", "credit"] if size[0] >= 170 else NAMES  # what stands beside it is not shown twice
        for number in range(len(offered) + 1):
            assert chart(console).display
            assert f"{number % len(offered) + 1}/{len(offered)}  v next: " in chart(console).text
            seen.append(chart(console).picture)
            await console.press("v")
            await console.pilot.pause()
        assert seen == [*offered, "day"]
        assert all(len(line) <= size[0] for line in console.text.splitlines())


async def test_no_picture_is_shown_twice_on_a_wide_screen() -> None:
    async with driven(followed(), size=(120, 40)) as console:
        await console.press("v", "v", "v")
        await console.pilot.pause()
        assert chart(console).picture == "payoff"
        await console.pilot.resize_terminal(200, 55)
        await settled(console)
        assert [panel.picture for panel in console.app.screen.query(ChartPanel) if panel.display] == ["day", "payoff"]
        assert "payoff at expiry" not in chart(console).text
        await console.press("7", "z")
        for name in ("credit", "payoff", "score"):  # alone on the screen it has them all
            await console.press("v")
            await console.pilot.pause()
            assert chart(console).picture == name


async def test_beside_two_columns_the_chart_and_the_judgement_share_a_place() -> None:
    async with driven(followed(), size=(120, 40)) as console:
        judgement = console.app.screen.query_one("#judgement")
        for key, charted in (("7", True), ("6", False), ("v", True), ("2", True), ("6", False)):
            await console.press(key)
            await console.pilot.pause()
            assert (chart(console).display, judgement.display) == (charted, not charted), key


async def test_zoomed_a_picture_has_the_whole_screen_and_gives_it_back() -> None:
    async with driven(followed(), size=(120, 40)) as console:
        await console.press("v", "z")
        await console.pilot.pause()
        assert chart(console).content_size.height > 30
        assert len(chart(console).text.splitlines()) > 30
        await console.press("v")
        await console.pilot.pause()
        assert chart(console).picture == "credit"
        await console.press("z")
        await console.pilot.pause()
        assert chart(console).content_size.height < 12


async def test_v_opens_the_chart_in_the_zoom_of_another_panel() -> None:
    async with driven(followed(), size=(200, 55)) as console:
        await console.press("3", "z", "v")
        await console.pilot.pause()
        assert chart(console).display
        assert not console.app.screen.query_one("#orders").display
        assert chart(console).picture == "day"


async def test_nothing_is_drawn_out_of_sight(curves: list[int]) -> None:
    async with driven(followed(), size=(120, 40)) as console:
        for number in range(3):
            console.ticker.now += REDRAW_S + 1
            await moved(console, f"62{number}.10")
        assert curves == [], "the chart is not open"
        await console.press("v")
        await console.pilot.pause()
        assert curves
        await console.press("6")
        await console.pilot.pause()
        curves.clear()
        console.ticker.now += REDRAW_S + 1
        await moved(console, "624.10")
        assert curves == [], "the judgement is in its place"


async def test_nothing_is_drawn_under_another_screen(curves: list[int]) -> None:
    async with driven(followed(), size=(200, 55)) as console:
        for key, back in (("t", "q"), ("q", "n"), ("a", "q")):
            await console.press(key)
            await console.pilot.pause()
            curves.clear()
            console.ticker.now += REDRAW_S + 1
            await moved(console, "624.10" if key == "q" else "625.50")
            assert curves == [], key
            await console.press(back)
            await console.pilot.pause()
            await console.pull()
            await console.pilot.pause()
            assert curves, f"drawn anew after {key}"


async def test_new_data_waits_five_seconds_and_twenty_when_blurred(curves: list[int]) -> None:
    async with driven(followed(), size=(200, 55)) as console:
        await settled(console)
        await moved(console, "619.50")
        price = 620
        for focus, every_s in ((True, REDRAW_S), (False, BLURRED_REDRAW_S)):
            console.app.app_focus = focus
            for wait_s, drawn in ((every_s - 1, False), (1, True)):
                curves.clear()
                console.ticker.now += wait_s
                price += 1
                pictures = PicturesSlice((), payoff(price=D(price)))
                console.engine.current = replace(console.engine.current, pictures=pictures)
                for _ in range(4):  # a blurred console pulls with every fourth beat
                    await console.pull()
                await console.pilot.pause()
                assert bool(curves) is drawn, (focus, wait_s)


async def test_unchanged_data_are_not_drawn_again(curves: list[int]) -> None:
    async with driven(followed(), size=(200, 55)) as console:
        await settled(console)
        curves.clear()
        qqq, spx = console.engine.current.quotes
        for cents in range(3):  # quotes move; the slices of the pictures are the same
            console.ticker.now += REDRAW_S + 1
            quotes = (replace(qqq, price=D("622.84") + D(cents) / 100), spx)
            console.engine.current = replace(console.engine.current, quotes=quotes)
            await console.pull()
            await console.pilot.pause()
        assert curves == []


async def test_in_ascii_the_panel_has_no_other_character() -> None:
    async with driven(followed(), size=(200, 55)) as console:
        panel = chart(console)
        panel.ascii = True
        for _ in NAMES:
            await console.press("v")
            await console.pilot.pause()
            assert panel.text.isascii()
            assert panel.picture in NAMES
