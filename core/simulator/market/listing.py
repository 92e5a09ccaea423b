"""The listed options of each underlying: its roots, expirations and strikes on a date, and what a symbol names.

An expiration falls on a session: one meant for a holiday moves to the session before it. The strikes cover a band
around the closes of the last 60 sessions. The options traded here live shorter, so a listed strike stays listed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from core.simulator.market.market_data import (
    ListedExpiration,
    ListedOption,
    ListedRoot,
    ListedStrikes,
    TickSize,
    TradingSession,
    listed_strike,
)
from core.simulator.market.sessions import next_session, previous_session, session_on, sessions_between

HORIZON_DAYS = 190
ADJUSTED = "1"
"""What the root of a contract gains when a split has changed its deliverable."""
_OCC = re.compile(r"^([A-Z]{1,5}[A-Z1]?) *(\d{2})(\d{2})(\d{2})([CP])(\d{8})$")
_STREAMER = re.compile(r"^\.([A-Z]{1,5}[A-Z1]?)(\d{2})(\d{2})(\d{2})([CP])(\d+(?:\.\d+)?)$")


@dataclass(frozen=True, slots=True)
class RootRules:
    """The rules by which the options of one root are listed.

    Strikes are `near_step` $ apart up to `near_band` away from the price, and `far_step` $ apart up to `far_band` away.
    Both bands are fractions of the price.
    """

    root: str
    underlying: str
    settlement_type: str
    dailies: int
    """How many of the next sessions each have an expiration."""
    weekly_days: int
    """For how many calendar days after the last Thursday each Friday has an expiration: new ones come on Thursdays."""
    month_ends: bool
    near_step: int
    near_band: float
    far_step: int
    far_band: float
    last_day_early: bool
    """Whether PM-settled contracts stop at the close of their last day. Others trade 15 minutes longer on it too."""
    tick_sizes: tuple[TickSize, ...]


_PENNY = (TickSize(Decimal("0.01")),)
_INDEX = (TickSize(Decimal("0.05"), Decimal("3.0")), TickSize(Decimal("0.1")))
ROOTS = {
    "QQQ": RootRules("QQQ", "QQQ", "PM", 10, 64, True, 1, 0.11, 5, 0.30, False, _PENNY),
    "SPX": RootRules("SPX", "SPX", "AM", 0, 0, False, 5, 0.09, 25, 0.30, True, _INDEX),
    "SPXW": RootRules("SPXW", "SPX", "PM", 15, 65, True, 5, 0.09, 25, 0.30, True, _INDEX),
}


def settles_on(day: date) -> date:
    """The date of an expiration meant for this day: the day itself if it has a session, else the session before it."""
    return day if session_on(day) is not None else previous_session(day).day


@lru_cache(maxsize=256)
def third_friday(year: int, month: int) -> date:
    """The date of a month's standard expiration: its third Friday, or the session before it on a holiday."""
    first = date(year, month, 1)
    return settles_on(first + timedelta(days=(4 - first.weekday()) % 7 + 14))


