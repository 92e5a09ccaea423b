"""An account's history at the broker as it was read, and what each row is about: only ever added (rules 13.6, 15.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Select, and_, bindparam, func, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.orders.transactions import Transaction
from core.domain.positions.matching import Match, Role
from core.domain.positions.units import UnitName
from core.records.store.database import Database
from core.records.store.one_of import one_of
from core.records.store.tables import matches, transaction_reads, transactions
from core.records.store.types import Words, stored_words

_COLUMNS = tuple(field.name for field in fields(Transaction))
_values_of = attrgetter(*_COLUMNS)
_WORDS = tuple(column.name for column in transactions.c if isinstance(column.type, Words))
_of_account = transactions.c.account == bindparam("account")
_later = transactions.alias("later")
_IS_NEWEST = transactions.c.revision == (
    select(func.max(_later.c.revision))
    .where(_later.c.account == transactions.c.account, _later.c.id == transactions.c.id)
    .scalar_subquery()
)
_NEWEST_OF_IDS = select(transactions).where(_of_account, one_of(transactions.c.id, "ids"), _IS_NEWEST)
_SINCE = (
    select(transactions)
    .where(_of_account, transactions.c.executed_at >= bindparam("since"), _IS_NEWEST)
    .order_by(transactions.c.executed_at, func.length(transactions.c.id), transactions.c.id)
)
_REVISIONS = select(transactions).where(_of_account, transactions.c.id == bindparam("id")).order_by(transactions.c.seq)
_READ = select(transaction_reads).where(transaction_reads.c.account == bindparam("account"))

_later_match = matches.alias("later_match")
COUNTS = matches.c.revision == (
    select(func.max(_later_match.c.revision))
    .where(_later_match.c.account == matches.c.account, _later_match.c.transaction_id == matches.c.transaction_id)
    .scalar_subquery()
)
_MATCH_COLUMNS = ("role", "trident_id", "unit", "quantity", "value", "net_value", "executed_at")
_MATCHES_OF_IDS = (
    select(matches.c.transaction_id, matches.c.revision, *(matches.c[name] for name in _MATCH_COLUMNS))
    .where(
        matches.c.account == bindparam("account"),
        one_of(matches.c.transaction_id, "ids"),
        COUNTS,
    )
    .order_by(matches.c.transaction_id, matches.c.part)
)


def _matched(*conditions: Any) -> Select[Any]:
    """The parts that count with their rows, in the order of the rows' time."""
    same = and_(transactions.c.account == matches.c.account, transactions.c.id == matches.c.transaction_id)
    # Both tables have columns of these names: the row keeps its own, the part's are told apart.
    part = [column.label(f"part_{column.name}") for column in matches.c]
    return (
        select(transactions, *part)
        .join(matches, same)
        .where(*conditions, _IS_NEWEST, COUNTS)
        .order_by(transactions.c.executed_at, func.length(transactions.c.id), transactions.c.id, matches.c.part)
    )


_OF_TRIDENTS = _matched(one_of(matches.c.trident_id, "ids"))


@dataclass(frozen=True, slots=True)
class TransactionRead:
    """The newest complete reading of an account's history: all rows up to the exchange's date `through`, read at `at`,
    aware UTC."""

    through: date
    at: datetime


class Transactions:
    """The recorded history of accounts. Raises RecordsError when the store fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def last_read(self, account: str) -> TransactionRead | None:
        """The newest complete reading; None before the first."""
        async with self._database.read() as connection:
            row = (await connection.execute(_READ, {"account": account})).first()
            return None if row is None else TransactionRead(row.through, row.at)

    async def keep(
        self, account: str, rows: Sequence[Transaction], *, through: date, at: datetime
    ) -> tuple[Transaction, ...]:
        """Records a complete reading in one commit: each row that is new, or that the broker has written again. Returns
        those, in the order given. Raises ValueError for a row of another account."""
        async with self._database.write() as connection:
            changed = await note_transactions(connection, account, rows, at)
            await _note_read(connection, account, TransactionRead(through, at))
        return changed

    async def since(self, account: str, since: datetime) -> tuple[Transaction, ...]:
        """The account's rows executed at the instant or later, each as it was last written, in the order of time."""
        async with self._database.read() as connection:
            found = await connection.execute(_SINCE, {"account": account, "since": since})
            return tuple(_transaction(row) for row in found)

    async def revisions(self, account: str, transaction_id: str) -> tuple[Transaction, ...]:
        """A row in every form that was read of it, the oldest first."""
        async with self._database.read() as connection:
            found = await connection.execute(_REVISIONS, {"account": account, "id": transaction_id})
            return tuple(_transaction(row) for row in found)

    async def note_matches(self, found: Iterable[Match], at: datetime) -> tuple[Match, ...]:
        """Records what rows are about, in one commit. Returns the parts of those rows that were about something else
        until now, or about nothing."""
        async with self._database.write() as connection:
            return await note_matches(connection, found, at)

    async def matches_of(self, trident_ids: Sequence[str]) -> tuple[Match, ...]:
        """The parts of rows that are about these tridents, in the order of the rows' time."""
        async with self._database.read() as connection:
            return tuple(_match(row) for row in await connection.execute(_OF_TRIDENTS, {"ids": trident_ids}))


