"""Rows are asked for by several ids at once in one statement, however many ids there are."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from core.records.records import Records
from tests.support.record_samples import entry

MANY = 40_000
"""More than SQLite takes as parameters of a statement."""


@pytest.mark.parametrize("others", [0, 1, MANY])
async def test_rows_are_found_by_their_ids_by_one_statement(records: Records, others: int) -> None:
    await records.entries.prepare(entry())
    statements: set[str] = set()

    def noted(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "entries.identifier" in statement:
            statements.add(statement)

    ids = [f"nobody-{number}" for number in range(others)]
    event.listen(Engine, "before_cursor_execute", noted)
    try:
        assert [one.id for one in await records.entries.these([*ids, "one"])] == ["one"]
        assert await records.entries.these(ids) == ()
    finally:
        event.remove(Engine, "before_cursor_execute", noted)
    [statement] = statements
    assert "= 1" not in statement, "SQLite would use no index"


@pytest.mark.parametrize("odd", ["'", '"', "\\", "ö", "[", "%", ""])
async def test_an_id_is_taken_as_it_is(records: Records, odd: str) -> None:
    await records.entries.prepare(entry())
    assert await records.entries.these([odd]) == ()
    assert [one.id for one in await records.entries.these([odd, "one", odd])] == ["one"]
