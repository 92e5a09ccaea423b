"""The quotes made from the prices of a session by adding a spread."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from math import exp
from typing import NamedTuple
from zlib import crc32

import numpy as np

from core.simulator.market.market_data import ListedOption, MarketQuote
from core.simulator.market.paths import FUNDS, HISTORY, Floats
from core.simulator.market.session_path import QUARTERS_PER_SECOND, SessionPath
from core.simulator.market.surface import RATE, SHAPES, YEAR_SECONDS, black_scholes, implied_volatility
from core.simulator.market.surface_arrays import implied_volatilities, option_values


def cents(count: int) -> Decimal:
    """A whole number of cents as a price in $."""
    return Decimal(count).scaleb(-2)


def money(value: float) -> Decimal:
    """A price in $, to the cent."""
    return cents(round(value * 100))


def spread_factor(elapsed: float, length: float) -> float:
    """How many times wider than usual a spread is, after `elapsed` of a session's `length` seconds.

    About 4 at the open, about 1.2 after 10 minutes, near 1 at midday and 1.25 from the close on.
    """
    return 1.0 + 3.0 * exp(-elapsed / 240.0) + 0.25 * exp(-max(0.0, length - elapsed) / 300.0)


def equity_quote(path: SessionPath, symbol: str, at: float) -> MarketQuote:
    """The quote of an ETF: one or two cents wide, wider around the open. It goes on until its options stop."""
    salt = crc32(symbol.encode())
    quarter = path.quarter(at, end=path.options_close_at)
    wobble = path.noise.at(quarter, salt)
    width = max(1, round((1.2 + 0.35 * wobble) * spread_factor(quarter / QUARTERS_PER_SECOND, path.length)))
    bid = round(path.price(symbol, quarter) * 100 - width / 2 + 0.3 * wobble)
    when = path.instant(quarter)
    sizes = abs(int(path.noise.at(quarter, salt + 1) * 400)), abs(int(path.noise.at(quarter, salt + 2) * 400))
    return MarketQuote(symbol, cents(bid), cents(bid + width), 100 + sizes[0], 100 + sizes[1], when, when)


def spread_factors(elapsed: Floats, length: float) -> Floats:
    """The factors of several instants: as `spread_factor`, all at once."""
    left = np.maximum(0.0, length - elapsed)
    return np.asarray(1.0 + 3.0 * np.exp(-elapsed / 240.0) + 0.25 * np.exp(-left / 300.0), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Ticks:
    """A tick table, all in cents: the tick is `fine` below `threshold` and `coarse` from there on."""

    fine: int
    coarse: int
    threshold: int

    def at(self, price_in_cents: float) -> int:
        return self.fine if price_in_cents < self.threshold else self.coarse


TICKS = {"QQQ": Ticks(1, 1, 0), "SPX": Ticks(5, 10, 300)}
_SPREADS = {"QQQ": (0.020, 0.0016), "SPX": (0.08, 0.0022)}
"""The usual spread of an option: an amount in $, and a share of its time value."""


@dataclass(frozen=True, slots=True)
class OptionValue:
    """The theoretical value of a contract at an instant, and what it was computed from.

    `spot` is the price of what one share of the contract delivers; `clean_spot` is that less the dividends until the
    expiration, which the holder of the contract is not paid.
    """

    value: float
    volatility: float
    spot: float
    clean_spot: float
    years: float


class _OfSession(NamedTuple):
    """What stays the same for a contract through the session with this offset."""

    offset: int
    cadence: int
    """Quarters of a second between two changes of the quote: two near the money, up to twelve far away."""
    end: float
    """When its quotes end, in seconds since 1970 UTC."""
    dividends: float
    """What the dividends after this session and until the expiration are worth in it, in $ a share."""
    deliverable: float
    """How many of this session's shares it delivers for each share of before a split."""


