"""The console's screens in the states that an operator asks in."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from core.records.records import Records
from core.snapshot import Snapshot
from tests.proofs.truth.operator_questions import QUESTIONS, STATES, Seen, answers
from tests.proofs.truth.scenes import SCENES, Looked
from tests.support.console.driver import driven
from tests.support.console.scenes import FixedEngine

SIZE = (80, 24)
_SCREENS: dict[Path, dict[str, str]] = {}
"""The screens by the copy of the records that they are of: each is drawn once."""


@cache
def lived(scene: str, folder: Path) -> Looked:
    """A scene, lived once for each folder."""
    return SCENES[scene].live(Path(mkdtemp(dir=folder)))


async def answered(state: str, looked: Looked) -> tuple[dict[str, tuple[str, list[str]]], dict[str, str]]:
    """For each question in this state the keys that answer it and what is missing there; and the screens by keys."""
    snapshot, day, file = looked.kept[STATES[state][1]]
    if file not in _SCREENS:
        _SCREENS[file] = await _screens(snapshot, file)
    with closing(sqlite3.connect(file)) as database:
        seen, screens = Seen(snapshot, day, database), _SCREENS[file]
        return {question.asked: answers(question, seen, screens) for question in QUESTIONS}, screens


async def _screens(snapshot: Snapshot, file: Path) -> dict[str, str]:
    """The screen after each of the keys that a question needs."""
    records = await Records.open(f"sqlite+aiosqlite:///{file}", trader=False)
    found: dict[str, str] = {}
    try:
        for keys in dict.fromkeys(keys for question in QUESTIONS for keys in question.keys):
            async with driven(engine=FixedEngine(snapshot, records=records), size=SIZE) as console:
                await console.press(*keys.split())
                await console.answered()
                found[keys] = console.text
    finally:
        await records.close()
    return found
