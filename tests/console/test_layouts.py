"""The screen as text at each layout, against reviewed files in `screens/`.

`SENEX_WRITE_SCREENS=1` writes them anew; read the difference before keeping it.
"""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.console import double
from tests.console.double import FixedEngine
from tests.console.driving import driven
from tests.console.picture_slices import followed
from tests.console.recorded import recorded, some_days

SCREENS = Path(__file__).parent / "screens"
SCENES = {**double.SCENES, "followed": followed}
CASES = [
    ("calm", (80, 24), ()),
    ("calm", (120, 40), ()),
    ("calm", (200, 55), ()),
    ("retrying", (170, 50), ()),
    ("stale", (80, 24), ()),
    ("paused", (80, 24), ("space",)),
    ("live", (80, 24), ("f",)),
    ("failed", (80, 24), ()),
    ("starting", (80, 24), ()),
    ("fast", (80, 24), ("6",)),
    ("unknown", (80, 24), ("3",)),
    ("unknown", (80, 24), ("u",)),
    ("unknown", (120, 40), ()),
    ("halted", (80, 24), ()),
    ("clock", (80, 24), ("space",)),
    ("reconciling", (80, 24), ("c",)),
    ("reconciling", (120, 40), ()),
    ("alerted", (80, 24), ()),
    ("alerted", (80, 24), ("a",)),
    ("alerted", (120, 40), ("a",)),
    ("alerted", (200, 55), ("a",)),
    ("reached", (80, 24), ("A",)),
    ("reached", (120, 40), ("A",)),
    ("reached", (200, 55), ("A",)),
    ("reached", (80, 24), ("A", "enter")),
    ("filled", (80, 24), ("o",)),
    ("filled", (120, 40), ("o",)),
    ("filled", (200, 55), ("o",)),
    ("filled", (80, 24), ("o", "j", "enter")),
    ("followed", (80, 24), ("v",)),
    ("followed", (80, 24), ("7", "v", "v")),
    ("followed", (120, 40), ("v", "v", "v")),
    ("followed", (200, 55), ("v",)),
    ("followed", (200, 55), ("v", "v")),
]


PAGES = ("o", "a", "A")
"""Keys of the pages that ask the records."""


@pytest.mark.parametrize(("scene", "size", "keys"), CASES, ids=lambda v: "x".join(map(str, v)) if v else "")
async def test_the_screen_is_as_reviewed(
    scene: str, size: tuple[int, int], keys: tuple[str, ...], tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        engine = FixedEngine(SCENES[scene]())
        if keys[:1] and keys[0] in PAGES:
            engine.records = await stack.enter_async_context(recorded(tmp_path))
            await some_days(engine.records)
        console = await stack.enter_async_context(driven(engine=engine, size=size))
        for key in keys:
            await console.press(key)
            await console.answered()
        await console.pull()
        await console.pilot.pause()
        text = ""
        while text != console.text:  # a layout under way
            text = console.text
            await console.pilot.pause(0.01)
    assert all(len(line) <= size[0] for line in text.splitlines())
    file = SCREENS / ("-".join([scene, f"{size[0]}x{size[1]}", *keys]) + ".txt")
    if os.environ.get("SENEX_WRITE_SCREENS"):
        file.write_text(text + "\n")
    assert text + "\n" == file.read_text()