async def note_transactions(
    connection: AsyncConnection, account: str, rows: Sequence[Transaction], at: datetime
) -> tuple[Transaction, ...]:
    """Adds to the commit each row of the account that is new or written again, and returns those."""
    known: dict[str, tuple[int, Transaction]] = {}
    ids = [row.id for row in rows]
    for row in await connection.execute(_NEWEST_OF_IDS, {"account": account, "ids": ids}):
        known[row.id] = row.revision, _transaction(row)
    changed, values = [], []
    for given in rows:
        if given.account != account:
            raise ValueError(f"transaction {given.id} is not of the account it was read for")
        revision, newest = known.get(given.id, (0, None))
        if newest == _as_stored(given):
            continue
        known[given.id] = revision + 1, _as_stored(given)
        changed.append(given)
        values.append({name: getattr(given, name) for name in _COLUMNS} | {"revision": revision + 1, "read_at": at})
    if values:
        await connection.execute(insert(transactions), values)
    return tuple(changed)


async def note_matches(connection: AsyncConnection, found: Iterable[Match], at: datetime) -> tuple[Match, ...]:
    """Adds to the commit what rows are about where that has changed, and returns those parts."""
    given: dict[str, dict[str, list[Match]]] = {}
    for one in found:
        given.setdefault(one.row.account, {}).setdefault(one.row.id, []).append(one)
    changed: list[Match] = []
    values: list[dict[str, object]] = []
    for account, by_row in given.items():
        known = await _newest_matches(connection, account, list(by_row))
        for transaction_id, parts in by_row.items():
            revision, before = known.get(transaction_id, (0, []))
            after = [_match_values(part) for part in parts]
            if after == before:
                continue
            changed += parts
            values += [
                {
                    "account": account,
                    "transaction_id": transaction_id,
                    "revision": revision + 1,
                    "part": n,
                    "at": at,
                    **dict(zip(_MATCH_COLUMNS, part, strict=True)),
                }
                for n, part in enumerate(after)
            ]
    if values:
        await connection.execute(insert(matches), values)
    return tuple(changed)


async def _newest_matches(
    connection: AsyncConnection, account: str, transaction_ids: Sequence[str]
) -> Mapping[str, tuple[int, list[tuple[object, ...]]]]:
    """Of each of these rows that was matched: the newest revision of its parts, and these by `_MATCH_COLUMNS`."""
    found: dict[str, tuple[int, list[tuple[object, ...]]]] = {}
    rows = await connection.execute(_MATCHES_OF_IDS, {"account": account, "ids": transaction_ids})
    for transaction_id, revision, *part in rows:
        found.setdefault(transaction_id, (revision, []))[1].append(tuple(part))
    return found


def _match_values(one: Match) -> tuple[object, ...]:
    """What is stored of it, by `_MATCH_COLUMNS`."""
    unit = None if one.unit is None else one.unit.value
    return one.role.value, one.trident_id, unit, one.quantity, one.value, one.net_value, one.at


async def _note_read(connection: AsyncConnection, account: str, read: TransactionRead) -> None:
    """The newest reading counts; one that reached less far does not take its place."""
    known = (await connection.execute(_READ, {"account": account})).first()
    values = {"through": read.through, "at": read.at}
    if known is None:
        await connection.execute(insert(transaction_reads).values(account=account, **values))
    elif known.through <= read.through:
        await connection.execute(
            update(transaction_reads).where(transaction_reads.c.account == account).values(**values)
        )


def _as_stored(row: Transaction) -> Transaction:
    """The row as it is read back, so that an odd character does not make it another one."""
    words: dict[str, Any] = {name: stored_words(getattr(row, name)) for name in _WORDS}
    return replace(row, **words)


def _transaction(row: Row[Any]) -> Transaction:
    return Transaction(*_values_of(row))


def _match(row: Row[Any]) -> Match:
    return Match(
        row=_transaction(row),
        role=Role(row.part_role),
        at=row.part_executed_at,
        quantity=row.part_quantity,
        value=row.part_value,
        net_value=row.part_net_value,
        trident_id=row.part_trident_id,
        unit=None if row.part_unit is None else UnitName(row.part_unit),
    )
