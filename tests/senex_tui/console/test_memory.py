"""What was on the screen and is no more is let go of, however long the console stays open."""

from __future__ import annotations

import gc
from collections import Counter

from textual.widget import Widget

from tests.support.console.driver import Driven, driven

ROUNDS = 3


def kept() -> Counter[str]:
    """The widgets in this process, by class; only a collection finds those in a circle."""
    gc.collect()
    return Counter(type(each).__name__ for each in gc.get_objects() if isinstance(each, Widget))


async def walk(console: Driven) -> None:
    """To the tridents, the history and the help, and back to the dashboard each time."""
    for key in ("t", "q", "h", "q", "question_mark", "q"):
        await console.press(key)
        await console.pull()


async def test_a_page_opened_and_left_again_stays_in_no_memory() -> None:
    async with driven() as console:
        await walk(console)
        before = kept()
        await walk(console)
        assert kept() - before == Counter()


async def test_the_key_line_made_anew_stays_in_no_memory() -> None:
    async with driven() as console:
        before = kept()
        for _ in range(ROUNDS):
            console.app.refresh_bindings()
            await console.pilot.pause()
        assert kept() - before == Counter()
