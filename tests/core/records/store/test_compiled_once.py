"""Files whose statements are compiled once are connected each in its own way, in whatever order they are opened."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from core.records.store import database
from core.records.store.database import Database
from core.records.store.sqlite_on_loop import LoopConnection, OnLoop
from core.runtime.virtual_time import run_virtual
from tests.support import compiled_once
from tests.support.fresh_interpreter import in_fresh_interpreter
from tests.support.record_samples import url_of

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


async def _runs_on_loop(path: Path, on_loop: bool) -> bool:
    """Whether a connection to a file that was opened so runs on the loop."""
    opened = Database(make_url(url_of(path)), "the records", on_loop=OnLoop() if on_loop else None)
    async with opened.read() as connection:
        raw = await connection.get_raw_connection()
        runs_on_loop = isinstance(raw.dbapi_connection, LoopConnection)
    await opened.close()
    return runs_on_loop


def _opened_in_turn(folder: Path, ways: Sequence[bool]) -> list[bool]:
    """Opens a file for each way, on a virtual loop (True) or in a thread, in an interpreter that has opened none."""
    setattr(database, "create_async_engine", compiled_once.engine)  # noqa: B010 - in that interpreter
    found = []
    for number, on_loop in enumerate(ways):
        path = folder / f"{number}.sqlite3"
        if on_loop:
            found.append(run_virtual(lambda clock, path=path: _runs_on_loop(path, True), START))  # type: ignore[misc]
        else:
            found.append(asyncio.run(_runs_on_loop(path, False)))
    return found


@pytest.mark.sqlite
@pytest.mark.parametrize("ways", [(True, True), (False, True, True, False), (True, False, False, True)])
def test_a_file_is_connected_as_it_was_opened_whatever_was_opened_before(
    tmp_path: Path, ways: tuple[bool, ...]
) -> None:
    assert in_fresh_interpreter(_opened_in_turn, tmp_path, ways) == list(ways)
