"""Makes the schema of a new records file once in a process, and each further one from what was made.

A first start runs every revision, which takes longer than most tests. What the revisions have made is read from the
first file and is written to the others in the same transaction of the same start.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.engine import Connection

from core.records.store import schema

Made = list[tuple[str, tuple[object, ...]]]
REVISIONS: Callable[[Connection], None] = schema._upgrade
_made: Made = []


def upgrade(connection: Connection) -> None:
    """In place of `schema._upgrade`. A file with records, and a database of a server, get the revisions themselves."""
    if connection.dialect.name != "sqlite" or _tables(connection):
        REVISIONS(connection)
        return
    if not _made:
        REVISIONS(connection)
        _made.extend(_read(connection))
        return
    for statement, values in _made:
        connection.exec_driver_sql(statement, values)


def _tables(connection: Connection) -> list[str]:
    found = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid")
    return [name for (name,) in found if not name.startswith("sqlite_")]


def _read(connection: Connection) -> Made:
    """The statements that make the same schema with the same rows: tables, rows, then indexes and triggers."""
    made = connection.exec_driver_sql(
        "SELECT sql, type = 'table' FROM sqlite_master "
        "WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
    ).all()
    statements: Made = [(sql, ()) for sql, is_table in made if is_table]
    # The counts of numbered rows too: a table that a revision has replaced has its count, without any row.
    for table in (*_tables(connection), "sqlite_sequence"):
        for row in connection.exec_driver_sql(f"SELECT * FROM {table}"):
            statements.append((f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", tuple(row)))
    return [*statements, *((sql, ()) for sql, is_table in made if not is_table)]
