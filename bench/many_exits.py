"""Makes many accounts of one: its records and the state of its simulated broker, copied under numbers of their own."""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from core.simulator.exchange.lifecycle import BookEntry
from core.simulator.exchange.orders import SimOrder
from core.simulator.exchange.saved import SavedAccount, SavedExchange

APART = 1_000
"""So far apart are the order ids of two accounts."""
_TABLES = {
    "accounts": (),
    "account_changes": ("seq",),
    "account_results": (),
    "account_days": (),
    "suggestions": (),
    "intents": (),
    "entries": (),
    "intent_orders": ("seq",),
    "intent_changes": ("seq",),
    "fills": ("seq",),
    "tridents": (),
    "units": (),
    "exits": (),
    "claims": ("seq",),
    "foreign_positions": ("seq",),
    "transactions": ("seq",),
    "matches": ("seq",),
    "transaction_reads": (),
}
"""What is of an account, parents first, with the columns that are numbered by the store. `foreign_positions` without
rows still has the mark that they were read."""
_IDS = frozenset({"id", "intent_id", "trident_id", "exit_id", "suggestion_id", "identifier"})
_OF_BROKER = frozenset({"transactions", "transaction_reads", "matches"})
"""Tables whose `id` is the broker's."""


def number_of(copied: int) -> str:
    """The number of a copy; the first account is none."""
    return f"5WT{20_000 + copied:05d}"


def identifier_of(identifier: str, copied: int) -> str:
    """An id or identifier of ours in a copy: its last characters tell which one it is of."""
    return f"{identifier[:-3]}{copied:03x}"


def copy_records(path: Path, account: str, copies: int) -> None:
    """Adds the rows of so many copies of the account."""
    with closing(sqlite3.connect(path)) as store, store:
        for copied in range(1, copies + 1):
            for table, numbered in _TABLES.items():
                columns = [row[1] for row in store.execute(f"PRAGMA table_info({table})") if row[1] not in numbered]
                names = ", ".join(f'"{name}"' for name in columns)  # `limit` is a word of SQL
                for row in store.execute(f"SELECT {names} FROM {table}").fetchall():
                    values = dict(zip(columns, row, strict=True))
                    if _is_of(store, table, values, account):
                        made = _copied_row(table, values, copied)
                        marks = ", ".join("?" * len(columns))
                        store.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", made)


def copied_exchange(saved: SavedExchange, copies: int) -> SavedExchange:
    """The same broker with so many copies of its one account."""
    [account] = saved.accounts
    numbers = range(1, copies + 1)
    orders = {order.id: [_copied_order(order, copied) for copied in numbers] for order in saved.orders}
    return replace(
        saved,
        accounts=(account, *(_copied_account(account, copied) for copied in numbers)),
        orders=(*saved.orders, *(order for of_one in orders.values() for order in of_one)),
        book=replace(
            saved.book,
            entries=(
                *saved.book.entries,
                *(
                    _copied_entry(entry, orders[entry.order.id][copied - 1])
                    for entry in saved.book.entries
                    for copied in numbers
                ),
            ),
        ),
        last_order_id=saved.last_order_id + APART * (copies + 1),
    )


def _is_of(store: sqlite3.Connection, table: str, values: Mapping[str, object], account: str) -> bool:
    if table in ("units", "claims"):
        owner = "tridents", values["trident_id"]
    elif table == "intent_changes":
        owner = "intents", values["intent_id"]
    else:
        return values.get("account", values.get("number")) == account
    found = store.execute(f"SELECT account FROM {owner[0]} WHERE id = ?", (owner[1],)).fetchone()
    return found is not None and tuple(found) == (account,)


def _copied_row(table: str, values: Mapping[str, object], copied: int) -> list[object]:
    change: dict[str, Callable[[str], object]] = {
        "account": lambda _: number_of(copied),
        "number": lambda _: number_of(copied),
        "nickname": lambda _: f"Copy {copied}",
        "order_id": lambda order_id: str(int(order_id) + APART * copied),
        "request": lambda text: text.replace(
            str(values.get("identifier")), identifier_of(str(values.get("identifier")), copied)
        ),
    }
    made: list[object] = []
    for name, value in values.items():
        if isinstance(value, str) and value and name in change:
            made.append(change[name](value))
        elif isinstance(value, str) and value and name in _IDS and not (name == "id" and table in _OF_BROKER):
            made.append(identifier_of(value, copied))
        else:
            made.append(value)
    return made


def _copied_account(account: SavedAccount, copied: int) -> SavedAccount:
    number = number_of(copied)
    return replace(
        copy.deepcopy(account),
        setup=replace(account.setup, number=number, nickname=f"Copy {copied}"),
        posted=tuple(
            replace(row, account=number, order_id=None if row.order_id is None else row.order_id + APART * copied)
            for row in account.posted
        ),
    )


def _copied_order(order: SimOrder, copied: int) -> SimOrder:
    identifier = order.external_identifier
    return replace(
        copy.deepcopy(order),
        id=order.id + APART * copied,
        account_number=number_of(copied),
        external_identifier=None if identifier is None else identifier_of(identifier, copied),
    )


def _copied_entry(entry: BookEntry, order: SimOrder) -> BookEntry:
    made = copy.copy(entry)
    made.order, made.chance = order, copy.deepcopy(entry.chance)
    return made
