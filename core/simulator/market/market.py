"""The simulated market of QQQ, SPX and their options. Its answers depend on seed, start and instant alone.

QQQ is an ETF with quotes and trades. SPX is an index: it has trades and no quotes. Instants are aware datetimes of
market time, in UTC. Outside a session the market shows the values and times at which the last session ended.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from zlib import crc32

from core.runtime.clock import exchange_time
from core.simulator.market.adjusted_paths import AdjustedPaths
from core.simulator.market.candles import daily_candles
from core.simulator.market.listing import Listing, last_stop
from core.simulator.market.market_data import (
    Dividend,
    ListedOption,
    ListedRoot,
    MarketCandle,
    MarketGreeks,
    MarketMetricsRow,
    MarketQuote,
    MarketSummary,
    MarketTrade,
    TickSize,
    TradingSession,
)
from core.simulator.market.market_metrics import metrics_row
from core.simulator.market.paths import FUNDS, HISTORY, SESSIONS_PER_YEAR, SYMBOLS, DailyPaths, Floats, volume_share
from core.simulator.market.quoting import OptionQuoter, equity_quote, money
from core.simulator.market.session_path import QUARTERS_PER_SECOND, Noise, SessionPath
from core.simulator.market.sessions import SessionIndex, session_on
from core.simulator.market.surface import SHAPES, sensitivities

_KEPT_SESSIONS = 6
_STRIKE_LOOKBACK = 60
_TRADE_QUARTERS = {"QQQ": 2, "SPX": 4}
"""Quarters of a second between two trades of an underlying."""


@lru_cache(maxsize=64)
def _daily_paths(seed: int) -> DailyPaths:
    """The daily bars of a seed. Markets may share them: they only grow, and the order of reads does not matter."""
    return DailyPaths(seed)


class Market:
    """One simulated market."""

    symbols = SYMBOLS

    def __init__(self, seed: int, start: datetime) -> None:
        """`start` is the market time at which the simulation begins. Raises ValueError when it has no time zone."""
        if start.tzinfo is None:
            raise ValueError(f"market start {start.isoformat()} has no time zone")
        self.seed = seed
        self.start = start.astimezone(UTC)
        self._sessions = SessionIndex(self.start, back=HISTORY)
        self._paths = AdjustedPaths(_daily_paths(seed), self._sessions)
        self._noise = Noise(seed)
        self._listing = Listing(self._price_range)
        self._quoters: dict[str, OptionQuoter] = {}
        self._session_paths: OrderedDict[int, SessionPath] = OrderedDict()
        self.halts: dict[str, list[tuple[datetime, datetime | None]]] = {}
        """The halts of each underlying, by their first and last instant; one without an end has None there."""
        self.splits: dict[str, tuple[date, Decimal]] = {}
        """By underlying: the date of its split, and how many shares each one has become."""
        self._current: tuple[float, float, SessionPath] | None = None

    # Symbols and the listing

    def knows(self, streamer_symbol: str) -> bool:
        """Whether the symbol names an underlying, or a contract that is, was or can be listed."""
        return streamer_symbol in SYMBOLS or (
            streamer_symbol.startswith(".") and self._listing.contract(streamer_symbol) is not None
        )

    def option(self, symbol: str) -> ListedOption | None:
        """The contract named by an OCC or streamer symbol, listed now or not. None if it can never be listed."""
        return self._listing.contract(symbol)

    def is_listed(self, option: ListedOption, day: date) -> bool:
        """Whether the contract is in the chain of this date."""
        return self._listing.is_listed(option, day)

    def tick_sizes(self, option: ListedOption) -> tuple[TickSize, ...]:
        """The tick table of a contract."""
        return self._listing.tick_sizes(option)

    def occ_to_streamer(self, occ: str) -> str | None:
        option = self._listing.contract(occ)
        return option.streamer if option is not None and option.occ == occ else None

    def streamer_to_occ(self, streamer: str) -> str | None:
        option = self._listing.contract(streamer)
        return option.occ if option is not None and option.streamer == streamer else None

    def chain(self, symbol: str, day: date) -> list[ListedRoot]:
        """The roots listed on a date, empty for an unknown symbol.

        QQQ has one root. SPX has two: SPX with AM-settled monthly options, and SPXW with PM-settled ones.
        """
        return self._listing.chain(symbol, day)

    def chain_day(self, symbol: str, at: datetime) -> date:
        """The date whose chain is in force: that of the session that opened last, until its contracts have stopped."""
        offset = self._sessions.offset_at(at)
        session = self._sessions.session(offset)
        return session.day if at < last_stop(symbol, session) else self._sessions.session(offset + 1).day

    # Sessions

    def session(self, day: date) -> TradingSession | None:
        """The session of a date, None on weekends and holidays."""
        return session_on(day)

    def sessions_around(self, at: datetime) -> tuple[TradingSession, TradingSession | None, TradingSession]:
        """The last session that has closed, the one that is open or None, and the next one to open."""
        offset = self._sessions.offset_at(at)
        last = self._sessions.session(offset)
        if last.open <= at < last.close:
            return self._sessions.session(offset - 1), last, self._sessions.session(offset + 1)
        return last, None, self._sessions.session(offset + 1)

    def options_around(
        self, at: datetime, option: ListedOption | None = None
    ) -> tuple[TradingSession, TradingSession | None, TradingSession]:
        """The same for options, which trade 15 minutes longer, or for one contract, whose last day can be shorter."""
        offset = self._sessions.offset_at(at)
        last, following = self._sessions.session(offset), self._sessions.session(offset + 1)
        ends = last.options_close if option is None else min(last.options_close, option.stops_trading_at)
        if last.open <= at < ends:
            return self._sessions.session(offset - 1), last, following
        return last, None, following

    def is_open(self, at: datetime) -> bool:
        return self.sessions_around(at)[1] is not None

    def options_open(self, at: datetime, option: ListedOption | None = None) -> bool:
        return self.options_around(at, option)[1] is not None

    def session_day(self, at: datetime) -> date:
        """The date of the session that opened last. The market counts it as today until the next one opens."""
        return self._sessions.session(self._sessions.offset_at(at)).day

    # Prices

    def quote(self, streamer_symbol: str, at: datetime) -> MarketQuote | None:
        """Bid and ask. Both are None for an index. The quote itself is None for an expired or unknown contract."""
        path = self._path(at)
        if streamer_symbol == "QQQ":
            return equity_quote(path, streamer_symbol, at.timestamp())
        if streamer_symbol == "SPX":
            when = path.instant(path.quarter(at.timestamp(), QUARTERS_PER_SECOND))
            return MarketQuote(streamer_symbol, None, None, 0, 0, when, when)
        quoter = self._quoter(streamer_symbol, path)
        return quoter.quote(path, at.timestamp()) if quoter is not None else None

    def option_minutes(self, streamer_symbol: str, at: datetime) -> Floats | None:
        """A contract's bids and asks, in $, at each minute of the session that opened last.

        An array of two rows whose column k holds what `quote` returns k minutes after the open, the instant the quotes
        end included. None for anything but a traded contract. The prices of a session that is over stay as they were.
        """
        path = self._path(at)
        quoter = self._quoter(streamer_symbol, path)
        return quoter.minutes(path) if quoter is not None else None

    def trade(self, streamer_symbol: str, at: datetime) -> MarketTrade | None:
        """The last trade. None for an unknown or expired contract, and for one that has not traded in this session."""
        path = self._path(at)
        instant = at.timestamp()
        if streamer_symbol in SYMBOLS:
            quarter = path.quarter(instant, _TRADE_QUARTERS[streamer_symbol])
            price = money(path.price(streamer_symbol, quarter))
            before = money(path.price(streamer_symbol, max(0, quarter - _TRADE_QUARTERS[streamer_symbol])))
            previous = self._close(streamer_symbol, path.offset - 1, path.offset)
            total = self._paths.bar(streamer_symbol, path.offset).volume
            size = 1 + abs(int(path.noise.at(quarter, 5) * 150)) if streamer_symbol == "QQQ" else 0
        else:
            quoter = self._quoter(streamer_symbol, path)
            if quoter is None:
                return None
            quarter, earlier = quoter.last_trade_quarter(path, instant)
            if quarter == 0:
                return None
            price, before = quoter.rounded_value(path, quarter), quoter.rounded_value(path, earlier)
            previous = self._previous_close(streamer_symbol, path) or price
            total = 0.3 * self._open_interest(streamer_symbol)
            size = 1 + abs(int(path.noise.at(quarter, quoter.salt) * 8))
        return MarketTrade(
            symbol=streamer_symbol,
            price=price,
            size=size,
            time=path.instant(quarter),
            day_volume=int(total * volume_share(quarter / path.quarters)),
            change=price - previous,
            tick="UP" if price > before else "DOWN" if price < before else "ZERO_UP",
        )

    def summary(self, streamer_symbol: str, at: datetime) -> MarketSummary:
        """The session's open, its high and low so far, and the previous close. Contracts have no high and low."""
        path = self._path(at)
        days = path.session.day, self._sessions.session(path.offset - 1).day
        if streamer_symbol in SYMBOLS:
            low, high = path.extremes(streamer_symbol, path.quarter(at.timestamp()))
            opened = money(path.price(streamer_symbol, 0))
            previous = self._close(streamer_symbol, path.offset - 1, path.offset)
            return MarketSummary(streamer_symbol, opened, money(high), money(low), previous, *days, 0)
        quoter = self._quoter(streamer_symbol, path)
        if quoter is None:
            return MarketSummary(streamer_symbol, None, None, None, None, *days, 0)
        told = path.option_summaries.get(streamer_symbol)
        if told is None:
            opened = quoter.rounded_value(path, 0)
            previous_close = self._previous_close(streamer_symbol, path)
            interest = self._open_interest(streamer_symbol)
            told = MarketSummary(streamer_symbol, opened, None, None, previous_close, *days, interest)
            path.option_summaries[streamer_symbol] = told
        return told

    def greeks(self, streamer_symbol: str, at: datetime) -> MarketGreeks | None:
        """The greeks of a contract as of its last change of quote. None for anything but a traded contract."""
        path = self._path(at)
        quoter = self._quoter(streamer_symbol, path)
        if quoter is None:
            return None
        option = quoter.option
        quarter = quoter.last_quarter(path, at.timestamp())
        state = quoter.value(path, quarter)
        carry = SHAPES[option.underlying].dividend_yield
        call = option.right == "C"
        g = sensitivities(state.clean_spot, float(option.strike), state.years, state.volatility, carry, call)
        when = path.instant(quarter)
        return MarketGreeks(
            streamer_symbol, when, state.value, state.volatility, g.delta, g.gamma, g.theta, g.rho, g.vega
        )

    def candles(self, symbol: str, since: datetime, at: datetime) -> list[MarketCandle]:
        """The daily bars of an underlying that begin at or after `since`, oldest first.

        The last one is the current session's, which still changes. Empty for anything but an underlying.
        """
        if symbol not in SYMBOLS:
            return []
        path = self._path(at)
        quarter = path.quarter(at.timestamp())
        found = daily_candles(symbol, path, quarter, self._paths, self._sessions)
        return [candle for candle in found if candle.time >= since]

    def metrics(self, symbol: str, at: datetime) -> MarketMetricsRow:
        """The broker's volatility metrics, renewed once a minute. Raises KeyError for anything but an underlying."""
        if symbol not in SYMBOLS:
            raise KeyError(symbol)
        path = self._path(at)
        quarter = path.quarter(at.timestamp(), 60 * QUARTERS_PER_SECOND)
        bars = self._paths.bars(symbol, path.offset - SESSIONS_PER_YEAR, path.offset - 1)
        day = path.session.day
        return metrics_row(
            symbol,
            updated_at=path.instant(quarter),
            implied=path.implied(symbol, quarter),
            implied_history=[bar.implied for bar in bars],
            closes=[*(bar.close for bar in bars), path.price(symbol, quarter)],
            expirations=[
                (e.day, e.settlement_type, e.expires_at) for root in self.chain(symbol, day) for e in root.expirations
            ],
            long_run=SHAPES[symbol].long_run * path.long_run(symbol, quarter),
            dividend=self.next_dividend(symbol, exchange_time(at).date()),
        )

    def official_close(self, symbol: str, day: date) -> Decimal:
        """The official close of an underlying in the session of a date, from which PM-settled contracts settle."""
        offset = self._sessions.offset_of(day)
        return self._close(symbol, offset, offset)

    def next_dividend(self, symbol: str, day: date) -> Dividend | None:
        """The first dividend with an ex-date on or after the day; None for an underlying that pays none."""
        return self._paths.next_dividend(symbol, day)

    def dividends(self, symbol: str, first: date, last: date) -> list[Dividend]:
        """The dividends with ex-dates from `first` to `last`, both included, each $ per share as of its ex-date."""
        return self._paths.dividends(symbol, first, last)

    # Halts and splits

    def split(self, symbol: str, ratio: Decimal, on: date) -> None:
        """Makes `ratio` shares of each share, from the first session on or after a date.

        Its price and its dividends are those of the new shares from then on, and candles of before are told in them.
        What was listed before becomes adjusted contracts, in no chain: see `adjusted`. The account's positions are not
        the market's: whoever splits moves them. Raises ValueError for anything but a fund, for a ratio that is not
        positive, for a second split, and for a date not after the first session.
        """
        offset = self._sessions.offset_of(on)
        if symbol not in FUNDS:
            raise ValueError(f"{symbol} has no shares to split")
        if offset < 1:
            raise ValueError(f"a split of {symbol} on {on} is not after the first session")
        self._paths.split(symbol, ratio, offset)
        day = self._sessions.session(offset).day
        self.splits[symbol] = day, ratio
        self._listing.adjust(symbol, ratio, day)
        self._quoters.clear()
        self._session_paths.clear()
        self._current = None

    def adjusted(self, option: ListedOption) -> ListedOption | None:
        """The contract that one listed before a split has become. None while there was no split."""
        return self._listing.adjusted(option)

    def halt(self, symbol: str, since: datetime, until: datetime | None = None) -> None:
        """Halts trading in an underlying from `since` until `until`, or for good if that is None."""
        self.halts.setdefault(symbol, []).append((since, until))

    def halted(self, symbol: str, at: datetime) -> bool:
        return any(since <= at and (until is None or at < until) for since, until in self.halts.get(symbol, ()))

    def settlement_price(self, option: ListedOption) -> Decimal:
        """The price at which a contract settles: the underlying's open on its date if AM-settled, else the close.

        Per share of the contract: an adjusted one is worth what its share has become.
        """
        bar = self._paths.bar(option.underlying, self._sessions.offset_of(option.expiration))
        return money(bar.open if option.settlement_type == "AM" else bar.close) * option.deliverable

    def _close(self, symbol: str, offset: int, as_of: int) -> Decimal:
        return money(self._paths.bar(symbol, offset, as_of).close)

    def _path(self, at: datetime) -> SessionPath:
        instant = at.timestamp()
        if self._current is not None and self._current[0] <= instant < self._current[1]:
            return self._current[2]
        offset = self._sessions.offset_at(at)
        path = self._session_path(offset)
        self._current = path.open_at, self._sessions.session(offset + 1).open.timestamp(), path
        return path

    def _session_path(self, offset: int) -> SessionPath:
        path = self._session_paths.get(offset)
        if path is None:
            path = SessionPath(self._paths, self._sessions.session(offset), offset, self._noise)
            self._session_paths[offset] = path
            if len(self._session_paths) > _KEPT_SESSIONS:
                self._session_paths.popitem(last=False)
        return path

    def _quoter(self, symbol: str, path: SessionPath) -> OptionQuoter | None:
        quoter = self._quoters.get(symbol)
        if quoter is None:
            option = self._listing.contract(symbol) if symbol.startswith(".") else None
            if option is None:
                return None
            quoter = self._quoters[symbol] = OptionQuoter(option)
        return quoter if quoter.option.stops_trading_at > path.session.open else None

    def _previous_close(self, symbol: str, path: SessionPath) -> Decimal | None:
        """None for a contract that was not there, or that a split has made possible."""
        option = self._quoters[symbol].option
        shares = [self._paths.shares(option.underlying, offset) for offset in (path.offset - 1, path.offset)]
        if option.deliverable == 1 and shares[0] != shares[1]:
            return None
        before = self._session_path(path.offset - 1)
        quoter = self._quoter(symbol, before)
        return quoter.rounded_value(before, before.quarters) if quoter is not None else None

    def _open_interest(self, symbol: str) -> int:
        return 20 + crc32(f"{self.seed}{symbol}".encode()) % 9000

    def _price_range(self, underlying: str, day: date) -> tuple[float, float]:
        offset = self._sessions.offset_of(day)
        closes = [bar.close for bar in self._paths.bars(underlying, offset - _STRIKE_LOOKBACK, offset - 1)]
        return min(closes), max(closes)
