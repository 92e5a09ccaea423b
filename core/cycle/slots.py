"""The slots of a day: which there are, which comes next, which were missed and why (rules 3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.domain.market.sessions import START_GRACE, Ahead, Session, SlotTimes, slots_of
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.market.calendar import SessionCalendar
from core.records.records import Records
from core.runtime.clock import Clock, exchange_time

# Scheduling takes wall time, however fast the market's clock runs: a start may always be this late (rules 14).
_LEAST_GRACE_WALL_S = 5.0
_LONGEST_ABSENCE = timedelta(days=90)


@dataclass(eq=False, repr=False)
class SlotBook:
    """Answers about slots from the exchange's calendar, and records the slots that did not run."""

    calendar: SessionCalendar
    times: SlotTimes
    records: Records
    clock: Clock

    def session(self) -> Session | None:
        return self.calendar.today(self.clock.now())

    def is_slot(self, instant: datetime) -> bool:
        session = self.calendar.on(exchange_time(instant).date())
        return session is not None and instant in slots_of(session, self.times)

    def of_today(self) -> tuple[datetime, ...]:
        session = self.session()
        return () if session is None else slots_of(session, self.times)

    def ahead(self) -> Ahead:
        """The sessions and slots ahead of now."""
        return self.calendar.ahead(self.clock.now(), self.times)

    def next(self) -> datetime:
        """The next slot (UTC), today or in a later session."""
        return self.ahead().next_slot

    def grace(self) -> timedelta:
        """How late a slot may start: 60 s of market time, and at least 5 s of wall time."""
        return max(START_GRACE, timedelta(seconds=_LEAST_GRACE_WALL_S * self.clock.speed))

    def lateness(self, slot: datetime) -> Refusal | None:
        """The refusal of a slot that is later than the grace allows, else None."""
        late = self.clock.now() - slot
        if late <= self.grace():
            return None
        return refuse(
            Reason.SUSPENDED, late_s=f"{late.total_seconds():.0f}", limit_s=f"{self.grace().total_seconds():.0f}"
        )

    async def miss(self, slot: datetime, refusal: Refusal) -> bool:
        """Records the slot as missed. False when it already has a record. Raises RecordsError."""
        return await self.records.slots.miss(
            exchange_time(slot).date(), slot, refusal.reason, refusal.sentence(), self.clock.now()
        )

    async def miss_passed(self, why: Callable[[datetime], Refusal | None] | None = None) -> Counter[Reason]:
        """Records the passed slots that have no record as missed, from the last recorded session on, but not over more
        than `_LONGEST_ABSENCE`. The reason is what `why` says of the slot, or how late it is now. Slots within the
        grace are left, as they may still run. Returns how many were recorded, by reason. Raises RecordsError."""
        now = self.clock.now()
        today = exchange_time(now).date()
        first = max(await self.records.slots.last_day() or today, today - _LONGEST_ABSENCE)
        missed: Counter[Reason] = Counter()
        for session in self.calendar.between(first, today):
            passed = [slot for slot in slots_of(session, self.times) if slot + self.grace() < now]
            reasons = {slot: refusal for slot in passed if (refusal := (why or self.lateness)(slot)) is not None}
            for slot in await self.records.slots.miss_all(session.day, reasons, now):
                missed[reasons[slot].reason] += 1
        return missed

    async def passed_unrecorded(self) -> tuple[datetime, ...]:
        """Today's slots that have passed and have neither run nor been missed. Raises RecordsError."""
        now = self.clock.now()
        recorded = {record.slot for record in await self.records.slots.of_day(exchange_time(now).date())}
        return tuple(slot for slot in self.of_today() if slot <= now and slot not in recorded)
