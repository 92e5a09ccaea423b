"""Widgets that are no longer on the screen are freed, however long the console stays open."""

from __future__ import annotations

import gc
from collections import Counter

from textual.widget import Widget

from tests.support.console.driver import Driven, driven

ROUNDS = 3


def live_widgets() -> Counter[str]:
    """The widgets in this process, counted by class after a garbage collection, which frees those in reference
    cycles."""
    gc.collect()
    return Counter(type(each).__name__ for each in gc.get_objects() if isinstance(each, Widget))


async def visit_pages(console: Driven) -> None:
    """Opens the tridents, the history and the help, and returns to the dashboard each time."""
    for key in ("t", "q", "h", "q", "question_mark", "q"):
        await console.press(key)
        await console.pull()


async def test_a_closed_page_is_freed() -> None:
    async with driven() as console:
        await visit_pages(console)
        before = live_widgets()
        await visit_pages(console)
        assert live_widgets() - before == Counter()


async def test_a_replaced_key_line_is_freed() -> None:
    async with driven() as console:
        before = live_widgets()
        for _ in range(ROUNDS):
            console.app.refresh_bindings()
            await console.pilot.pause()
        assert live_widgets() - before == Counter()
