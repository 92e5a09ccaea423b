"""The screen as text at each layout, against reviewed files in `screens/`.

`make scenes` writes them anew; read the difference before keeping it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from core.records.records import Records
from tests.support.console.driver import driven
from tests.support.console.scenes import DAY_OF, SCENES, FixedEngine
from tests.support.record_samples import url_of

SCREENS = Path(__file__).parent / "screens"
SIZES = ((60, 20), (80, 24), (120, 40), (200, 55))
AT_EVERY_SIZE = (
    *("calm", "stale", "retrying", "filled", "targets", "part"),
    *("rejected", "unknown", "paused", "halted", "closed"),
)
"""Scenes shown one after the other in one console: none leaves anything behind in the next."""
CASES = [
    ("retrying", (170, 48), ()),
    ("filled", (170, 48), ()),
    ("paused", (80, 24), ("space",)),
    ("live", (80, 24), ("f",)),
    ("failed", (80, 24), ()),
    ("starting", (80, 24), ()),
    ("fast", (80, 24), ("6",)),
    ("unknown", (80, 24), ("3",)),
    ("unknown", (80, 24), ("u",)),
    ("two_accounts", (80, 24), ()),
    ("two_accounts", (120, 40), ()),
    ("restarted", (80, 24), ("4",)),
    ("accounts_off", (80, 24), ("4",)),
    ("freeing", (80, 24), ("3",)),
    ("after_midnight", (120, 40), ()),
    ("next_morning", (80, 24), ()),
    ("clock", (80, 24), ("space",)),
    ("reconciling", (80, 24), ("c",)),
    ("reconciling", (120, 40), ()),
    ("alerted", (80, 24), ()),
    ("alerted", (80, 24), ("a",)),
    ("alerted", (120, 40), ("a",)),
    ("alerted", (200, 55), ("a",)),
    ("alerted", (60, 20), ("m",)),
    ("alerted", (120, 40), ("m",)),
    ("alerted", (200, 55), ("m",)),
    ("calm", (80, 24), ("H",)),
    ("halted", (120, 40), ("H",)),
    ("reached", (80, 24), ("A",)),
    ("reached", (120, 40), ("A",)),
    ("reached", (200, 55), ("A",)),
    ("reached", (80, 24), ("A", "enter")),
    ("filled", (80, 24), ("o",)),
    ("filled", (120, 40), ("o",)),
    ("filled", (200, 55), ("o",)),
    ("filled", (80, 24), ("o", "j", "enter")),
    ("targets", (80, 24), ("right_square_bracket",)),
    ("reached", (120, 40), ()),
    ("reached", (60, 20), ()),
    ("followed", (80, 24), ("v",)),
    ("followed", (80, 24), ("7", "v", "v")),
    ("followed", (120, 40), ("v", "v", "v")),
    ("followed", (200, 55), ("v",)),
    ("followed", (200, 55), ()),
]


PAGES = ("o", "a", "A", "m")
"""Keys of the pages that ask the records."""


@pytest.mark.parametrize(("scene", "size", "keys"), CASES, ids=lambda v: "x".join(map(str, v)) if v else "")
async def test_the_screen_is_as_reviewed(
    scene: str, size: tuple[int, int], keys: tuple[str, ...], records_of: Callable[[str], Path]
) -> None:
    async with AsyncExitStack() as stack:
        engine = FixedEngine(SCENES[scene]())
        if keys[:1] and keys[0] in PAGES:
            # In a thread: a day is simulated on a loop of its own.
            file = await asyncio.to_thread(records_of, DAY_OF[scene])
            engine.records = await Records.open(url_of(file), trader=False)
            stack.push_async_callback(engine.records.close)
        console = await stack.enter_async_context(driven(engine=engine, size=size))
        for key in keys:
            await console.press(key)
            await console.answered()
        await console.pull()
        await console.pilot.pause()
        text = ""
        while text != console.text:  # until the layout has settled
            text = console.text
            await console.pilot.pause(0.01)
    assert all(len(line) <= size[0] for line in text.splitlines())
    assert text + "\n" == reviewed("-".join([scene, f"{size[0]}x{size[1]}", *keys]), text)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_every_state_of_the_day_is_as_reviewed(size: tuple[int, int]) -> None:
    async with driven(size=size) as console:
        shown = {}
        for scene in AT_EVERY_SIZE:
            for each in ("starting", scene):  # an engine that starts stands still without being old
                console.engine.current = SCENES[each]()
                console.ticker.now += 6  # the chart draws at most every few seconds
                await console.pull()
                await console.pilot.pause()
            shown[scene] = console.text
    wrong = [
        scene
        for scene, text in shown.items()
        if text + "\n" != reviewed(f"{scene}-{size[0]}x{size[1]}", text) or max(map(len, text.splitlines())) > size[0]
    ]
    assert not wrong, "\n".join(shown[scene] for scene in wrong)


def reviewed(name: str, text: str) -> str:
    """The stored screen, which somebody has looked at and approved."""
    file = SCREENS / f"{name}.txt"
    if os.environ.get("SENEX_WRITE_SCREENS"):
        file.write_text(text + "\n")
    return file.read_text()
