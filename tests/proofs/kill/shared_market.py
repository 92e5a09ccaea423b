"""The market, its calendar and its option chain, built once and inherited by every forked child."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from core.domain.market.chain import OptionChain
from core.market.calendar import SessionCalendar
from core.runtime.clock import exchange_time
from core.simulator.in_process import values
from core.simulator.market.market import Market

SEED = 7
START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
"""10:00 at the exchange on a full session."""


@cache
def calendar() -> SessionCalendar:
    return SessionCalendar(START)


@cache
def market() -> Market:
    return Market(SEED, START)


@cache
def chain() -> OptionChain:
    return values.option_chain("QQQ", market().chain("QQQ", exchange_time(START).date()))
