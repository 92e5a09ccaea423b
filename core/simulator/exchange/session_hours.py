"""The instants at which somebody acts on accounts around a session, in exchange time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from core.runtime.clock import EXCHANGE_ZONE, exchange_time
from core.simulator.market.market_data import TradingSession

HAND_AFTER_OPEN = timedelta(minutes=30)
DESK_BEFORE_CLOSE = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class SessionHours:
    """The instants of one session, in UTC. `day` is its exchange date."""

    day: date
    hand: datetime
    """When an operator sells assigned shares, if one does: 30 minutes after the open."""
    desk: datetime
    """When the risk desk looks at what expires: 30 minutes before the close."""
    exercise: datetime
    """When options of an ETF are exercised: 17:00. Nobody sees it before the morning."""
    evening: datetime
    """When the day's settlements are posted: 22:00."""
    morning: datetime
    """When exercises and assignments are posted: 06:00 of the next day."""


def hours_of(session: TradingSession) -> SessionHours:
    """The instants of a session."""
    return SessionHours(
        day=session.day,
        hand=session.open + HAND_AFTER_OPEN,
        desk=session.close - DESK_BEFORE_CLOSE,
        exercise=_at(session.day, time(17)),
        evening=_at(session.day, time(22)),
        morning=morning_of(session.day + timedelta(days=1)),
    )


def evening_of(at: datetime) -> datetime:
    """22:00 of the exchange date of an instant, in UTC."""
    return _at(exchange_time(at).date(), time(22))


def adjustment_of(day: date) -> datetime:
    """06:30 of an exchange date, in UTC: when positions are adjusted, after what the morning delivers."""
    return _at(day, time(6, 30))


def morning_of(day: date) -> datetime:
    """06:00 of an exchange date, in UTC."""
    return _at(day, time(6))


def next_morning(at: datetime) -> datetime:
    """The first 06:00 exchange time after an instant, in UTC."""
    day = exchange_time(at).date()
    return morning_of(day) if morning_of(day) > at else morning_of(day + timedelta(days=1))


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, EXCHANGE_ZONE).astimezone(UTC)
