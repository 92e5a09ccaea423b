"""The daily candles of each underlying, read once a session and compared with the exchange's calendar (rules 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from core.broker.port import BrokerError, MarketData
from core.domain.market.indicators import MIN_CANDLES
from core.domain.market.judgement import unbroken
from core.domain.market.quotes import Candle
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.market.calendar import SessionCalendar
from core.runtime.clock import Clock, exchange_time

CANDLE_DAYS = 250
_CALENDAR_DAYS = CANDLE_DAYS * 365 // 252 + 10
READ_AGAIN_S = 60.0
"""Monotonic seconds until candles that were incomplete are read again."""
NEWEST_WITHIN_S = 900.0
"""Monotonic seconds for which the newest session's candle may still come. After them it counts as missing."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read for the sessions before `day`. Monotonic seconds: when, and when the first read of the day was."""

    day: date
    candles: tuple[Candle, ...]
    complete: bool
    at: float
    first: float


@dataclass(eq=False, repr=False)
class DailyCandles:
    """Keeps a read for the day when it can be judged; an incomplete one is read again, at most once a minute."""

    market_data: MarketData
    calendar: SessionCalendar
    clock: Clock
    _reads: dict[str, _Read] = field(init=False, default_factory=dict)

    def sessions(self) -> tuple[date, ...]:
        """The exchange dates of the newest 250 completed sessions, oldest first."""
        today = exchange_time(self.clock.now()).date()
        between = self.calendar.between(today - timedelta(days=_CALENDAR_DAYS), today - timedelta(days=1))
        return tuple(session.day for session in between[-CANDLE_DAYS:])

    async def read(self, symbol: str) -> tuple[Candle, ...] | Refusal:
        """The candles of the completed sessions, oldest first, at most 250; or why they cannot be read.

        Sessions may be missing: the judgement refuses that. Only while the newest may still come, this refuses it, with
        a transient reason.
        """
        today, sessions = exchange_time(self.clock.now()).date(), self.sessions()
        kept = self._reads.get(symbol)
        if kept is not None and kept.day != today:
            kept = None
        if kept is None or not (kept.complete or self.clock.monotonic() - kept.at < READ_AGAIN_S):
            try:
                kept = await self._read(symbol, today, sessions, kept)
            except BrokerError as error:
                return refuse(Reason.CANDLES_UNREADABLE, symbol=symbol, detail=error.detail)
            self._reads[symbol] = kept
        if _lacks_newest(kept.candles, sessions) and self.clock.monotonic() - kept.first < NEWEST_WITHIN_S:
            detail = f"the feed has no candle for {sessions[-1]} yet"
            return refuse(Reason.CANDLES_UNREADABLE, symbol=symbol, detail=detail)
        return kept.candles

    async def _read(self, symbol: str, today: date, sessions: Sequence[date], before: _Read | None) -> _Read:
        began = self.clock.monotonic()
        since = self.clock.now() - timedelta(days=_CALENDAR_DAYS)
        read = await self.market_data.daily_candles(symbol, since)
        candles = tuple(candle for candle in read if candle.day < today)[-CANDLE_DAYS:]
        complete = len(unbroken(candles, sessions)) >= MIN_CANDLES
        return _Read(today, candles, complete, began, began if before is None else before.first)


def _lacks_newest(candles: Sequence[Candle], sessions: Sequence[date]) -> bool:
    return bool(sessions) and not unbroken(candles, sessions[-1:])