@lru_cache(maxsize=256)
def month_end(year: int, month: int) -> date:
    """The date of a month's last session."""
    first_of_next = date(year + month // 12, month % 12 + 1, 1)
    return previous_session(first_of_next).day


def _months(first: date, last: date) -> list[tuple[int, int]]:
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [(m // 12, m % 12 + 1) for m in months]


@lru_cache(maxsize=512)
def expirations_of(root: str, day: date) -> dict[date, str]:
    """The expirations of a root that are listed on a session date: date to type, in ascending order.

    An AM-settled expiration is no longer listed on its own day.
    """
    rules = ROOTS[root]
    horizon = day + timedelta(days=HORIZON_DAYS)
    found: dict[date, str] = {}
    ahead = sessions_between(day, day + timedelta(days=3 * max(rules.dailies, 1)))
    found.update(dict.fromkeys((s.day for s in ahead[: rules.dailies]), "Weekly"))
    friday = day + timedelta(days=(4 - day.weekday()) % 7)
    listed_on = day - timedelta(days=(day.weekday() - 3) % 7)
    while rules.weekly_days and friday <= listed_on + timedelta(days=rules.weekly_days):
        found.setdefault(settles_on(friday), "Weekly")
        friday += timedelta(days=7)
    for year, month in _months(day, horizon):
        if rules.month_ends and month_end(year, month) <= horizon:
            found[month_end(year, month)] = "Quarterly" if month % 3 == 0 and root == "QQQ" else "End-Of-Month"
        if third_friday(year, month) <= horizon:
            found[third_friday(year, month)] = "Weekly" if root == "SPXW" else "Regular"
    earliest = day if rules.settlement_type == "PM" else day + timedelta(days=1)
    return {expiry: found[expiry] for expiry in sorted(found) if expiry >= earliest}


def strikes_between(rules: RootRules, low: float, high: float) -> tuple[int, ...]:
    """The strikes listed, in $ and ascending, after the price has ranged from `low` to `high`."""
    near = range(
        round(low * (1 - rules.near_band) / rules.near_step) * rules.near_step,
        round(high * (1 + rules.near_band) / rules.near_step) * rules.near_step + 1,
        rules.near_step,
    )
    far = range(
        round(low * (1 - rules.far_band) / rules.far_step) * rules.far_step,
        round(high * (1 + rules.far_band) / rules.far_step) * rules.far_step + 1,
        rules.far_step,
    )
    return tuple(sorted({*near, *far}))


def _last_trade(rules: RootRules, expiry: date) -> tuple[datetime, datetime]:
    """The instants at which an expiration stops trading and expires.

    PM-settled options do both when options stop on their day, those of an index at the close already. AM-settled ones
    stop at the close of the session before, and expire at the open of their day.
    """
    session = next_session(expiry)
    if rules.settlement_type == "AM":
        return previous_session(expiry).close, session.open
    stops = session.close if rules.last_day_early else session.options_close
    return stops, stops


def last_stop(underlying: str, session: TradingSession) -> datetime:
    """When the contracts that expire in a session have stopped: from then on they are in no chain."""
    stops = [
        _last_trade(rules, session.day)[0]
        for rules in ROOTS.values()
        if rules.underlying == underlying and rules.settlement_type == "PM"
    ]
    return max(stops, default=session.close)


class Listing:
    """The listed options of one simulated market.

    `price_range(underlying, day)` returns the lowest and the highest recent close, around which strikes are listed.
    """

    def __init__(self, price_range: Callable[[str, date], tuple[float, float]]) -> None:
        self._price_range = price_range
        self._chains: dict[tuple[str, date], list[ListedRoot]] = {}
        self._strikes: dict[tuple[str, date], frozenset[int]] = {}
        self._contracts: dict[str, ListedOption | None] = {}
        self._adjusted: dict[str, tuple[RootRules, Decimal, date]] = {}
        """By adjusted root: the rules of its contracts, what their shares have become, and since when."""

    def adjust(self, underlying: str, ratio: Decimal, day: date) -> None:
        """Makes what was listed before a split adjusted contracts: they deliver `ratio` shares for each of before.

        Their root gains a 1, as the exchange names it, from the date on. No chain has them.
        """
        for rules in ROOTS.values():
            if rules.underlying == underlying:
                self._adjusted[rules.root + ADJUSTED] = rules, ratio, day
        self._chains.clear()
        self._strikes.clear()
        self._contracts.clear()

    def adjusted(self, option: ListedOption) -> ListedOption | None:
        """The adjusted contract that one of before the split has become; None without a split since."""
        root = option.root + ADJUSTED
        if root not in self._adjusted:
            return None
        return self.contract(f"{root:<6}{option.occ[6:]}")

    def chain(self, underlying: str, day: date) -> list[ListedRoot]:
        """The roots of an underlying as listed on a date; on a day without a session, those of the next session."""
        day = next_session(day).day
        key = (underlying, day)
        if key not in self._chains:
            if len(self._chains) > 8:
                self._chains.clear()
            self._chains[key] = [self._root(rules, day) for rules in ROOTS.values() if rules.underlying == underlying]
        return self._chains[key]

    def contract(self, symbol: str) -> ListedOption | None:
        """The contract named by an OCC or streamer symbol, listed now or not. None if it can never be listed."""
        if symbol not in self._contracts:
            self._contracts[symbol] = self._parse(symbol)
        return self._contracts[symbol]

    def tick_sizes(self, option: ListedOption) -> tuple[TickSize, ...]:
        """The tick table of a contract: an adjusted one keeps that of its root."""
        return ROOTS[option.root.removesuffix(ADJUSTED)].tick_sizes

    def is_listed(self, option: ListedOption, day: date) -> bool:
        """Whether the contract is in the chain of this date, or is an adjusted one, which is in none."""
        day = next_session(day).day
        if option.root in self._adjusted:
            return day <= option.expiration
        return option.expiration in expirations_of(option.root, day) and option.strike in self._strike_set(
            option.root, day
        )

    def _root(self, rules: RootRules, day: date) -> ListedRoot:
        strikes = tuple(sorted(self._strike_set(rules.root, day)))
        expirations = tuple(
            ListedExpiration(
                day=expiry,
                expiration_type=kind,
                settlement_type=rules.settlement_type,
                days_to_expiration=(expiry - day).days,
                stops_trading_at=_last_trade(rules, expiry)[0],
                expires_at=_last_trade(rules, expiry)[1],
                strikes=ListedStrikes(rules.root, expiry, strikes),
            )
            for expiry, kind in expirations_of(rules.root, day).items()
        )
        return ListedRoot(rules.underlying, rules.root, "Standard", 100, rules.tick_sizes, expirations)

    def _strike_set(self, root: str, day: date) -> frozenset[int]:
        key = (root, day)
        if key not in self._strikes:
            if len(self._strikes) > 64:
                self._strikes.clear()
            rules = ROOTS[root]
            self._strikes[key] = frozenset(strikes_between(rules, *self._price_range(rules.underlying, day)))
        return self._strikes[key]

    def _parse(self, symbol: str) -> ListedOption | None:
        occ = _OCC.match(symbol)
        match = occ or _STREAMER.match(symbol)
        if match is None:
            return None
        root, ratio, since = match[1], Decimal(1), date.min
        if root in self._adjusted:
            rules, ratio, since = self._adjusted[root]
        elif root in ROOTS:
            rules = ROOTS[root]
        else:
            return None
        try:
            expiry = date(2000 + int(match[2]), int(match[3]), int(match[4]))
        except ValueError:
            return None
        strike = Decimal(match[6]) / (1000 if occ else 1)
        monthly_only = rules.dailies == 0
        if session_on(expiry) is None or (monthly_only and expiry != third_friday(expiry.year, expiry.month)):
            return None
        if strike % rules.near_step or not 0 < strike < 10**5:
            return None
        if expiry < since:
            return None
        symbols = listed_strike(root, expiry, int(strike))
        call = match[5] == "C"
        names = (symbols.call_occ, symbols.call_streamer) if call else (symbols.put_occ, symbols.put_streamer)
        if symbol not in names:
            return None
        stops, expires = _last_trade(rules, expiry)
        return ListedOption(
            occ=names[0],
            streamer=names[1],
            underlying=rules.underlying,
            root=root,
            expiration=expiry,
            strike=Decimal(int(strike)),
            right=match[5],
            settlement_type=rules.settlement_type,
            stops_trading_at=stops,
            expires_at=expires,
            deliverable=ratio,
        )
