"""When the time exit of a trident starts, walks and ends, by the sessions of the exchange (rules 15.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from core.domain.market.sessions import EXCHANGE_ZONE, Session
from core.domain.positions.tridents import ExitMode, ManagedTrident, Phase
from core.domain.positions.units import left_of

EXIT_DTE = (1, 30)
"""The least and the most calendar days before expiration at which a time exit may start."""
STARTS_AT = time(10, 0)
FIRST_WALK = time(9, 45)
LAST_HOUR = timedelta(minutes=60)
DEADLINE = timedelta(minutes=30)
ENDS_BEFORE = timedelta(minutes=15)
PROVED_WITHIN = timedelta(minutes=2)
"""The time that the proof of a cancel may take; one that takes longer is told."""


@dataclass(frozen=True, slots=True)
class ExitDays:
    """The days of one trident up to its expiration.

    `sessions` are the exchange's, ascending, from the day of the entry or earlier up to the expiration or later.
    Instants are aware UTC; days are the exchange's dates. Times of day count back from the calendar's close, so that a
    half day has them earlier.
    """

    expiration: date
    sessions: Sequence[Session]

    def dte(self, day: date) -> int:
        """Calendar days from this day to the expiration."""
        return (self.expiration - day).days

    @property
    def last_day(self) -> Session:
        """The last session before the expiration: a Monday's expiration has the Friday. Raises ValueError without."""
        before = [session for session in self.sessions if session.day < self.expiration]
        if not before:
            raise ValueError(f"no session before {self.expiration} is known")
        return before[-1]

    def is_last_day(self, day: date) -> bool:
        """Whether this is the last session before the expiration, or a later day."""
        return day >= self.last_day.day

    def is_last_before(self, day: date, other: date) -> bool:
        """Whether this day is the last session before another day."""
        if day >= other:
            return False
        following = next((session.day for session in self.sessions if session.day > day), None)
        return following is not None and following >= other

    def start(self, exit_dte: int) -> datetime | None:
        """10:00 of the first session with at most `exit_dte` days to expiration, at the latest of the last one before
        it; None when there is none.

        Raises ValueError for days outside 1..30.
        """
        least, most = EXIT_DTE
        if not least <= exit_dte <= most:
            raise ValueError(f"exit-dte {exit_dte} is outside {least}..{most}")
        before = [session.day for session in self.sessions if session.day < self.expiration]
        last = before[-1] if before else self.expiration
        near = [s for s in self.sessions if (self.dte(s.day) <= exit_dte or s.day >= last) and s.day <= self.expiration]
        return None if not near else at_time(near[0], STARTS_AT)

    @property
    def deadline(self) -> datetime:
        """Close - 30 min of the last day: from here a QQQ trident must be closed at natural."""
        return self.last_day.close - DEADLINE


def must_close_on(trident: ManagedTrident, days: ExitDays, day: date) -> bool:
    """Whether a trident whose underlying is delivered has its last session before the expiration on this day: not one
    contract of it may be held into that."""
    return not trident.cash_settled and day == days.last_day.day


def at_time(session: Session, at: time) -> datetime:
    """A time of day of the exchange in this session, aware, in the zone of the session's open."""
    return datetime.combine(session.day, at, EXCHANGE_ZONE).astimezone(session.open.tzinfo)


def walk_begins(session: Session, expiration: date) -> datetime:
    """When the walk of a time exit begins in this session: 10:00, and 09:45 on the day of expiration."""
    return at_time(session, FIRST_WALK if session.day == expiration else STARTS_AT)


def last_hour(session: Session) -> datetime:
    """Close - 60 min."""
    return session.close - LAST_HOUR


def desk_from(session: Session) -> datetime:
    """From when on the day of expiration nothing of ours is left to work, so that its end is proved by close - 60 min:
    then the broker's desk may close the legs."""
    return last_hour(session) - PROVED_WITHIN


def walk_ends(session: Session) -> datetime:
    """Close - 15 min: no price changes any more."""
    return session.close - ENDS_BEFORE


def time_exit_at(trident: ManagedTrident, days: ExitDays, now: datetime) -> datetime | None:
    """When the trident's time exit begins by its rules; None when it has begun, or none will."""
    rules = trident.rules
    lets_expire = trident.cash_settled and rules.let_index_expire
    if rules.mode is not ExitMode.ALL or lets_expire or trident.phase is not Phase.OPEN or not left_of(trident.units):
        return None
    start = days.start(rules.exit_dte)
    return start if start is not None and start > now else None


def next_exit_at(trident: ManagedTrident, days: ExitDays, now: datetime) -> datetime | None:
    """When its time exit begins; once it has begun, when the walk of the next session does. None when neither is to
    come."""
    if trident.phase is not Phase.CLOSING or not left_of(trident.units):
        return time_exit_at(trident, days, now)
    goes_on = (walk_begins(one, trident.expiration) for one in days.sessions if one.day <= trident.expiration)
    return next((at for at in goes_on if at > now), None)


def next_turn(trident: ManagedTrident, days: ExitDays, now: datetime) -> datetime | None:
    """The next instant at which the clock alone changes what comes next for the trident, whatever it waits for; None
    when there is none, as for one that is over."""
    if trident.phase in (Phase.SETTLING, Phase.ENDED):
        return None
    ahead = [next_exit_at(trident, days, now)]
    if not trident.cash_settled:
        last = days.last_day
        ahead += [last_hour(last), last.close - DEADLINE]
        on_it = (one for one in days.sessions if one.day == trident.expiration)
        ahead += [at for one in on_it for at in (walk_begins(one, one.day), desk_from(one))]
    return min((at for at in ahead if at is not None and at > now), default=None)
