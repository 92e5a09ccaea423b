"""What units earned, accounts after each session's close, and the official closes of underlyings (rules 15.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, insert, or_, select, update
from sqlalchemy.engine import Row

from core.domain.positions.account_at_close import AccountAtClose
from core.domain.positions.pnl import OfficialClose, Realized, Unrealized
from core.domain.positions.units import UnitName
from core.records.repositories.trident_rows import TridentRecord, read_tridents, tridents_where
from core.records.repositories.unit_rows import UnitEarned, read_earned
from core.records.store.database import Database
from core.records.store.one_of import one_of
from core.records.store.tables import account_days, official_closes, tridents, units
from core.runtime.clock import exchange_time

_DAY = select(account_days.c.account).where(
    account_days.c.account == bindparam("account"), account_days.c.session_day == bindparam("session_day")
)
_DAYS = (
    select(account_days)
    .where(account_days.c.session_day.between(bindparam("first"), bindparam("last")))
    .order_by(account_days.c.session_day, account_days.c.account)
)
_CLOSE = select(official_closes.c.symbol).where(
    official_closes.c.symbol == bindparam("symbol"), official_closes.c.day == bindparam("day")
)
_CLOSES = (
    select(official_closes)
    .where(official_closes.c.symbol == bindparam("symbol"), official_closes.c.day >= bindparam("first"))
    .order_by(official_closes.c.day)
)
_OF_TIME = tridents_where(
    tridents.c.account == bindparam("account"),
    or_(tridents.c.ended_at.is_(None), tridents.c.ended_at >= bindparam("since")),
)
_ENDED_BETWEEN = tridents_where(
    tridents.c.account == bindparam("account"),
    tridents.c.ended_at >= bindparam("since"),
    tridents.c.ended_at < bindparam("until"),
)
_FIRST = (
    select(tridents.c.opened_at)
    .where(tridents.c.account == bindparam("account"))
    .order_by(tridents.c.opened_at)
    .limit(1)
)
_UNITS = select(units).where(units.c.trident_id == bindparam("trident_id"))
_OF_SEVERAL = select(units).where(one_of(units.c.trident_id, "ids"))
_DIFFERENCE = select(tridents.c.difference).where(tridents.c.id == bindparam("trident_id"))
_DIFFERENCES = select(tridents.c.id, tridents.c.difference).where(one_of(tridents.c.id, "ids"))
_DIFFERING = (
    select(tridents.c.id, tridents.c.difference, units.c.realized)
    .join(units, units.c.trident_id == tridents.c.id)
    .where(
        tridents.c.account == bindparam("account"),
        tridents.c.ended_at >= bindparam("since"),
        tridents.c.difference.is_not(None),
    )
)
_NONE = Decimal(0)
_STORE = update(units).where(units.c.trident_id == bindparam("of_trident"), units.c.unit == bindparam("of_unit"))
_STORE_DIFFERENCE = update(tridents).where(tridents.c.id == bindparam("of_trident"))
_EARNED = ("earned_day", "paid", "received", "settlement", "fees", "opening_fees", "fees_estimated", "realized")


@dataclass(frozen=True, slots=True)
class Earned:
    """What a unit realized, and the session to which it counts: None while it has not ended."""

    realized: Realized
    day: date | None


@dataclass(frozen=True, slots=True)
class EarnedOnRecord:
    """What was recorded last of a trident's money: `difference` as it was given to `note_earned`. `ended_on` has the
    exchange date on which each unit ended; units that have not are left out."""

    ended_on: Mapping[UnitName, date]
    values: Mapping[UnitName, Mapping[str, object]]
    difference: Decimal | None

    def is_of(self, earned: Mapping[UnitName, Earned], difference: Decimal | None) -> bool:
        """Whether noting this would change nothing."""
        values = {name: _earned_values(one) for name, one in earned.items()}
        return (self.values, self.difference) == (values, difference)


class PnlRows:
    """What the figures of money are read from. Raises RecordsError when the store fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tridents(self, account: str, since: datetime) -> tuple[TridentRecord, ...]:
        """The account's tridents that have not ended, or not before this instant, the oldest first."""
        async with self._database.read() as connection:
            return await read_tridents(connection, _OF_TIME, {"account": account, "since": since})

    async def ended_between(self, account: str, since: datetime, until: datetime) -> tuple[TridentRecord, ...]:
        """The account's tridents that ended at `since` or later and before `until`, the oldest first."""
        async with self._database.read() as connection:
            return await read_tridents(connection, _ENDED_BETWEEN, {"account": account, "since": since, "until": until})

    async def first_trident(self, account: str) -> date | None:
        """The exchange date on which the account's first trident on record was opened; None while there is none."""
        async with self._database.read() as connection:
            opened_at = (await connection.execute(_FIRST, {"account": account})).scalar_one_or_none()
        return None if opened_at is None else exchange_time(opened_at).date()

    async def units(self, trident_id: str) -> Mapping[UnitName, UnitEarned]:
        """What each unit of the trident has earned, as it was recorded."""
        return (await self.of_tridents([trident_id]))[trident_id]

    async def of_tridents(self, ids: Sequence[str]) -> Mapping[str, Mapping[UnitName, UnitEarned]]:
        """The same of several tridents, by their ids."""
        async with self._database.read() as connection:
            return await read_earned(connection, ids)

    async def earned_of(self, ids: Sequence[str]) -> Mapping[str, EarnedOnRecord]:
        """What `note_earned` recorded last of each of these tridents, by their ids."""
        ended_on: dict[str, dict[UnitName, date]] = {one: {} for one in ids}
        values: dict[str, dict[UnitName, dict[str, object]]] = {one: {} for one in ids}
        async with self._database.read() as connection:
            for row in await connection.execute(_OF_SEVERAL, {"ids": tuple(ids)}):
                name = UnitName(row.unit)
                values[row.trident_id][name] = {column: getattr(row, column) for column in _EARNED}
                if row.ended_at is not None:
                    ended_on[row.trident_id][name] = exchange_time(row.ended_at).date()
            differences = (await connection.execute(_DIFFERENCES, {"ids": tuple(ids)})).all()
        return {row.id: EarnedOnRecord(ended_on[row.id], values[row.id], row.difference) for row in differences}

    async def note_earned(
        self, trident_id: str, earned: Mapping[UnitName, Earned], difference: Decimal | None = None
    ) -> bool:
        """Records what the units of a trident realized, in place of what was known. Returns whether `difference`, by
        how much the broker's rows say more, is another one than before."""
        async with self._database.write() as connection:
            for row in (await connection.execute(_UNITS, {"trident_id": trident_id})).all():
                values = _earned_values(earned[UnitName(row.unit)])
                if any(getattr(row, name) != values[name] for name in _EARNED):
                    await connection.execute(_STORE, {"of_trident": trident_id, "of_unit": row.unit, **values})
            before = (await connection.execute(_DIFFERENCE, {"trident_id": trident_id})).scalar_one()
            if before != difference:
                await connection.execute(_STORE_DIFFERENCE, {"of_trident": trident_id, "difference": difference})
        return bool(before != difference)

    async def results(self, account: str, since: datetime) -> Mapping[str, tuple[Decimal, Decimal]]:
        """What tridents of the account that ended at this instant or later realized, by our records and by the broker's
        rows, where these differ: by the trident's id."""
        values = {"account": account, "since": since}
        async with self._database.read() as connection:
            found: dict[str, tuple[Decimal, Decimal]] = {}
            for row in await connection.execute(_DIFFERING, values):
                ours, theirs = found.get(row.id, (_NONE, row.difference))
                realized = row.realized or _NONE
                found[row.id] = ours + realized, theirs + realized
        return {trident_id: both for trident_id, both in found.items() if both[0] != both[1]}

    async def add_day(self, of: AccountAtClose) -> bool:
        """Records the account's day. False when it is recorded already: it stays as it is."""
        key = {"account": of.account, "session_day": of.day}
        async with self._database.write() as connection:
            if (await connection.execute(_DAY, key)).first() is not None:
                return False
            await connection.execute(
                insert(account_days).values(
                    **key,
                    open_risk=of.open_risk,
                    capital=of.capital,
                    unrealized_mid=None if of.unrealized is None else of.unrealized.mid,
                    unrealized_natural=None if of.unrealized is None else of.unrealized.natural,
                    realized=of.realized,
                    fees=of.fees,
                    at=of.at,
                )
            )
        return True

    async def days(self, first: date, last: date) -> tuple[AccountAtClose, ...]:
        """The days of all accounts from first to last, both included, by day and account."""
        async with self._database.read() as connection:
            found = await connection.execute(_DAYS, {"first": first, "last": last})
            return await self._database.beside(lambda: tuple([_at_close(row) for row in found]))

    async def add_close(self, symbol: str, day: date, close: OfficialClose) -> bool:
        """Records the underlying's official close of a session. False when it is recorded already."""
        key = {"symbol": symbol, "day": day}
        async with self._database.write() as connection:
            if (await connection.execute(_CLOSE, key)).first() is not None:
                return False
            await connection.execute(insert(official_closes).values(**key, price=close.price, at=close.at))
        return True

    async def closes(self, symbol: str, first: date) -> Sequence[OfficialClose]:
        """The underlying's official closes from this session on, ascending."""
        async with self._database.read() as connection:
            found = await connection.execute(_CLOSES, {"symbol": symbol, "first": first})
            return tuple(OfficialClose(row.at, row.price) for row in found)


def _at_close(row: Row[Any]) -> AccountAtClose:
    return AccountAtClose(
        account=row.account,
        day=row.session_day,
        open_risk=row.open_risk,
        capital=row.capital,
        unrealized=_unrealized(row.unrealized_mid, row.unrealized_natural),
        realized=row.realized,
        fees=row.fees,
        at=row.at,
    )


def _unrealized(mid: Decimal | None, natural: Decimal | None) -> Unrealized | None:
    return None if mid is None or natural is None else Unrealized(mid, natural)


def _earned_values(earned: Earned) -> dict[str, object]:
    """Of a unit that has not ended, or that nothing explains, only the fees are known."""
    found = earned.realized
    is_known = earned.day is not None and not found.unexplained
    return {
        "earned_day": earned.day,
        "paid": found.paid if is_known else None,
        "received": found.received if is_known else None,
        "settlement": found.settlement if is_known else None,
        "fees": found.fees,
        "opening_fees": found.opening_fees,
        "fees_estimated": found.estimated,
        "realized": found.net if is_known else None,
    }
