"""Makes a records file of the first revision, by its own migration, with rows in every table."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

_REQUEST = (
    '{"underlying":"QQQ","legs":['
    '{"symbol":"QQQ   260417P00622000","action":"Sell to Open","quantity":2},'
    '{"symbol":"QQQ   260417P00619000","action":"Buy to Open","quantity":2},'
    '{"symbol":"QQQ   260417C00622000","action":"Sell to Open","quantity":1},'
    '{"symbol":"QQQ   260417C00625000","action":"Buy to Open","quantity":1}],'
    '"credit":{"$decimal":"4.06"},"identifier":"senex-%s"}'
)
_T = "2026-03-02T14:45:0%d.123456Z"
_SENT = (_T % 2, _T % 3)

_ENTRY = (
    "INSERT INTO entries (id, account, session_day, cycle, suggestion_id, underlying, expiration, strikes, identifier,"
    ' request, "limit", natural, mid, width, max_risk, state, holds_day, prepared_at, sent_at, order_id,'
    " broker_status, terminal_at, detail) VALUES (?, ?, '2026-03-02', 1, ?, 'QQQ', '2026-04-17', '622P/619P/622C/625C',"
    " ?, ?, '4.06', '3.860', '4.10', '3', '214.00', ?, ?, ?, ?, ?, ?, ?, ?)"
)
_CHANGE = "INSERT INTO entry_changes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"

_ROWS: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("UPDATE engine SET epoch = 7", ()),
    ("UPDATE trading_state SET state = 'paused', who = 'anna', at = ?, why = 'lunch'", (_T % 9,)),
    (
        "INSERT INTO accounts VALUES"
        " ('5WT00001', 'Main', 'Margin', 0, 'first', 7, 1, 4, '5.0', '0.30', 3, ?, ?, ?),"
        " ('5WT00002', 'Roth', 'Cash', 0, 'second', 7, 0, NULL, NULL, NULL, NULL, ?, ?, NULL)",
        (_T % 0, _T % 1, _T % 2, _T % 0, _T % 1),
    ),
    ("INSERT INTO commands VALUES (1, 'c1', 'pause', 'anna', ?, NULL, 'done', 'paused', ?)", (_T % 8, _T % 9)),
    ("INSERT INTO commands VALUES (2, 'c2', 'force', 'bert', ?, 3, 'pending', '', NULL)", (_T % 9,)),
    (
        "INSERT INTO cycles VALUES (1, 7, '2026-03-02', '2026-03-02T14:45:00.000000Z', 0, ?, ?, 'succeeded', '', '',"
        ' \'{"processed":2,"succeeded":1}\')',
        (_T % 0, _T % 5),
    ),
    (
        "INSERT INTO slots VALUES ('2026-03-02', '2026-03-02T14:45:00.000000Z', 7, 'done', ?, 1, 'succeeded', '', '')",
        (_T % 0,),
    ),
    (
        "INSERT INTO events VALUES (1, ?, 'entry.filled', 'filled', 'info', 1, 1, '5WT00001', 'QQQ', 'send',"
        ' \'passed\', NULL, \'[["limit",{"$decimal":"4.060"}]]\', 12)',
        (_T % 4,),
    ),
    (
        "INSERT INTO suggestions VALUES ('suggestion-one', 1, 1, '5WT00001', '2026-03-02', ?, 'QQQ', '2026-04-17',"
        " '622P/619P/622C/625C', '622', '3', '3.860', '4.10', '4.06', '0.04', '214.00', '{\"score\":61}', 0)",
        (_T % 1,),
    ),
    (
        _ENTRY,
        (
            "one",
            "5WT00001",
            "suggestion-one",
            "senex-one",
            _REQUEST % "one",
            "filled",
            1,
            *_SENT,
            "77",
            "Filled",
            _T % 4,
            "filled",
        ),
    ),
    (
        _ENTRY,
        (
            "two",
            "5WT00002",
            "suggestion-two",
            "senex-two",
            _REQUEST % "two",
            "cancelled",
            1,
            *_SENT,
            "78",
            "Cancelled",
            _T % 5,
            "",
        ),
    ),
    (_CHANGE, (1, "one", "prepared", 1, _T % 2, None, None, "", _REQUEST % "one")),
    (_CHANGE, (2, "one", "sent", 1, _T % 3, None, None, "", None)),
    (_CHANGE, (3, "one", "filled", 1, _T % 4, "77", "Filled", "filled", None)),
    (
        "INSERT INTO fills VALUES (1, 'one', '5WT00001', 'f1', 'QQQ   260417P00622000', '2', '3.155', ?)",
        (_T % 4,),
    ),
)

_TABLES_NOW = {"entry_orders": "intent_orders", "entry_changes": "intent_changes"}
_OF_INTENTS = ("intent_orders", "intent_changes", "evidence", "fills")

Rows = dict[str, tuple[tuple[str, ...], list[tuple[object, ...]]]]


def now_named(table: str, columns: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """What the newest revision calls this table of an older one, and its columns."""
    name = _TABLES_NOW.get(table, table)
    if name not in _OF_INTENTS:
        return name, tuple(columns)
    return name, tuple("intent_id" if column == "entry_id" else column for column in columns)


def make_revision_1(path: Path) -> None:
    """Creates the file with the first migration and fills every table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    config = Config()
    config.set_main_option("script_location", "core.records.store:migrations")
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("PRAGMA foreign_keys = ON")
        for statement, values in _ROWS:
            store.execute(statement, values)


def rows_of(path: Path, like: Rows | None = None) -> Rows:
    """The columns and rows of every table; only of the tables and columns of `like` when it is given, under the names
    that these have in the newest revision."""
    with closing(sqlite3.connect(path)) as connection:
        if like is None:
            names = [
                name
                for (name,) in connection.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
                )
            ]
            columns = {
                name: tuple(
                    column for (column,) in connection.execute("SELECT name FROM pragma_table_info(?)", (name,))
                )
                for name in names
            }
        else:
            columns = {name: wanted for name, (wanted, _) in like.items()}
            present = {name: now_named(name, wanted) for name, wanted in columns.items()}
            return {name: (columns[name], _select(connection, *present[name])) for name in columns}
        return {name: (wanted, _select(connection, name, wanted)) for name, wanted in columns.items()}


def _select(connection: sqlite3.Connection, table: str, columns: tuple[str, ...]) -> list[tuple[object, ...]]:
    quoted = ", ".join(f'"{column}"' for column in columns)
    return sorted(connection.execute(f"SELECT {quoted} FROM {table}"), key=repr)
