"""The cycles, numbered from 1.

Each begins once and ends once, or is found interrupted at the next start (rules 3, 4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, bindparam, func, insert, literal_column, select, update
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.operation.reasons import Reason
from core.domain.operation.runs import AccountRun
from core.records.repositories.results import note_runs
from core.records.repositories.rows import CycleRecord
from core.records.store.database import Database
from core.records.store.errors import StateConflict
from core.records.store.tables import cycles, slots

# A literal: for a parameter the database does not use the index of claimed slots.
_CLAIMED = slots.c.state == literal_column("'claimed'")
_NEWEST = select(func.coalesce(func.max(cycles.c.number), 0))
_NEW_CYCLE = insert(cycles)
_NEW_SLOT = insert(slots)
_END = update(cycles).where(cycles.c.number == bindparam("ending"), cycles.c.ended_at.is_(None))
_END_SLOT = update(slots).where(slots.c.cycle == bindparam("ending"))


class Cycles:
    """The recorded cycles. Raises RecordsError when the store fails."""

    def __init__(self, database: Database, epoch: int) -> None:
        self._database = database
        self._epoch = epoch

    async def begin(self, day: date, slot: datetime | None, forced: bool, at: datetime) -> int | None:
        """Claims the slot and begins its cycle in one commit. Returns the cycle's number.

        None when the slot is missed, run or claimed already. `slot` is None for a forced cycle.
        """
        try:
            async with self._database.write() as connection:
                number = 1 + await _newest(connection)
                await connection.execute(
                    _NEW_CYCLE,
                    {
                        "number": number,
                        "epoch": self._epoch,
                        "session_day": day,
                        "slot": slot,
                        "forced": forced,
                        "began_at": at,
                        "outcome": "",
                        "reason_code": "",
                        "reason_text": "",
                        "totals": {},
                    },
                )
                if slot is not None:
                    await connection.execute(
                        _NEW_SLOT,
                        {
                            "session_day": day,
                            "slot": slot,
                            "epoch": self._epoch,
                            "state": "claimed",
                            "at": at,
                            "cycle": number,
                            "outcome": "",
                            "reason_code": "",
                            "reason_text": "",
                        },
                    )
        except IntegrityError:
            if slot is None:
                raise
            return None  # the slot has a row already; the cycle's row was rolled back
        return number

    async def end(
        self,
        number: int,
        outcome: str,
        reason_code: str,
        reason_text: str,
        totals: Mapping[str, int],
        at: datetime,
        runs: Sequence[AccountRun] = (),
    ) -> None:
        """Ends the cycle and its slot, and records each account's run, in one commit.

        Raises StateConflict when the cycle is not running.
        """
        ending = {"ending": number, "outcome": outcome, "reason_code": reason_code, "reason_text": reason_text}
        async with self._database.write() as connection:
            ended = await connection.execute(_END, {"ended_at": at, "totals": dict(totals), **ending})
            if ended.rowcount != 1:
                raise StateConflict(f"cycle {number} is not running; it cannot end")
            await connection.execute(_END_SLOT, {"state": "done", **ending})
            await note_runs(connection, runs)

    async def interrupt_unfinished(self, at: datetime) -> tuple[int, ...]:
        """Ends the cycles that earlier processes left: they fail as interrupted, and their slots are not run again.

        Returns their numbers. Entries are not touched: reconciliation decides about them.
        """
        reason = Reason.INTERRUPTED
        ending = {"outcome": "failed", "reason_code": reason.code, "reason_text": reason.sentence}
        async with self._database.write() as connection:
            unfinished = and_(cycles.c.ended_at.is_(None), cycles.c.epoch != self._epoch)
            rows = await connection.execute(select(cycles.c.number).where(unfinished).order_by(cycles.c.number))
            numbers = tuple(rows.scalars())
            await connection.execute(update(cycles).where(unfinished).values(ended_at=at, **ending))
            await connection.execute(
                update(slots).where(_CLAIMED, slots.c.epoch != self._epoch).values(state="interrupted", **ending)
            )
        return numbers

    async def newest(self) -> int:
        """The number of the newest cycle; 0 before the first."""
        async with self._database.read() as connection:
            return await _newest(connection)

    async def get(self, number: int) -> CycleRecord | None:
        """The cycle with this number; None when there is none."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(cycles).where(cycles.c.number == number))
            row = rows.one_or_none()
            return None if row is None else cycle_of(row)

    async def of_day(self, day: date) -> tuple[CycleRecord, ...]:
        """The cycles of a session day, in their order."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(cycles).where(cycles.c.session_day == day).order_by(cycles.c.number))
            return tuple(cycle_of(row) for row in rows)

    async def of_days(self) -> Mapping[date, int]:
        """How many cycles each session day has that has any, oldest first."""
        day = cycles.c.session_day
        async with self._database.read() as connection:
            rows = await connection.execute(select(day, func.count().label("count")).group_by(day).order_by(day))
            return {row.session_day: row._mapping["count"] for row in rows}


async def _newest(connection: AsyncConnection) -> int:
    rows = await connection.execute(_NEWEST)
    number: int = rows.scalar_one()
    return number


def cycle_of(row: Row[Any]) -> CycleRecord:
    return CycleRecord(
        number=row.number,
        day=row.session_day,
        slot=row.slot,
        forced=row.forced,
        began_at=row.began_at,
        ended_at=row.ended_at,
        outcome=row.outcome,
        reason_code=row.reason_code,
        reason_text=row.reason_text,
        totals=row.totals,
    )
