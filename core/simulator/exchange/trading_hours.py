"""When what an order names can be traded: options trade on for a quarter of an hour after the close of the shares."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.simulator.exchange.orders import OrderLeg, SimLeg
from core.simulator.market.market import Market
from core.simulator.market.market_data import TradingSession

Legs = Sequence[SimLeg] | Sequence[OrderLeg]


def sessions_around(
    market: Market, legs: Legs, at: datetime
) -> tuple[TradingSession, TradingSession | None, TradingSession]:
    """The last session in which these legs could be traded, the one in which they can be now or None, and the next."""
    return market.sessions_around(at) if _are_shares(legs) else market.options_around(at)


def opening(market: Market, legs: Legs, at: datetime) -> datetime:
    """The instant itself if these legs can be traded then, else the next open."""
    _, current, following = sessions_around(market, legs, at)
    return at if current is not None else following.open


def end_of(session: TradingSession, legs: Legs) -> datetime:
    """Until when these legs can be traded in a session. A contract may stop before."""
    return session.close if _are_shares(legs) else session.options_close


def _are_shares(legs: Legs) -> bool:
    return bool(legs) and all(leg.instrument_type == "Equity" for leg in legs)
