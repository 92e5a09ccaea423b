"""The moment a screen is built for: its time, its session, and the quotes known then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from core.domain.market.sessions import Session
from core.market.quote_store import QuoteReads


@dataclass(frozen=True, slots=True)
class Moment:
    """`now` is market time in UTC, `monotonic` the same instant on the monotonic clock in wall seconds, `today` the
    exchange's date.

    `session` is today's, None on a day without one. `live` says whether the quote feed is live.
    """

    now: datetime
    monotonic: float
    today: date
    session: Session | None
    quotes: QuoteReads
    live: bool

    @property
    def in_session(self) -> bool:
        """Whether the exchange is in session."""
        return self.session is not None and self.session.is_open(self.now)
