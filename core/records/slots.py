"""The slots of a session day: each is run at most once, whoever asks (SPEC 3)."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from core.domain.reasons import Reason
from core.records.database import Database
from core.records.rows import SlotRecord, SlotWord
from core.records.tables import slots


class Slots:
    def __init__(self, database: Database, epoch: int) -> None:
        self._database = database
        self._epoch = epoch

    async def claim(self, day: date, slot: datetime, at: datetime) -> bool:
        """Takes the slot for this process; False when it was claimed or missed before. `Cycles.begin` claims by
        itself and also takes up a slot that this process claimed here."""
        return await self._take(day, slot, at, "claimed", "", "")

    async def miss(self, day: date, slot: datetime, reason: Reason, text: str, at: datetime) -> bool:
        """Records the slot as missed, with its reason; False when it was claimed or missed before."""
        return await self._take(day, slot, at, "missed", reason.code, text)

    async def of_day(self, day: date) -> tuple[SlotRecord, ...]:
        """The slots recorded for this day, earliest first."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(slots).where(slots.c.session_day == day).order_by(slots.c.slot))
            return tuple(
                SlotRecord(
                    row.session_day, row.slot, row.state, row.cycle, row.outcome, row.reason_code, row.reason_text
                )
                for row in rows
            )

    async def _take(self, day: date, slot: datetime, at: datetime, state: SlotWord, code: str, text: str) -> bool:
        try:
            async with self._database.write() as connection:
                await connection.execute(
                    insert(slots).values(
                        session_day=day,
                        slot=slot,
                        epoch=self._epoch,
                        state=state,
                        at=at,
                        outcome="",
                        reason_code=code,
                        reason_text=text,
                    )
                )
        except IntegrityError:
            return False
        return True
