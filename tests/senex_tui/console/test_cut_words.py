"""What does not fit is cut so that it shows: no date, price or number that is cut reads as another one. And what is out
of sight is reached: every page scrolls to both its ends."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from core.domain.reporting.figures import Share
from senex_tui.console.screens.overlay import READING, SCROLLS
from tests.support.console import scenes
from tests.support.console.driver import driven
from widgets.base.lines import Line, Tone, cut, fit, plain, right, width_of
from widgets.base.panel import LinePanel

PAGES = ("", "o", "t", "t,enter", "h", "h,tab", "a", "A", "A,enter", "w", "m", "H", "s")
"""The keys that open each page from the dashboard."""

part = st.tuples(st.text("Nov 3069.日-", max_size=12), st.just(Tone.PLAIN))


@given(st.lists(part, max_size=6).map(tuple), st.integers(1, 40))
def test_a_line_that_is_cut_ends_with_an_ellipsis(line: Line, width: int) -> None:
    shown, whole = plain([cut(line, width)]), plain([line])
    if cell_len(whole) <= width:
        assert shown == whole
    else:
        assert shown.endswith("…")
        assert width_of(cut(line, width)) <= width


@given(st.from_regex(r"(Nov \d\d|\d{1,4}\.\d\d|[+-]\d{1,6})", fullmatch=True), st.integers(1, 8))
def test_a_cell_that_is_cut_reads_as_no_other_value(text: str, width: int) -> None:
    for shown in (fit(text, width), right(text, width)):
        assert shown.strip() == text or "…" in shown


@pytest.mark.parametrize(("scene", "size"), [("open", (60, 20)), ("reached", (60, 20)), ("open", (120, 40))], ids=str)
async def test_no_row_of_any_page_is_cut_in_silence(scene: str, size: tuple[int, int]) -> None:
    silent = []
    async with driven(scenes.SCENES[scene](), size=size) as console:
        for keys in PAGES:
            pressed = [key for key in keys.split(",") if key]
            await console.press(*pressed)
            await console.pilot.pause()
            for panel in console.app.screen.query(LinePanel):
                for y, row in enumerate(panel.text.splitlines()[1:] if panel.display else ()):
                    shown = panel.render_line(y).text.rstrip()
                    if shown != row and not shown.endswith("…"):
                        silent.append((keys, panel.NAME, shown))
            await console.press(*["q"] * len([key for key in pressed if key != "tab"]))
    assert not silent


async def test_the_days_of_the_logins_stand_whole_on_the_smallest_screen() -> None:
    async with driven(scenes.reached(), size=(60, 20)) as console:
        await console.press("A")
        [_, *logins] = console.text.split("Logins")
        assert len(re.findall(r"since \w{3} \d\d \d\d:\d\d ET", " ".join(logins[-1].split()))) >= 1


@pytest.mark.parametrize("keys", ["question_mark", "a,enter", "s", "h", "A,enter"])
async def test_every_screen_that_scrolls_goes_to_both_its_ends(keys: str) -> None:
    for end, start in (("G", "g"), ("end", "home")):
        async with driven(scenes.SCENES["alerted"](), size=(60, 20)) as console:
            await console.press(*keys.split(","))
            await console.pull()
            top = console.text
            await console.press(end)
            await console.pilot.pause()
            bottom = console.text
            await console.press(*["pagedown"] * 12)
            await console.pilot.pause()
            assert console.text == bottom, "there is nothing below the end"
            await console.press(start)
            await console.pilot.pause()
            assert console.text == top
            assert keys != "question_mark" or top != bottom


def test_the_keys_that_scroll_a_modal_screen_go_by_rows_by_pages_and_to_both_ends() -> None:
    assert {binding.key for binding in SCROLLS} == {"up", "down", "pageup", "pagedown", "home", "end"}
    assert {binding.key for binding in READING} == {*(binding.key for binding in SCROLLS), "j", "k", "g", "G"}


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (Share(7, 20), ("35.0 %", "7 of 20 chances to trade")),
        (Share(0, 11), ("none", "in 11 chances to trade")),
        (Share(0, 0), ("--", "no chances to trade yet")),
    ],
)
def test_a_share_is_told_without_a_zero(share: Share, told: tuple[str, str]) -> None:
    assert share.told("chances to trade") == told
