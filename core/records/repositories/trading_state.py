"""Whether entries are allowed (rules 9): active, paused or halted, with who, when and why."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.operation.times import stamp
from core.records.repositories.rows import TradingState, TradingWord
from core.records.store.database import Database
from core.records.store.errors import RecordsError, StateConflict
from core.records.store.tables import ONLY_ROW, trading_state

_CURRENT = select(trading_state).where(trading_state.c.id == ONLY_ROW)


class TradingStates:
    """The recorded trading state.

    Each change is committed before it is answered: a pause acknowledged is recorded (rules 9).
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> TradingState:
        """The present trading state."""
        async with self._database.read() as connection:
            return await _current(connection, self._database.name)

    async def pause(self, who: str, why: str, at: datetime) -> TradingState:
        """Stops entries. A halt is the stronger stop and stays."""
        return await self._change("paused", who, why, at, keep=("paused", "halted"))

    async def resume(self, who: str, why: str, at: datetime) -> TradingState:
        """Allows entries again. Raises StateConflict while halted: `resolve_halt` comes first."""
        return await self._change("active", who, why, at, keep=("active",), refuse=("halted",))

    async def halt(self, who: str, why: str, at: datetime) -> TradingState:
        """Stops entries until the cause is resolved. The first cause stays on record."""
        return await self._change("halted", who, why, at, keep=("halted",))

    async def resolve_halt(self, who: str, why: str, at: datetime) -> TradingState:
        """Ends a halt because its cause is gone. Entries are then paused until somebody resumes them."""
        return await self._change("paused", who, why, at, keep=("active", "paused"))

    async def _change(
        self,
        new: TradingWord,
        who: str,
        why: str,
        at: datetime,
        *,
        keep: tuple[TradingWord, ...],
        refuse: tuple[TradingWord, ...] = (),
    ) -> TradingState:
        """Changes the state, but not from one in `keep`. Raises StateConflict in a state in `refuse`."""
        async with self._database.write() as connection:
            now = await _current(connection, self._database.name)
            if now.state in refuse:
                since = "" if now.at is None else f" since {stamp(now.at)}"
                raise StateConflict(f"entries are {now.state}{since} by {now.who}: {now.why}")
            if now.state in keep:
                return now
            await connection.execute(
                update(trading_state).where(trading_state.c.id == ONLY_ROW).values(state=new, who=who, at=at, why=why)
            )
            return await _current(connection, self._database.name)


async def _current(connection: AsyncConnection, name: str) -> TradingState:
    rows = await connection.execute(_CURRENT)
    row = rows.one_or_none()
    if row is None:
        raise RecordsError(f"{name} lost its trading state; restore it from a backup")
    return TradingState(row.state, row.who, row.at, row.why)
