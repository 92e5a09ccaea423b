"""Accounts after each session's close, and the official closes of underlyings: each written once (rules 15.6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy import bindparam, insert, select

from core.domain.positions.account_at_close import AccountAtClose
from core.domain.positions.pnl import OfficialClose, Unrealized
from core.records.store.database import Database
from core.records.store.tables import account_days, official_closes

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


class PnlRows:
    """What is kept once a session for the figures of money. Raises RecordsError when the store fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

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
            return tuple(
                AccountAtClose(
                    account=row.account,
                    day=row.session_day,
                    open_risk=row.open_risk,
                    capital=row.capital,
                    unrealized=_unrealized(row.unrealized_mid, row.unrealized_natural),
                    realized=row.realized,
                    fees=row.fees,
                    at=row.at,
                )
                for row in found
            )

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


def _unrealized(mid: Decimal | None, natural: Decimal | None) -> Unrealized | None:
    return None if mid is None or natural is None else Unrealized(mid, natural)
