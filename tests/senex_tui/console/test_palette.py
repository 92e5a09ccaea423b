"""The palette finds a command by what an operator would call it."""

from __future__ import annotations

import pytest

from senex_tui.console.keys import KEYS, PAGES, Key
from senex_tui.console.palette import score_of
from senex_tui.console.screens.dashboard import Dashboard
from tests.support.console import scenes
from tests.support.console.driver import driven


def best(query: str) -> list[str]:
    """The names of the commands that are found, the best first."""
    scores = [(score_of(key, query), -number, key.name) for number, key in enumerate(KEYS) if key.palette]
    return [name for score, _, name in sorted(scores, reverse=True) if score > 0]


@pytest.mark.parametrize(
    ("called", "name"),
    [
        ("stop", "pause"),
        ("halt", "pause"),
        ("kill", "pause"),
        ("close", "close_units"),
        ("exit", "exits"),
        ("pnl", "positions"),
        ("profit", "positions"),
        ("why", "history"),
        ("log", "history"),
        ("fills", "orders"),
        ("slot", "history"),
        ("missed", "history"),
        ("why", "preview"),
        ("p&l", "money"),
        ("fees", "money"),
        ("worth", "positions"),
        ("rejected", "orders"),
        ("success", "alerts"),
        ("balance", "accounts"),
        ("credit", "preview"),
        ("paused", "health"),
        ("theme", "settings"),
        ("token", "accounts"),
        ("end halt", "pause"),
        (":force", ""),
        ("panel_orders", "panel_orders"),
    ],
)
def test_other_words_for_a_command_find_it(called: str, name: str) -> None:
    found = best(called)
    assert (name in found[:3]) if name else not found


@pytest.mark.parametrize("called", ["p&l", "pnl", "profit", "earned"])
def test_what_was_earned_is_found_first_on_the_page_of_money(called: str) -> None:
    assert best(called)[0] == "money"


@pytest.mark.parametrize("key", [key for key in KEYS if key.group == PAGES], ids=lambda key: key.name)
def test_each_word_of_a_page_finds_it(key: Key) -> None:
    for word in key.also.split():
        assert key.name in best(word)[:4], word


@pytest.mark.parametrize("key", [key for key in KEYS if key.palette], ids=lambda key: key.action)
def test_each_command_comes_first_by_its_own_name(key: object) -> None:
    assert best(key.name)[0] == key.name  # type: ignore[attr-defined]


async def test_a_colon_opens_it() -> None:
    async with driven(scenes.filled(), size=(80, 24)) as console:
        await console.press("colon", *"why")
        await console.app.workers.wait_for_complete()
        await console.pilot.pause()
        assert "History" in console.text
        await console.press("enter", "enter")
        await console.pilot.pause()
        assert console.app.screen.name == "history"
        await console.press("q")
        assert isinstance(console.app.screen, Dashboard)
