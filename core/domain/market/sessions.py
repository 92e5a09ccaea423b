"""The sessions of the exchange and the slots in them (rules 3).

A session is one trading day. A slot is a moment in it at which a cycle is scheduled to start.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.operation.times import EXCHANGE_ZONE as EXCHANGE_ZONE
from core.domain.operation.times import minute

LAST_ENTRY_BEFORE_CLOSE = timedelta(minutes=15)
START_GRACE = timedelta(seconds=60)

MARKET_OPEN, BEFORE_OPEN = "open", "before the open"
"""The word of a market in its session."""


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day. `day` is the exchange's date; `open` and `close` are aware instants in UTC."""

    day: date
    open: datetime
    close: datetime

    def is_open(self, now: datetime) -> bool:
        return self.open <= now < self.close

    @property
    def half_day(self) -> bool:
        """Whether the session closes before 16:00 exchange time."""
        return self.close.astimezone(EXCHANGE_ZONE).time() < time(16, 0)


@dataclass(frozen=True, slots=True)
class Ahead:
    """The sessions and slots ahead of an instant. Instants are aware UTC.

    `today` is the exchange's date, `session` its session or None, `slot` the next slot of today or None. `next_open`
    and `next_day` are the open and the first slot of the next session that has a slot.
    """

    today: date
    session: Session | None
    slot: datetime | None
    next_open: datetime
    next_day: datetime

    @property
    def next_slot(self) -> datetime:
        """The next slot, today or in a later session."""
        return self.slot or self.next_day


@dataclass(frozen=True, slots=True)
class SlotTimes:
    """The first and last slot (exchange time) and the minutes between slots.

    The settings choose them; these are the defaults.
    """

    first: time = time(9, 45)
    last: time = time(14, 45)
    interval_minutes: int = 15

    def __post_init__(self) -> None:
        """Raises ValueError for an interval below one minute."""
        if self.interval_minutes < 1:
            raise ValueError(f"slot interval {self.interval_minutes} is below one minute")


@lru_cache(64)
def slots_of(session: Session, times: SlotTimes) -> tuple[datetime, ...]:
    """The slots of a session as UTC instants: 21 on a full day by default.

    None is before the open or later than 15 minutes before the close, whatever the settings say.
    """
    slot = datetime.combine(session.day, times.first, EXCHANGE_ZONE)
    last = min(
        datetime.combine(session.day, times.last, EXCHANGE_ZONE).astimezone(UTC),
        session.close - LAST_ENTRY_BEFORE_CLOSE,
    )
    slots: list[datetime] = []
    while slot.astimezone(UTC) <= last:
        if slot.astimezone(UTC) >= session.open:
            slots.append(slot.astimezone(UTC))
        slot += timedelta(minutes=times.interval_minutes)
    return tuple(slots)


def has_slot_left(session: Session, times: SlotTimes, now: datetime) -> bool:
    """Whether a slot of the session is still to come, or may still start. `now` is aware UTC."""
    slots = slots_of(session, times)
    return bool(slots) and now <= slots[-1] + START_GRACE


def may_force(now: datetime, session: Session | None, times: SlotTimes) -> Refusal | None:
    """Why a forced cycle may not start now, or None when it may.

    It may from the first slot to 15 minutes before the close (rules 3).
    """
    if session is None:
        return refuse(Reason.MARKET_CLOSED)
    first = max(datetime.combine(session.day, times.first, EXCHANGE_ZONE), session.open)
    last = session.close - LAST_ENTRY_BEFORE_CLOSE
    if now < first:
        return refuse(Reason.BEFORE_FIRST_SLOT, first=minute(first))
    if now > last:
        return refuse(Reason.AFTER_LAST_ENTRY, last=minute(last))
    return None


def word_by_calendar(session: Session | None, now: datetime) -> str:
    """The market's word by the calendar alone: closed, before the open, or open. `now` is aware UTC."""
    if session is None or now >= session.close:
        return "closed"
    return BEFORE_OPEN if now < session.open else MARKET_OPEN
