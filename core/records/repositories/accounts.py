"""The accounts that the logins reach, and the operator's settings for each (rules 4, 15)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from core.broker.port import BrokerAccount
from core.domain.operation.account_settings import AccountField, AccountSetting
from core.domain.positions.exit_rules import OwnExits
from core.domain.positions.tridents import ExitMode
from core.domain.positions.units import UnitName
from core.records.repositories.rows import AccountChange, AccountRecord
from core.records.store.database import Database
from core.records.store.errors import StateConflict
from core.records.store.tables import account_changes, accounts, engine

BY_THE_ENGINE = "the console"
"""Who is recorded as having made the first account found the primary one."""

_COLUMNS = {
    AccountField.AUTOMATION: accounts.c.enabled,
    AccountField.OFFSET_CENTS: accounts.c.offset_cents,
    AccountField.WIDTH: accounts.c.width,
    AccountField.TOLERANCE: accounts.c.tolerance,
    AccountField.POSITION_LIMIT: accounts.c.position_limit,
    AccountField.MAIL: accounts.c.mail,
    AccountField.PRIMARY: accounts.c.is_primary,
    AccountField.SKIP: accounts.c.skip_day,
    AccountField.EXITS: accounts.c.exits,
    AccountField.TARGET_PUT_1: accounts.c.target_put_1,
    AccountField.TARGET_PUT_2: accounts.c.target_put_2,
    AccountField.TARGET_CALL: accounts.c.target_call,
    AccountField.EXIT_DTE: accounts.c.exit_dte,
    AccountField.LET_INDEX_EXPIRE: accounts.c.let_index_expire,
    AccountField.CALL_TARGET_LAST: accounts.c.call_target_last,
}
_TARGETS = {
    UnitName.PUT_1: accounts.c.target_put_1,
    UnitName.PUT_2: accounts.c.target_put_2,
    UnitName.CALL: accounts.c.target_call,
}
_ALL = select(accounts).order_by(accounts.c.discovered_at, accounts.c.number)
_REACHED = _ALL.where(accounts.c.epoch == select(engine.c.epoch).scalar_subquery())
_ONE = select(accounts).where(accounts.c.number == bindparam("account"))
_OF_ACCOUNT = accounts.c.number == bindparam("account")
_PRIMARY = select(accounts.c.number).where(accounts.c.is_primary)
_FIRST_FOUND = (
    select(accounts.c.number)
    .where(accounts.c.is_closed.is_(False))
    .order_by(accounts.c.discovered_at, accounts.c.number)
    .limit(1)
)
_NEW_CHANGE = insert(account_changes)
_CHANGES = select(account_changes).order_by(account_changes.c.seq)


class Accounts:
    """The recorded accounts. Raises RecordsError when the store fails."""

    def __init__(self, database: Database, epoch: int) -> None:
        self._database = database
        self._epoch = epoch

    async def discover(self, login: str, found: Sequence[BrokerAccount], *, enable_new: bool, at: datetime) -> None:
        """Records the accounts that a login reaches, in one commit. The operator's settings are kept.

        An account that two logins reach is one account: it belongs to the first login that finds it after a start. The
        first account ever found is the primary one until the operator names another.
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
            if (await connection.execute(_PRIMARY)).first() is None:
                first = (await connection.execute(_FIRST_FOUND)).scalar_one_or_none()
                if first is not None:
                    await _change(connection, first, AccountSetting(AccountField.PRIMARY, True), BY_THE_ENGINE, at)

    async def hand_over(self, login: str, numbers: Sequence[str]) -> None:
        """Records that this login reaches these accounts from now on: the broker refuses the login that did."""
        async with self._database.write() as connection:
            await connection.execute(update(accounts).where(accounts.c.number.in_(numbers)).values(login=login))

    async def all(self) -> tuple[AccountRecord, ...]:
        """Every account ever found, in the order they were found."""
        async with self._database.read() as connection:
            return tuple(_record(row) for row in await connection.execute(_ALL))

    async def reached(self) -> tuple[AccountRecord, ...]:
        """The accounts that the logins of the newest trader have reached, in the order they were found."""
        async with self._database.read() as connection:
            return tuple(_record(row) for row in await connection.execute(_REACHED))

    async def set(self, number: str, setting: AccountSetting, who: str, at: datetime) -> AccountSetting:
        """Changes a setting, and records in the same commit who, when, old and new. Returns the old setting.

        An unchanged value records nothing. Making an account primary takes that from the one that was. Raises
        StateConflict for an account that was never found, and for taking primary away without naming another account.
        """
        if setting.field is AccountField.PRIMARY and setting.value is not True:
            raise StateConflict("one account is always primary; make another one primary instead")
        async with self._database.write() as connection:
            if setting.field is AccountField.PRIMARY:
                for other in (await connection.execute(_PRIMARY)).scalars().all():
                    if other != number:
                        await _change(connection, other, AccountSetting(AccountField.PRIMARY, False), who, at)
            return await _change(connection, number, setting, who, at)

    async def set_enabled(self, number: str, enabled: bool, at: datetime, who: str = "the operator") -> None:
        """Turns automation on or off for the account. Raises StateConflict for an account that was never found."""
        await self.set(number, AccountSetting(AccountField.AUTOMATION, enabled), who, at)

    async def let_first_targets_wait(self, number: str, waits: bool) -> None:
        """Says whether the account's first targets wait for one more word of its operator (rules 15.4)."""
        async with self._database.write() as connection:
            await connection.execute(
                update(accounts).where(_OF_ACCOUNT).values(exits_first_wait=waits), {"account": number}
            )

    async def changes(self, number: str | None = None) -> tuple[AccountChange, ...]:
        """The changes of settings of one account or of all, oldest first."""
        query = _CHANGES if number is None else _CHANGES.where(account_changes.c.account == number)
        async with self._database.read() as connection:
            return tuple(
                AccountChange(row.account, AccountField(row.field), row.old, row.new, row.who, row.at)
                for row in await connection.execute(query)
            )

    async def found_before(self, instant: datetime) -> tuple[str, ...]:
        """The numbers of the accounts first found before the instant."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(accounts.c.number).where(accounts.c.discovered_at < instant))
            return tuple(rows.scalars())


async def _change(
    connection: AsyncConnection, number: str, setting: AccountSetting, who: str, at: datetime
) -> AccountSetting:
    """Makes the change and records it, in the transaction of the connection. Returns the old setting."""
    column = _COLUMNS[setting.field]
    row = (await connection.execute(_ONE, {"account": number})).one_or_none()
    if row is None:
        raise StateConflict("no login has found this account; connect first")
    old = AccountSetting(setting.field, getattr(row, column.name))
    if old == setting:
        return old
    values: dict[str, Any] = {column.name: setting.value}
    if setting.field is AccountField.AUTOMATION:
        values["enabled_changed_at"] = at
    await connection.execute(update(accounts).where(_OF_ACCOUNT).values(**values), {"account": number})
    change = {"account": number, "field": setting.field.value, "old": old.shown(), "new": setting.shown()}
    await connection.execute(_NEW_CHANGE, {**change, "who": who, "at": at})
    return old


async def read_own_exits(connection: AsyncConnection, number: str) -> OwnExits:
    """The account's own settings of exits, within a transaction. None of its own for an account never found."""
    row = (await connection.execute(_ONE, {"account": number})).one_or_none()
    return OwnExits() if row is None else _own_exits(row)


def _own_exits(row: Row[Any]) -> OwnExits:
    targets = {name: getattr(row, column.name) for name, column in _TARGETS.items()}
    return OwnExits(
        mode=None if row.exits is None else ExitMode(row.exits),
        targets={name: word for name, word in targets.items() if word is not None},
        exit_dte=row.exit_dte,
        let_index_expire=row.let_index_expire,
        call_last=row.call_target_last,
    )


def _record(row: Row[Any]) -> AccountRecord:
    return AccountRecord(
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
        mail=row.mail,
        is_primary=row.is_primary,
        skip_day=row.skip_day,
        exits=_own_exits(row),
        exits_first_wait=row.exits_first_wait,
    )
