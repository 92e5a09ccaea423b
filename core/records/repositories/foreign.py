"""What is not ours at the broker: contracts of our legs that somebody else holds, and fills of other orders, each used
once (rules 15.4, 15.5)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.positions.attribution import ForeignFill
from core.domain.positions.units import Unit
from core.domain.trident.sides import Direction, LegSide
from core.records.repositories.unit_rows import GoneRecord, note_gone, recount
from core.records.store.database import Database
from core.records.store.errors import StateConflict
from core.records.store.one_of import one_of
from core.records.store.tables import foreign_fills, foreign_positions

FIRST_READ = "the first complete read"
"""The cause of the baseline: what was there before anything of it was known."""
_of_account = foreign_positions.c.account == bindparam("account")
_NEWEST = (
    select(func.max(foreign_positions.c.seq))
    .where(_of_account)
    .group_by(foreign_positions.c.symbol, foreign_positions.c.side)
)
_NOW = select(foreign_positions).where(foreign_positions.c.seq.in_(_NEWEST)).order_by(foreign_positions.c.seq)
_NEW = insert(foreign_positions)
_NEW_FILL = insert(foreign_fills)
_USED = select(foreign_fills.c.order_id, foreign_fills.c.fill_id).where(
    foreign_fills.c.account == bindparam("account"),
    one_of(foreign_fills.c.order_id, "order_ids"),
)
_NOTHING = ("", "")
"""Symbol and side of the row that says of an account without anything foreign that its baseline was taken."""


class Foreign:
    """The baselines of accounts and the foreign fills. Raises RecordsError when the store fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def positions(self, account: str) -> Mapping[LegSide, Decimal] | None:
        """The contracts of the account that are not ours, by leg; None before its baseline was taken."""
        async with self._database.read() as connection:
            return await _positions(connection, account)

    async def take_baseline(self, account: str, found: Mapping[LegSide, Decimal], at: datetime) -> None:
        """Records what was not ours at the account's first complete read. Raises StateConflict when its baseline was
        taken before: only foreign fills and attestations change it."""
        async with self._database.write() as connection:
            if await _positions(connection, account) is not None:
                raise StateConflict("what is foreign in this account is on record already")
            await connection.execute(_NEW, _row(account, _NOTHING, Decimal(0), FIRST_READ, "", at))
            for leg, quantity in found.items():
                await connection.execute(_NEW, _row(account, _stored(leg), quantity, FIRST_READ, "", at))

    async def attest(self, account: str, leg: LegSide, quantity: Decimal, who: str, at: datetime) -> None:
        """Records, on an operator's word, how many contracts of a leg are not ours. Raises ValueError without a who and
        for less than none, StateConflict before the baseline was taken."""
        if not who or quantity < 0:
            raise ValueError("somebody attests how many contracts are foreign")
        async with self._database.write() as connection:
            await _known(connection, account)
            await connection.execute(_NEW, _row(account, _stored(leg), quantity, f"attested by {who}", "", at))

    async def used(self, account: str, order_ids: Collection[str]) -> frozenset[tuple[str, str]]:
        """The keys of the fills of these orders that were used already."""
        if not order_ids:
            return frozenset()
        async with self._database.read() as connection:
            rows = await connection.execute(_USED, {"account": account, "order_ids": sorted(order_ids)})
            return frozenset((row.order_id, row.fill_id) for row in rows)

    async def use(
        self,
        account: str,
        fills: Sequence[ForeignFill],
        left: Mapping[LegSide, Decimal],
        at: datetime,
        gone: Iterable[GoneRecord] = (),
    ) -> dict[str, tuple[Unit, ...]]:
        """Uses foreign fills, in one commit: each is recorded, what is foreign after them, and what they closed of
        ours, with what that makes of the units. Returns the units of each trident that lost any.

        `left` is `after_foreign` of the positions on record. Raises StateConflict when one of the fills was used
        before, and when the baseline was not taken; then nothing is recorded.
        """
        async with self._database.write() as connection:
            before = await _known(connection, account)
            for fill in fills:
                await _use(connection, account, fill)
            order_ids = ", ".join(dict.fromkeys(fill.order_id for fill in fills))
            for leg in dict.fromkeys((*before, *left)):
                quantity = left.get(leg, Decimal(0))
                if quantity != before.get(leg, Decimal(0)):
                    row = _row(account, _stored(leg), quantity, "foreign fills", order_ids, at)
                    await connection.execute(_NEW, row)
            tridents: dict[str, None] = {}
            for one in gone:
                await note_gone(connection, one)
                tridents[one.trident_id] = None
            return {trident_id: await recount(connection, trident_id) for trident_id in tridents}


async def _positions(connection: AsyncConnection, account: str) -> dict[LegSide, Decimal] | None:
    rows = (await connection.execute(_NOW, {"account": account})).all()
    if not rows:
        return None
    return {
        (row.symbol, Direction(row.side)): row.quantity
        for row in rows
        if (row.symbol, row.side) != _NOTHING and row.quantity > 0
    }


async def _known(connection: AsyncConnection, account: str) -> dict[LegSide, Decimal]:
    """The contracts of the account that are not ours. Raises StateConflict before its baseline was taken."""
    found = await _positions(connection, account)
    if found is None:
        raise StateConflict("nothing is on record of what is foreign in this account")
    return found


async def _use(connection: AsyncConnection, account: str, fill: ForeignFill) -> None:
    order_id, fill_id = fill.key
    symbol, side = _stored(fill.leg)
    try:
        async with connection.begin_nested():
            await connection.execute(
                _NEW_FILL,
                {
                    "account": account,
                    "order_id": order_id,
                    "fill_id": fill_id,
                    "symbol": symbol,
                    "side": side,
                    "quantity": fill.quantity,
                    "opens": fill.opens,
                    "at": fill.at,
                },
            )
    except IntegrityError:
        raise StateConflict(f"fill {fill_id} of order {order_id} was used before") from None


def _stored(leg: LegSide) -> tuple[str, str]:
    symbol, side = leg
    return symbol, side.value


def _row(
    account: str, leg: tuple[str, str], quantity: Decimal, cause: str, order_id: str, at: datetime
) -> dict[str, object]:
    symbol, side = leg
    return {
        "account": account,
        "symbol": symbol,
        "side": side,
        "quantity": quantity,
        "cause": cause,
        "order_id": order_id,
        "at": at,
    }
