"""A value is built from its row once, for as long as the row and what belongs to it read the same."""

from __future__ import annotations

from typing import Any

from sqlalchemy import create_engine, literal, select
from sqlalchemy.engine import Row

from core.records.store.same_rows import built_once


def row(row_id: str, state: str) -> Row[Any]:
    """A row as the store reads it."""
    with create_engine("sqlite://").connect() as connection:
        return connection.execute(select(literal(row_id).label("id"), literal(state).label("state"))).one()


def test_a_value_is_built_anew_only_where_its_row_or_its_part_reads_otherwise() -> None:
    built: list[str] = []

    @built_once(2)
    def value(read: Row[Any], part: tuple[int, ...]) -> list[object]:
        built.append(read.id)
        return [read.state, *part]

    first = value(row("a", "sent"), (1,))
    assert value(row("a", "sent"), (1,)) is first
    assert value(row("b", "sent"), (1,)) is not first
    assert value(row("a", "working"), (1,)) == ["working", 1]
    assert value(row("a", "working"), (1, 2)) == ["working", 1, 2]
    assert built == ["a", "b", "a", "a"]
    value(row("c", "sent"), ())
    value(row("b", "sent"), (1,))
    assert built[4:] == ["c", "b"], "no more than two are kept"
