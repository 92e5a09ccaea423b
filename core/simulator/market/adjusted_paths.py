"""The price paths of one market: those of its seed, less the dividends and divided by the splits on its dates."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from math import log

from core.simulator.market.dividends import dividends, next_dividend
from core.simulator.market.market_data import Dividend
from core.simulator.market.paths import HISTORY, DailyPaths, DayBar, Floats
from core.simulator.market.sessions import SessionIndex


class AdjustedPaths:
    """Bars and seconds by offset, as DailyPaths has them.

    On an ex-date the price opens lower by the dividend. History is not adjusted for dividends, as the feed's candles
    are not. Prices are those of a share as it was in their session, unless another session is named: a split changes
    what a share is.
    """

    def __init__(self, paths: DailyPaths, sessions: SessionIndex) -> None:
        self._paths = paths
        self._sessions = sessions
        self._paid: dict[str, list[float]] = {}
        """By symbol and offset: what the dividends since the start have left of the price."""
        self._splits: dict[str, tuple[int, Decimal]] = {}
        """By symbol: the offset of the first session with new shares, and how many of them an old one became."""
        self._bars: dict[tuple[str, int, Decimal], DayBar] = {}

    def bar(self, symbol: str, offset: int, as_of: int | None = None) -> DayBar:
        """The bar of one session, in shares of the session `as_of`. Raises IndexError before the history."""
        shares = self.shares(symbol, offset if as_of is None else as_of)
        if shares == 1 and offset <= 0:
            return self._paths.bar(symbol, offset)
        key = symbol, offset, shares
        if key not in self._bars:
            bar = self._paths.bar(symbol, offset)
            self._bars[key] = replace(bar, knots=bar.knots + log(self._factor(symbol, offset, shares)))
        return self._bars[key]

    def bars(self, symbol: str, first: int, last: int) -> list[DayBar]:
        """The bars from `first` to `last`, as far back as the history goes, in shares of the session after `last`."""
        return [self.bar(symbol, offset, last + 1) for offset in range(max(first, -HISTORY), last + 1)]

    def seconds(self, symbol: str, offset: int, length: int, after: int) -> Floats:
        """The prices at every second of a session of `length` seconds and of the `after` seconds that follow."""
        factor = self._factor(symbol, offset, self.shares(symbol, offset))
        return self._paths.seconds(symbol, offset, length, after) * factor

    def shares(self, symbol: str, offset: int) -> Decimal:
        """How many shares of this session one share of the start has become."""
        since, ratio = self._splits.get(symbol, (0, Decimal(1)))
        return ratio if offset >= since else Decimal(1)

    def split(self, symbol: str, ratio: Decimal, offset: int) -> None:
        """Makes `ratio` shares of each one from this session on.

        Raises ValueError for a ratio that is not positive, and for a second split of one underlying.
        """
        if ratio <= 0:
            raise ValueError(f"a split of {symbol} into {ratio} shares")
        if symbol in self._splits:
            raise ValueError(f"{symbol} has been split already")
        self._splits[symbol] = offset, ratio

    def next_dividend(self, symbol: str, day: date) -> Dividend | None:
        """The first dividend with an ex-date on or after the day, $ per share as of that date."""
        found = next_dividend(symbol, day)
        return self._in_shares(symbol, found, None) if found is not None else None

    def dividends(self, symbol: str, first: date, last: date, as_of: int | None = None) -> list[Dividend]:
        """The dividends with ex-dates from `first` to `last`, both included, oldest first.

        Their amounts are $ per share of the session `as_of`, or each per share as of its ex-date.
        """
        return [self._in_shares(symbol, each, as_of) for each in dividends(symbol, first, last)]

    def _in_shares(self, symbol: str, dividend: Dividend, as_of: int | None) -> Dividend:
        shares = self.shares(symbol, self._sessions.offset_of(dividend.ex) if as_of is None else as_of)
        return dividend if shares == 1 else replace(dividend, amount=round(dividend.amount / shares, 4))

    def _factor(self, symbol: str, offset: int, shares: Decimal) -> float:
        if offset <= 0:
            return 1.0 / float(shares)
        left = self._paid.setdefault(symbol, [1.0])
        while len(left) <= offset:
            left.append(left[-1] * self._left_after(symbol, len(left), left[-1]))
        return left[offset] / float(shares)

    def _left_after(self, symbol: str, offset: int, before: float) -> float:
        """What the dividend of one session leaves of the price, which dividends before it have multiplied."""
        day = self._sessions.session(offset).day
        paid = sum((each.amount for each in dividends(symbol, day, day)), Decimal(0))
        return 1.0 - float(paid) / (self._paths.bar(symbol, offset - 1).close * before) if paid else 1.0
