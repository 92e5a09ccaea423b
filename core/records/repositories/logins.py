"""The logins, and whether the broker accepts their tokens (rules 4, 7)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, insert, select, update

from core.records.repositories.rows import LoginRecord
from core.records.store.database import Database
from core.records.store.tables import logins

_ALL = select(logins).order_by(logins.c.name)
_ONE = select(logins.c.is_valid).where(logins.c.name == bindparam("login"))
_NEW = insert(logins)
_CHECKED = update(logins).where(logins.c.name == bindparam("login"))


class Logins:
    """The recorded logins. Raises RecordsError when the store fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, name: str, *, is_valid: bool, detail: str, at: datetime) -> bool:
        """Records whether the broker accepted the login's token at `at`. True when its answer has changed.

        The first answer about a login counts as a change only when the token is bad. `detail` is the broker's words,
        without secrets.
        """
        async with self._database.write() as connection:
            known = (await connection.execute(_ONE, {"login": name})).one_or_none()
            values = {"is_valid": is_valid, "checked_at": at, "detail": detail}
            if known is None:
                await connection.execute(_NEW, {"name": name, "changed_at": at, **values})
                return not is_valid
            changed = known.is_valid is not is_valid
            await connection.execute(
                _CHECKED.values(**values, **({"changed_at": at} if changed else {})), {"login": name}
            )
            return changed

    async def all(self) -> tuple[LoginRecord, ...]:
        """Every login ever checked, by name."""
        async with self._database.read() as connection:
            return tuple(LoginRecord(**row) for row in (await connection.execute(_ALL)).mappings())
