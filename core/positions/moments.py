"""This instant as the rules of a trident count it: the exchange's date, today's session, and the sessions of its days
(rules 15.3)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core.domain.positions.timing import ExitDays
from core.domain.positions.trident_view import Moment
from core.runtime.clock import exchange_time

if TYPE_CHECKING:
    from core.market.calendar import SessionCalendar
    from core.records.repositories.trident_rows import TridentRecord

_BEFORE = timedelta(days=7)
"""So far before its opening the sessions begin: one before its expiration is always among them."""


def moment_of(one: TridentRecord, calendar: SessionCalendar, now: datetime) -> Moment:
    """This instant for one trident. Raises CalendarError far outside the calendar."""
    today = exchange_time(now).date()
    first = min(exchange_time(one.opened_at).date(), today) - _BEFORE
    last = max(one.trident.expiration, today)
    return Moment(now, today, calendar.on(today), ExitDays(one.trident.expiration, calendar.between(first, last)))
