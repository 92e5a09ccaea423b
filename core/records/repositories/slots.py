"""The slots of a session day: each is run at most once, whoever asks (rules 3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.exc import IntegrityError

from core.domain.operation.reasons import Reason, Refusal
from core.records.repositories.rows import SlotRecord
from core.records.store.database import Database
from core.records.store.tables import slots

_NEW_SLOT = insert(slots)
_SLOTS_OF_DAY = select(slots.c.slot).where(slots.c.session_day == bindparam("session_day"))
_LAST_DAY = select(func.max(slots.c.session_day))


class Slots:
    """The recorded slots. Missed ones are written here; `Cycles.begin` claims the others."""

    def __init__(self, database: Database, epoch: int) -> None:
        self._database = database
        self._epoch = epoch

    async def miss(self, day: date, slot: datetime, reason: Reason, text: str, at: datetime) -> bool:
        """Records the slot as missed, with its reason. False when it was claimed or missed before."""
        try:
            async with self._database.write() as connection:
                await connection.execute(_NEW_SLOT, self._missed(day, slot, at, reason.code, text))
        except IntegrityError:
            return False
        return True

    async def miss_all(self, day: date, missed: Mapping[datetime, Refusal], at: datetime) -> tuple[datetime, ...]:
        """Records these slots of a day as missed, except those claimed or missed before. Returns those that were
        new."""
        if not missed:
            return ()
        async with self._database.write() as connection:
            known = set((await connection.execute(_SLOTS_OF_DAY, {"session_day": day})).scalars())
            new = {slot: refusal for slot, refusal in missed.items() if slot not in known}
            if new:
                rows = [self._missed(day, slot, at, refusal.code, refusal.sentence()) for slot, refusal in new.items()]
                await connection.execute(_NEW_SLOT, rows)
        return tuple(new)

    async def last_day(self) -> date | None:
        """The last session day with a recorded slot; None before the first."""
        async with self._database.read() as connection:
            last: date | None = (await connection.execute(_LAST_DAY)).scalar_one()
            return last

    async def of_day(self, day: date) -> tuple[SlotRecord, ...]:
        """The recorded slots of this day, earliest first."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(slots).where(slots.c.session_day == day).order_by(slots.c.slot))
            return tuple(
                SlotRecord(
                    row.session_day, row.slot, row.state, row.cycle, row.outcome, row.reason_code, row.reason_text
                )
                for row in rows
            )

    def _missed(self, day: date, slot: datetime, at: datetime, code: str, text: str) -> dict[str, object]:
        return {
            "session_day": day,
            "slot": slot,
            "epoch": self._epoch,
            "state": "missed",
            "at": at,
            "outcome": "",
            "reason_code": code,
            "reason_text": text,
        }
