"""Rules 13.8 in the kill proofs: what a life of the engine told just before its end, and what the shell tells after it.

The life keeps its snapshot in a file, with the truth of that moment by the rows. The parent compares them.
"""

from __future__ import annotations

import asyncio
import pickle
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.snapshot.codec import decode, encode
from tests.proofs.truth.compare import lies
from tests.proofs.truth.oracle import read_truth
from tests.proofs.truth.places import fresh, with_engine
from tests.proofs.truth.reader import Reader, place_of
from tests.proofs.truth.screen import on_screen
from tests.proofs.truth.shell import in_shell
from tests.proofs.truth.values import Day, Facts
from tests.support.world import calendar_around

if TYPE_CHECKING:
    from core.engine.engine import Engine


async def keep_told(engine: Engine, records_file: Path, told_file: Path) -> None:
    """Keeps what the engine's console shows now, with the truth of now. Call it just before the engine stops."""
    with closing(sqlite3.connect(records_file)) as database:

        def truth() -> Day:
            now = engine.parts.clock.now()
            session = calendar_around(now.year).today(now)
            facts = Facts(now, None if session is None else session.open, None if session is None else session.close)
            return read_truth(database, with_engine(facts, engine))

        read = await fresh(engine, database, truth)
    if read is None:
        return
    snapshot, day = read
    await asyncio.to_thread(told_file.write_bytes, pickle.dumps((day, encode(snapshot))))


def lies_of_life(told_file: Path) -> list[str]:
    """What the life told wrongly on its screen; nothing when it was killed before."""
    if not told_file.exists():
        return []
    day, encoded = pickle.loads(told_file.read_bytes())  # our own child wrote it
    return [f"13.8: {lie}" for lie in lies(on_screen(decode(encoded), day), day)]


def lies_after_life(records_file: Path, facts: Facts) -> list[str]:
    """What the shell tells wrongly of these records while no console runs."""
    with closing(sqlite3.connect(records_file)) as database:
        day = read_truth(database, replace(facts, console=False))
    with closing(Reader()) as shell:
        said = in_shell(shell, place_of(records_file, records_file.parent / "HALT", trades=False), day)
    return [f"13.8 after it: {lie}" for lie in lies(said, day)]
