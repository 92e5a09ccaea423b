"""Orders that rest: when they are matched is decided once a session, for all of its minutes together.

An order that waits for weeks would be matched 23,400 times a session. Instead the quotes of its legs by minute give the
chance that it fills in each, and one random number a minute says whether it does. They are drawn from the seed, the
order's id and the date alone: when and how often it is asked has no effect.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import sqrt

import numpy as np

from core.simulator.exchange.matching import PackageMinutes, fill_chances
from core.simulator.exchange.orders import SimOrder
from core.simulator.market.market import Market
from core.simulator.market.market_data import TradingSession
from core.simulator.market.paths import Floats

_MINUTE = timedelta(minutes=1)


@dataclass(slots=True, eq=False)
class RestingOrders:
    """Decides when orders that rest are matched."""

    market: Market
    seed: int
    _shares: dict[str, tuple[date, Floats]] = field(default_factory=dict, init=False)
    """The newest minutes of shares, by symbol, with their session's date."""

    def next_match(self, order: SimOrder, session: TradingSession, after: datetime, speed: float) -> datetime | None:
        """When the order is next matched in this session, after the instant; None if not again in it.

        With the clock running at `speed` an order is tried every `sqrt(speed)` market seconds.
        """
        minutes = self._package(order, session)
        if minutes is None:
            return None
        limit = None if order.price is None else float(order.price)
        chances = fill_chances(minutes, limit)
        if not chances.any():
            return None
        hazard = 1.0 - (1.0 - chances) ** (60.0 / sqrt(speed))
        key = [self.seed & 0xFFFFFFFF, order.id, session.day.toordinal()]
        drawn = np.random.default_rng(key).random(len(hazard))
        hits = np.flatnonzero(drawn < hazard)
        # Given that it falls in its minute, the place of the number below the chance is the time within the minute.
        for seconds in (60.0 * (hits + drawn[hits] / hazard[hits])).tolist():
            at = session.open + timedelta(seconds=seconds)
            if at > after:
                return at
        return None

    def _package(self, order: SimOrder, session: TradingSession) -> PackageMinutes | None:
        quotes = []
        for leg in order.legs:
            minutes = self._minutes(leg.symbol, leg.instrument_type == "Equity", session)
            if minutes is None:
                return None
            quotes.append(minutes)
        return PackageMinutes.of(order.legs, quotes)

    def _minutes(self, symbol: str, shares: bool, session: TradingSession) -> Floats | None:
        """The bids and asks of a leg at each minute of the session, or None if it has none."""
        if shares:
            return self._of_shares(symbol, session)
        streamer = self.market.occ_to_streamer(symbol)
        return None if streamer is None else self.market.option_minutes(streamer, session.open)

    def _of_shares(self, symbol: str, session: TradingSession) -> Floats | None:
        known = self._shares.get(symbol)
        if known is None or known[0] != session.day:
            at, rows = session.open, []
            while at <= session.close:
                quote = self.market.quote(symbol, at)
                if quote is None or quote.bid is None or quote.ask is None:
                    return None
                rows.append((float(quote.bid), float(quote.ask)))
                at += _MINUTE
            known = self._shares[symbol] = session.day, np.array(rows, dtype=np.float64).T
        return known[1]