class OptionQuoter:
    """Makes the quotes of one contract."""

    __slots__ = (
        "_adjusted",
        "_call",
        "_early_exercise",
        "_expiry",
        "_last",
        "_newest",
        "_shape",
        "_stops",
        "_strike",
        "_symbol",
        "_ticks",
        "option",
        "salt",
    )

    def __init__(self, option: ListedOption) -> None:
        self.option = option
        self.salt = crc32(option.streamer.encode())
        self._symbol = option.underlying
        self._shape = SHAPES[option.underlying]
        self._ticks = TICKS[option.underlying]
        self._strike = float(option.strike)
        self._expiry = option.expires_at.timestamp()
        self._stops = option.stops_trading_at.timestamp()
        self._call = option.right == "C"
        self._adjusted = option.deliverable != 1
        self._early_exercise = option.underlying in FUNDS
        self._last = _OfSession(-HISTORY - 1, 1, 0.0, 0.0, 1.0)
        """What `_in` has found last."""
        self._newest: tuple[int, int, MarketQuote] | None = None
        """The quote told last, with the offset of its session and its quarter of a second."""

    def last_quarter(self, path: SessionPath, at: float) -> int:
        """The quarter of a second in which the quote last changed, at or before the instant."""
        now = self._in(path)
        return path.quarter(at, now.cadence, self.salt % 12, now.end)

    def last_trade_quarter(self, path: SessionPath, at: float) -> tuple[int, int]:
        """The quarter of a second of the last trade at or before the instant, 0 without one, and that before it."""
        now = self._in(path)
        every = 40 * now.cadence
        quarter = path.quarter(at, every, self.salt % every, now.end)
        return quarter, max(0, quarter - every)

    def value(self, path: SessionPath, quarter: int) -> OptionValue:
        """The theoretical value at a quarter of a second."""
        now = self._in(path)
        spot = path.price(self._symbol, quarter) * now.deliverable
        clean = spot - now.dividends
        years = (self._expiry - path.open_at - quarter / QUARTERS_PER_SECOND) / YEAR_SECONDS
        long_run = self._shape.long_run * path.long_run(self._symbol, quarter)
        implied = path.implied(self._symbol, quarter)
        sigma = implied_volatility(self._shape, long_run, implied, clean, self._strike, years)
        worth = black_scholes(clean, self._strike, years, sigma, self._shape.dividend_yield, self._call)
        if self._early_exercise:
            worth = max(worth, spot - self._strike if self._call else self._strike - spot)
        return OptionValue(worth, sigma, spot, clean, years)

    def quote(self, path: SessionPath, at: float) -> MarketQuote:
        """Bid and ask as multiples of the tick. The bid is never negative and always below the ask.

        Marks, margin and balances of one instant all ask for it: it is computed once while it stays the same.
        """
        quarter = self.last_quarter(path, at)
        if self._newest is None or self._newest[:2] != (path.offset, quarter):
            self._newest = path.offset, quarter, self._quote(path, quarter)
        return self._newest[2]

    def _quote(self, path: SessionPath, quarter: int) -> MarketQuote:
        state = self.value(path, quarter)
        wobble = path.noise.at(quarter, self.salt)
        inside = (state.spot - self._strike) if self._call else (self._strike - state.spot)
        inside = max(0.0, inside)
        base, share = _SPREADS[self._symbol]
        spread = base + share * max(0.0, state.value - inside) + 0.004 * inside
        spread *= spread_factor(quarter / QUARTERS_PER_SECOND, path.length) * (1.0 + 0.15 * wobble)
        middle = max(0.0, state.value) * 100.0 + 10.0 * spread * path.noise.at(quarter, self.salt + 1)
        tick = self._ticks.at(middle)
        bid = max(0, round((middle - 50.0 * spread) / tick) * tick)
        ask = max(round((middle + 50.0 * spread) / tick) * tick, bid + tick)
        when = path.instant(quarter)
        bid_size = 0 if bid == 0 else 5 + abs(int(path.noise.at(quarter, self.salt + 2) * 60))
        ask_size = 5 + abs(int(path.noise.at(quarter, self.salt + 3) * 60))
        return MarketQuote(self.option.streamer, cents(bid), cents(ask), bid_size, ask_size, when, when)

    def minutes(self, path: SessionPath) -> Floats:
        """Bid and ask, in $, at each minute from the open of the session to the end of the contract's quotes.

        An array of two rows, bids and asks; its column k is `quote` at k minutes after the open. It is computed once a
        session: a resting order asks for it instead of a quote a second.
        """
        found = path.option_minutes.get(self.option.streamer)
        if found is None:
            found = path.option_minutes[self.option.streamer] = self._minutes(path)
        return found

    def _minutes(self, path: SessionPath) -> Floats:
        now = self._in(path)
        quarters = np.arange(0, path.quarter(now.end, end=now.end) + 1, 60 * QUARTERS_PER_SECOND, dtype=np.int64)
        quarters = np.maximum(0, quarters - (quarters + self.salt % 12) % now.cadence)
        elapsed = quarters / QUARTERS_PER_SECOND
        spot = path.prices(self._symbol, quarters) * now.deliverable
        clean = spot - now.dividends
        years = (self._expiry - path.open_at - elapsed) / YEAR_SECONDS
        long_run = self._shape.long_run * path.long_runs(self._symbol, quarters)
        implied = path.implieds(self._symbol, quarters)
        sigma = implied_volatilities(self._shape, long_run, implied, clean, self._strike, years)
        worth = option_values(clean, self._strike, years, sigma, self._shape.dividend_yield, self._call)
        inside = np.maximum(0.0, spot - self._strike if self._call else self._strike - spot)
        if self._early_exercise:
            worth = np.maximum(worth, inside)
        base, share = _SPREADS[self._symbol]
        spread = base + share * np.maximum(0.0, worth - inside) + 0.004 * inside
        spread *= spread_factors(elapsed, path.length) * (1.0 + 0.15 * path.noise.each(quarters, self.salt))
        middle = np.maximum(0.0, worth) * 100.0 + 10.0 * spread * path.noise.each(quarters, self.salt + 1)
        tick = np.where(middle < self._ticks.threshold, self._ticks.fine, self._ticks.coarse)
        bid = np.maximum(0.0, np.rint((middle - 50.0 * spread) / tick) * tick)
        ask = np.maximum(np.rint((middle + 50.0 * spread) / tick) * tick, bid + tick)
        return np.stack((bid, ask)) / 100.0

    def _in(self, path: SessionPath) -> _OfSession:
        if self._last.offset != path.offset:
            # An adjusted contract was worth on the shares of before what it is now on those they have become.
            deliverable = float(path.paths.shares(self._symbol, path.offset)) if self._adjusted else 1.0
            day, opened = path.session.day, path.price(self._symbol, 0) * deliverable
            tomorrow = day + timedelta(days=1)
            ahead = path.paths.dividends(self._symbol, tomorrow, self.option.expiration, path.offset)
            self._last = _OfSession(
                path.offset,
                min(12, 2 + int(abs(self._strike / opened - 1.0) * 60.0)),
                min(self._stops, path.options_close_at),
                sum(float(each.amount) * exp(-RATE * (each.ex - day).days / 365.0) for each in ahead) * deliverable,
                deliverable,
            )
        return self._last

    def rounded_value(self, path: SessionPath, quarter: int) -> Decimal:
        """The theoretical value at an instant, rounded to the tick."""
        worth = max(0.0, self.value(path, quarter).value) * 100.0
        tick = self._ticks.at(worth)
        return cents(round(worth / tick) * tick)
