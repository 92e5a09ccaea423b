"""Whether exits are held: for all accounts, or for one, with who, when and why (rules 15.4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, insert, select, update

from core.records.store.database import Database
from core.records.store.tables import exit_switch

ALL_ACCOUNTS = ""
"""The account of the switch that counts for all of them."""
_ALL = select(exit_switch).order_by(exit_switch.c.account)
_STORE = update(exit_switch).where(exit_switch.c.account == bindparam("of_account"))
_NEW = insert(exit_switch)


@dataclass(frozen=True, slots=True)
class Switch:
    """What was last said of the exits of an account, or of all where `account` is empty. `at` is aware UTC."""

    account: str
    held: bool
    who: str
    at: datetime
    why: str


class ExitSwitches:
    """The recorded switches. A hold that is answered is recorded: `Exits.mark_sent` sends nothing while one counts.
    Raises RecordsError when the store fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> tuple[Switch, ...]:
        """What was last said of all accounts and of each, those of which something was."""
        async with self._database.read() as connection:
            return tuple(
                Switch(row.account, row.held, row.who, row.at, row.why) for row in await connection.execute(_ALL)
            )

    async def held(self, account: str) -> Switch | None:
        """The switch that holds the account's exits, that of all accounts first; None when they are on."""
        return next(
            (one for one in await self.all() if one.held and one.account in (ALL_ACCOUNTS, account)),
            None,
        )

    async def hold(self, account: str, who: str, why: str, at: datetime) -> Switch:
        """Holds the exits of an account, or of all. Who held them first stays on record."""
        return await self._set(Switch(account, True, who, at, why))

    async def resume(self, account: str, who: str, why: str, at: datetime) -> Switch:
        """Switches the exits of an account on again, or of all. An account's own hold is not lifted by that of all, nor
        the other way round."""
        return await self._set(Switch(account, False, who, at, why))

    async def _set(self, new: Switch) -> Switch:
        values = {"held": new.held, "who": new.who, "at": new.at, "why": new.why}
        async with self._database.write() as connection:
            for row in await connection.execute(_ALL):
                if row.account != new.account:
                    continue
                if row.held == new.held:
                    return Switch(row.account, row.held, row.who, row.at, row.why)
                await connection.execute(_STORE, {"of_account": new.account, **values})
                return new
            await connection.execute(_NEW, {"account": new.account, **values})
        return new
