"""Records of an older revision: what was sent becomes an intent, and no row is lost, changed or numbered anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import IntegrityError

from core.domain.orders.orders import IntentKind, IntentOrder
from core.records.records import DayHeld, Records, RecordsError
from core.records.store.tables import metadata
from tests.core.records.store.older_records import STATES, account_of, engine_to, make_older
from tests.core.records.store.revision_1 import now_named
from tests.support.record_samples import after, entry, fill

OLDER = ("0001", "0002", "0005")
"""The first revision, the first with evidence, and the last in which all this belonged to entries."""
_MADE_ANEW = {"alembic_version", "engine", "trader"}
"""Tables that every start of a trader changes."""

Sums = dict[str, tuple[tuple[str, ...], int, str]]
"""Of each table of an older revision: its columns, the count of its rows, and the checksum of every value."""


def _sums(connection: Connection, like: Sums | None = None) -> Sums:
    if like is None:
        inspector = inspect(connection)
        tables = {
            name: tuple(column["name"] for column in inspector.get_columns(name))
            for name in inspector.get_table_names()
        }
    else:
        tables = {name: columns for name, (columns, _, _) in like.items()}
    found: Sums = {}
    for table, columns in tables.items():
        name, columns_now = (table, columns) if like is None else now_named(table, columns)
        quoted = ", ".join(f'"{column}"' for column in columns_now)
        rows = sorted(repr(tuple(row)) for row in connection.execute(text(f"SELECT {quoted} FROM {name}")))
        found[table] = columns, len(rows), sha256("\n".join(rows).encode()).hexdigest()
    return {name: found[name] for name in found.keys() - _MADE_ANEW}


async def _read(url: str, like: Sums | None = None) -> Sums:
    engine = engine_to(url)
    async with engine.connect() as connection:
        found = await connection.run_sync(_sums, like)
    await engine.dispose()
    return found


@pytest.mark.parametrize("revision", OLDER)
async def test_every_row_of_an_older_revision_is_there_with_the_same_values(path: Path, revision: str) -> None:
    url = await make_older(path, revision)
    before = await _read(url)
    assert before["entry_changes"][1] == 3 * len(STATES)
    assert before["fills"][1] == 3
    records = await Records.open(url)
    try:
        async with records.database.read() as connection:
            found = await connection.execute(
                text("SELECT i.id, i.kind, i.account, i.identifier FROM intents i ORDER BY i.id")
            )
            assert [tuple(row) for row in found] == [
                (name, IntentKind.ENTRY.value, account_of(name), entry(name).identifier) for name in sorted(STATES)
            ]
            same_day = await connection.execute(
                text("SELECT count(*) FROM intents i JOIN entries e ON e.id = i.id AND e.session_day = i.session_day")
            )
            assert same_day.scalar_one() == len(STATES)
    finally:
        await records.close()
    assert await _read(url, before) == before
    assert (await _read(url))["intent_orders"][1] == sum(order is not None for order, _ in STATES.values())


async def test_the_upgraded_tables_are_those_of_this_version(path: Path) -> None:
    url = await make_older(path, "0005")
    await (await Records.open(url)).close()
    engine = engine_to(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
        names = await connection.run_sync(_names)
    await engine.dispose()
    assert not {name for name in names if "entry_id" in name or "entry_orders" in name or "entry_changes" in name}
    assert {"fk_entries_id", "fk_fills_intent_id", "uq_fills_intent_id_order_id_fill_id"} <= names
    assert {"fk_intent_orders_intent_id", "ix_intent_orders_account_order_id", "uq_entries_day_held"} <= names


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


def _names(connection: Connection) -> set[str]:
    inspector = inspect(connection)
    keys = [
        *(key["name"] for table in metadata.tables for key in inspector.get_foreign_keys(table)),
        *(key["name"] for table in metadata.tables for key in inspector.get_unique_constraints(table)),
        *(key["name"] for table in metadata.tables for key in inspector.get_indexes(table)),
    ]
    if connection.dialect.name == "postgresql":  # SQLite has no name for the key of a numbered table
        keys += [inspector.get_pk_constraint(table)["name"] for table in metadata.tables]
        keys += inspector.get_sequence_names()
    return {str(name) for name in keys}


async def test_the_database_keeps_what_is_of_an_intent_to_a_recorded_one(path: Path) -> None:
    records = await Records.open(await make_older(path, "0005"))
    try:
        statements = [
            "UPDATE fills SET intent_id = 'nobody'",
            "UPDATE evidence SET intent_id = 'nobody'",
            "UPDATE intent_changes SET intent_id = 'nobody'",
            "UPDATE intent_orders SET intent_id = 'nobody' WHERE order_id = '77'",
            "DELETE FROM intents WHERE id = 'rejected'",
            "UPDATE entries SET id = 'nobody' WHERE id = 'absent'",
            "UPDATE intents SET identifier = (SELECT identifier FROM entries WHERE id = 'filled') WHERE id = 'absent'",
        ]
        for statement in statements:
            with pytest.raises(IntegrityError):
                async with records.database.write() as connection:
                    await connection.execute(text(statement))
    finally:
        await records.close()


async def test_new_rows_are_numbered_after_those_of_the_older_revision(path: Path) -> None:
    url = await make_older(path, "0005")
    records = await Records.open(url)
    try:
        counts = {name: count for name, (_, count, _) in (await _read(url)).items()}
        await records.entries.add_fills("filled", [replace(fill("f9"), order_id="77")])
        await records.entries.add_evidence("unknown", "listing", who="engine", complete=True, detail={}, at=after(99))
        await records.entries.note_cancel_request("working", "anna", after(99))
        await records.intent_orders.note(IntentOrder("working", account_of("working"), "90", "Live", None, after(99)))
        async with records.database.read() as connection:
            for table, number in (
                ("fills", "seq"),
                ("evidence", "id"),
                ("intent_changes", "seq"),
                ("intent_orders", "seq"),
            ):
                newest = await connection.execute(text(f"SELECT max({number}) FROM {table}"))
                assert newest.scalar_one() == counts[table] + 1, table
    finally:
        await records.close()


async def test_an_entry_and_its_intent_are_written_together_or_not_at_all(path: Path) -> None:
    url = await make_older(path, "0005")
    records = await Records.open(url)
    try:
        next_day = date(2026, 3, 3)
        made = entry("next", account_of("filled"), next_day)
        assert await records.entries.prepare(made) == made
        assert isinstance(await records.entries.prepare(entry("late", account_of("filled"), next_day)), DayHeld)
        again = replace(entry("other", account_of("working"), next_day), identifier=entry("filled").identifier)
        with pytest.raises(RecordsError, match="is already recorded"):
            await records.entries.prepare(again)
    finally:
        await records.close()
    found = await _read(url)
    assert (found["intents"][1], found["entries"][1]) == (len(STATES) + 1, len(STATES) + 1)
