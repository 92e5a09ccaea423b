"""The chart on the screen: which picture, when it is drawn, and that nothing is drawn out of sight."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest

from core.snapshot import PicturesSlice
from tests.support.console.driver import Driven, driven
from tests.support.console.parts import payoff
from tests.support.console.scenes import followed
from widgets.banner import Banner
from widgets.charts import plot
from widgets.charts.panel import BLURRED_REDRAW_S, PICTURES, REDRAW_S, ChartPanel

NAMES = [name for name, _ in PICTURES]


@pytest.fixture
def curves(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A number for every curve plotext draws."""
    drawn: list[int] = []
    draw = plot._plotext

    def counted(*args: object) -> list[str]:
        drawn.append(1)
        return draw(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(plot, "_plotext", counted)
    return drawn


def chart(console: Driven) -> ChartPanel:
    return console.app.screen.query_one(ChartPanel)


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
        for number in range(len(NAMES) + 1):
            assert chart(console).display
            assert f"{number % len(NAMES) + 1}/{len(NAMES)}  v next: " in chart(console).text
            seen.append(chart(console).picture)
            await console.press("v")
            await console.pilot.pause()
        assert seen == [*NAMES, "day"]
        assert all(len(line) <= size[0] for line in console.text.splitlines())


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
        await console.press("v", "v")
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


async def settled(console: Driven) -> None:
    """The engine's screen has stood still for so long that the banner says so: its row is in the layout."""
    for _ in range(2):
        console.ticker.now += REDRAW_S + 1
        await console.pull()
        await console.pilot.pause()
    assert console.app.screen.query_one(Banner).size.height


async def test_new_data_waits_five_seconds_and_twenty_when_blurred(curves: list[int]) -> None:
    async with driven(followed(), size=(200, 55)) as console:
        await console.press("v", "v")
        await settled(console)
        await moved(console, "619.00")
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
        await console.press("v", "v")
        await settled(console)
        curves.clear()
        qqq, spx = console.engine.current.quotes
        for cents in range(3):  # quotes move; the payoff's slice is the same
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
