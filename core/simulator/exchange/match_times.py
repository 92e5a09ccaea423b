"""When an order is next matched: every second while it is new, and once it rests when that is decided for a session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from core.simulator.exchange.habits import Habits
from core.simulator.exchange.lifecycle import BookEntry, FillPlan, Stage
from core.simulator.exchange.resting import RestingOrders
from core.simulator.exchange.trading_hours import opening, sessions_around
from core.simulator.market.market import Market
from core.simulator.market.market_data import TradingSession

CLOSE_MATCHES, CLOSE_MATCHES_GTC = 600, 60
"""How often a day order is matched before it rests, and one that may work over nights. A night makes it rest too."""


@dataclass(slots=True, eq=False)
class MatchTimes:
    """Sets when orders are next matched, and when that is next decided. `speed` is market seconds per wall second."""

    market: Market
    resting: RestingOrders
    habits: Callable[[], Habits]

    def match_again(self, entry: BookEntry, plan: FillPlan, at: datetime, speed: float) -> None:
        """Has the order matched again after an attempt, or decided at the next open."""
        if entry.stage is not Stage.LIVE or entry.remainder_at is not None:
            return
        soon = _soon(at, speed)
        opens = opening(self.market, entry.order.legs, soon)
        enough = CLOSE_MATCHES if entry.order.time_in_force == "Day" else CLOSE_MATCHES_GTC
        entry.resting = entry.resting or opens != soon or entry.matches >= enough
        if opens != soon:
            entry.decide_at = opens
        elif entry.resting:
            self.decide(entry, plan, at, speed)
        else:
            entry.match_at = soon

    def decide(self, entry: BookEntry, plan: FillPlan, at: datetime, speed: float) -> None:
        """Sets when an order that rests is next matched. Without a match in this session it is decided at the next."""
        entry.match_at = entry.decide_at = None
        _, session, following = sessions_around(self.market, entry.order.legs, at)
        if session is not None and self._is_routed_anew(entry, session):
            entry.stage = Stage.RECEIVED
            entry.step_at = entry.after(at, 0.05, 0.15, speed)
            return
        if session is not None and entry.remainder_at is None:
            when = None
            if plan is FillPlan.NORMAL:
                when = self.resting.next_match(entry.order, session, at, speed)
            elif plan is not FillPlan.NEVER:
                when = _soon(at, speed)
            if when is not None and opening(self.market, entry.order.legs, when) == when:
                entry.match_at = when
        if entry.match_at is None:
            entry.decide_at = following.open

    def _is_routed_anew(self, entry: BookEntry, session: TradingSession) -> bool:
        """Whether the order is routed again in this session, as some brokers do with those that work over nights."""
        live = entry.order.live_at
        return (
            self.habits().gtc_touched_daily and entry.stage is Stage.LIVE and live is not None and live < session.open
        )


def _soon(at: datetime, speed: float) -> datetime:
    """When an order is tried again that is not left to rest."""
    return at + timedelta(seconds=sqrt(speed))
