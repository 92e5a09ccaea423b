"""The underlyings' quotes for the screen (rules 14)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from core.domain.market.quotes import Quote
from core.domain.market.underlying import Underlying
from core.domain.risk.positions import OpenTrident
from core.domain.trident.pricing import MAX_QUOTE_AGE_S
from core.market.quote_store import QuoteReads
from core.snapshot import Freshness, QuoteSlice
from core.views.moment import Moment

QUIET_AFTER_S = 10.0
_PATH_STEP_S = 10


def quote_slice(
    store: QuoteReads, live: bool, underlying: Underlying, mono: float, today: date | None, *, in_session: bool
) -> QuoteSlice:
    """The newest price with its age. Values that are no longer current stay readable, marked as stale, and what is not
    of `today` has its date."""
    symbol = underlying.symbol
    quote = None if underlying.is_index else store.last_known_quote(symbol)
    trade = store.last_known_trade(symbol)
    summary = store.summary(symbol)
    price = quote.mid if quote is not None and quote.mid is not None else None if trade is None else trade.price
    newest = max((e.received for e in (quote, trade) if e is not None), default=None)
    age = None if newest is None else max(0.0, mono - newest)
    previous = None if summary is None else summary.previous_close
    change = None if price is None or not previous else price - previous
    return QuoteSlice(
        symbol=symbol,
        price=price,
        change=change,
        change_percent=None if change is None or not previous else change / previous * 100,
        bid=None if quote is None else quote.bid,
        ask=None if quote is None else quote.ask,
        age_s=None if age is None else int(age),
        freshness=freshness(live, age, in_session=in_session),
        day_low=None if summary is None else summary.day_low,
        day_high=None if summary is None else summary.day_high,
        day=None if summary is None or summary.day == today else summary.day,
    )


def freshness(live: bool, age: float | None, *, in_session: bool) -> Freshness:
    """The word for a figure of this age in wall seconds (rules 14)."""
    if age is None:
        return Freshness.NONE
    if not live and in_session:
        return Freshness.STALE
    if age > MAX_QUOTE_AGE_S:
        return Freshness.STALE
    return Freshness.QUIET if age > QUIET_AFTER_S else Freshness.LIVE


def known_quotes(store: QuoteReads, trident: OpenTrident) -> Mapping[str, Quote]:
    """The last known quotes of a trident's legs, by streamer symbol."""
    found = ((leg.streamer, store.last_known_quote(leg.streamer)) for leg in trident.legs)
    return {streamer: quote for streamer, quote in found if quote is not None}


class DayPaths:
    """Keeps the day's path of each underlying since the console opened or the session began."""

    def __init__(self) -> None:
        self._paths: dict[str, tuple[tuple[int, float], ...]] = {}
        self._day: date | None = None

    def add(self, shown: QuoteSlice, moment: Moment) -> QuoteSlice:
        """The slice with its path, which stays the same object until a price is added."""
        session = moment.session
        if session is not None and session.day != self._day:
            self._day = session.day
            self._paths.clear()
        symbol = shown.symbol
        is_live = shown.price is not None and shown.freshness is Freshness.LIVE
        if is_live and session is not None and session.is_open(moment.now):
            # A float for pictures only: no decision reads it.
            self._extend(symbol, int((moment.now - session.open).total_seconds()), float(shown.price or 0))
        return replace(shown, day_path=self._paths.get(symbol, ()))

    def _extend(self, symbol: str, second: int, price: float) -> None:
        path = self._paths.get(symbol, ())
        if not path or second - path[-1][0] >= _PATH_STEP_S:
            self._paths[symbol] = (*path, (second, price))
