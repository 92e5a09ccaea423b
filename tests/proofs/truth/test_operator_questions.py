"""An operator's questions in eight states: the console answers each within two keys at 80x24, as the records say."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

from core.records.records import Records
from tests.proofs.truth.operator_questions import QUESTIONS, STATES, Seen, answers, as_table
from tests.proofs.truth.scenes import SCENES, Looked
from tests.support.console.driver import driven
from tests.support.console.scenes import FixedEngine
from tests.support.proofs import ALL

SAMPLED = ("rejected", "paused")
"""The states of `make test`; `make proofs` asks in all of them."""


@cache
def lived(scene: str, folder: Path) -> Looked:
    """A scene, lived once."""
    return SCENES[scene].live(Path(mkdtemp(dir=folder)))


@pytest.fixture
def told(state: str, tmp_path_factory: pytest.TempPathFactory) -> Looked:
    """The scene of this state."""
    return lived(STATES[state][0], tmp_path_factory.getbasetemp())


async def screens_of(seen: Seen, file: Path) -> dict[str, str]:
    """The screen at 80x24 after each of the keys that a question needs."""
    records = await Records.open(f"sqlite+aiosqlite:///{file}", trader=False)
    found: dict[str, str] = {}
    try:
        for keys in dict.fromkeys(keys for question in QUESTIONS for keys in question.keys):
            async with driven(engine=FixedEngine(seen.snapshot, records=records), size=(80, 24)) as console:
                await console.press(*keys.split())
                await console.answered()
                found[keys] = console.text
    finally:
        await records.close()
    return found


@pytest.mark.proof
@pytest.mark.parametrize("state", STATES if ALL else SAMPLED)
async def test_each_question_is_answered_within_two_keys(
    state: str, told: Looked, record_property: Callable[[str, object], None]
) -> None:
    snapshot, day, file = told.kept[STATES[state][1]]
    with closing(sqlite3.connect(file)) as database:
        seen = Seen(snapshot, day, database)
        screens = await screens_of(seen, file)
        found = {question.asked: answers(question, seen, screens) for question in QUESTIONS}
    table = as_table([(asked, {state: keys or "in sight"}) for asked, (keys, _) in found.items()], [state])
    record_property("answers", table)
    assert all(len(keys.split()) <= 2 for keys, _ in found.values())
    missing = {asked: (keys, lacks) for asked, (keys, lacks) in found.items() if lacks}
    assert not missing, "\n".join(
        f"{asked}: {lacks} after {keys!r}:\n{screens[keys]}" for asked, (keys, lacks) in missing.items()
    )
