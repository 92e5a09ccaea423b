"""The market session as the adapter takes it from the broker's answer."""

from __future__ import annotations

from datetime import datetime

from core.broker.port import BrokerError, BrokerFault, MarketState
from core.runtime.clock import exchange_time
from core.simulator.exchange.market_view import MarketView


def market_state(view: MarketView, now: datetime) -> MarketState:
    """The session at this instant: closed past its close, whatever its word.

    Raises BrokerError (UNREADABLE) when it has no state, or is open without a close.
    """
    if view.session_unreadable():
        raise BrokerError(BrokerFault.UNREADABLE, "market session: the answer has no state")
    if view.session_without_close():
        raise BrokerError(BrokerFault.UNREADABLE, "market session: open, and not until when")
    session = view.market.session(exchange_time(now).date())
    if view.session_past_close():
        closed = session if session is not None and session.close <= now else view.market.sessions_around(now)[0]
        return MarketState(False, "Closed", closed.open, closed.close)
    if session is None:
        return MarketState(False, "Closed", None, None)
    is_open = session.open <= now < session.close and not view.session_closed()
    return MarketState(is_open, "Open" if is_open else "Closed", session.open, session.close)
