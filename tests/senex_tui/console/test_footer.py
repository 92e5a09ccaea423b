"""The footer of every screen: the keys that work there, the pages, and a click on either."""

from __future__ import annotations

from dataclasses import replace

import pytest

from senex_tui.console.keys import KEYS, PAGES
from senex_tui.console.screens.alerts import AlertsPage
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.screens.help import HelpScreen
from tests.support.console import scenes
from tests.support.console.driver import driven
from widgets.key_line import KeyLine

OPENING = [key for key in KEYS if key.group == PAGES]


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 55)])
async def test_every_screen_names_its_keys_and_the_pages(size: tuple[int, int]) -> None:
    async with driven(scenes.filled(), size=size) as console:
        for opens in (None, *OPENING):
            if opens is not None:
                await console.press(opens.key)
                await console.pilot.pause()
            assert "? Help" in console.bottom, opens
            assert ("q Back" if opens else "q Quit") in console.bottom
            letters = " ".join(key.shipped for key in OPENING)
            named = all(f"{key.shipped} {key.label}" in console.bottom for key in OPENING)
            assert named or console.bottom.endswith(letters)
        await console.press("q")
        assert isinstance(console.app.screen, Dashboard)


@pytest.mark.parametrize("size", [(80, 24), (200, 55)])
async def test_a_click_presses_the_key(size: tuple[int, int]) -> None:
    async with driven(scenes.filled(), size=size) as console:
        text = console.text.splitlines()[-1]
        await console.pilot.click(KeyLine, offset=(text.index(" h ") + 1, 0))
        await console.pilot.pause()
        assert console.app.screen.name == "history"
        text = console.text.splitlines()[-1]
        await console.pilot.click(KeyLine, offset=(text.index("? Help"), 0))
        await console.pilot.pause()
        assert isinstance(console.app.screen, HelpScreen)


async def test_an_empty_list_offers_no_key_about_a_row() -> None:
    async with driven(replace(scenes.filled(), orders=(), exits=()), size=(200, 55)) as console:
        await console.press("o")
        await console.pilot.pause()
        assert "y Copy" not in console.bottom
        await console.press("y")
        assert console.toasts == ["nothing to copy: the list is empty"]


async def test_an_alert_that_was_seen_is_not_offered_to_be_seen() -> None:
    async with driven(scenes.alerted(), size=(200, 55)) as console:
        await console.press("a")
        await console.pilot.pause()
        page = console.app.screen
        assert isinstance(page, AlertsPage)
        offered = {}
        for _ in page.list.rows:
            assert page.list.chosen is not None
            offered[page.list.chosen.key] = "space Seen" in console.bottom
            await console.press("down")
            await console.pilot.pause()
        expected = {str(alert.id): not alert.seen_by for alert in console.engine.current.alerts}
        assert {key: offered[key] for key in expected} == expected
        assert True in offered.values()
