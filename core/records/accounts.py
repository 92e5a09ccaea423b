"""The accounts the logins reach, and the operator's settings for each (SPEC 4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import case, insert, select, update

from core.broker.port import BrokerAccount
from core.records.database import Database
from core.records.errors import StateConflict
from core.records.rows import AccountRecord
from core.records.tables import accounts


class Accounts:
    def __init__(self, database: Database, epoch: int) -> None:
        self._database = database
        self._epoch = epoch

    async def discover(self, login: str, found: Sequence[BrokerAccount], *, enable_new: bool, at: datetime) -> None:
        """Records what a login reaches, in one commit; the operator's settings are kept.

        An account reached by two logins is one account: the first login that finds it after a start keeps it.
        """
        async with self._database.write() as connection:
            for account in found:
                broker_side = {"nickname": account.nickname, "kind": account.kind, "is_closed": account.is_closed}
                known = await connection.execute(
                    update(accounts)
                    .where(accounts.c.number == account.number)
                    .values(
                        login=case((accounts.c.epoch == self._epoch, accounts.c.login), else_=login),
                        epoch=self._epoch,
                        seen_at=at,
                        **broker_side,
                    )
                )
                if known.rowcount == 0:
                    await connection.execute(
                        insert(accounts).values(
                            number=account.number,
                            login=login,
                            epoch=self._epoch,
                            enabled=enable_new,
                            discovered_at=at,
                            seen_at=at,
                            **broker_side,
                        )
                    )

    async def all(self) -> tuple[AccountRecord, ...]:
        """Every account ever found, in the order they were found."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(accounts).order_by(accounts.c.discovered_at, accounts.c.number))
            return tuple(
                AccountRecord(
                    number=row.number,
                    nickname=row.nickname,
                    kind=row.kind,
                    is_closed=row.is_closed,
                    login=row.login,
                    enabled=row.enabled,
                    offset_cents=row.offset_cents,
                    width=row.width,
                    tolerance=row.tolerance,
                    position_limit=row.position_limit,
                )
                for row in rows
            )

    async def found_before(self, instant: datetime) -> tuple[str, ...]:
        """The numbers of the accounts that were first found before the instant."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(accounts.c.number).where(accounts.c.discovered_at < instant))
            return tuple(rows.scalars())

    async def set_enabled(self, number: str, enabled: bool, at: datetime) -> None:
        """Turns automation on or off for the account. Raises StateConflict for an account never found."""
        async with self._database.write() as connection:
            changed = await connection.execute(
                update(accounts).where(accounts.c.number == number).values(enabled=enabled, enabled_changed_at=at)
            )
            if changed.rowcount != 1:
                raise StateConflict("no login has found this account; connect first")
