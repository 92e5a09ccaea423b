"""What tridents earned, by day, week or month, by account and by underlying (rules 15.6). Amounts in $."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from core.domain.positions.account_at_close import AccountAtClose
from core.domain.positions.units import Ended, UnitName
from core.domain.reporting.figures import Share

Value = TypeVar("Value")
Key = TypeVar("Key", date, str)
_NONE = Decimal(0)
_HUNDRED = Decimal(100)
_NOBODY = Share(0, 0)
_UNITS = len(UnitName)
_SIX_DAYS = timedelta(days=6)


class Period(StrEnum):
    """How the days of a report are put together."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def first_of(self, day: date) -> date:
        """The first date of the period that has this day: of a week its Monday."""
        if self is Period.WEEK:
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if self is Period.MONTH else day

    def last_of(self, first: date) -> date:
        """The last date of the period that begins with this one."""
        if self is Period.WEEK:
            return first + _SIX_DAYS
        return first.replace(day=monthrange(first.year, first.month)[1]) if self is Period.MONTH else first


@dataclass(frozen=True, slots=True)
class UnitMoney:
    """What one unit earned, as recorded. `short` and `long` are its OCC symbols.

    `day` is the session to which its money counts, None while it has not ended. `received`, `paid`, `settlement` and
    `realized`, net of fees, are None while nothing says for how much it ended. `opening_fees` are a part of `fees`.
    `ended_at`, aware UTC, is that of the fill that closed it, else when it was known to have ended.
    """

    trident_id: str
    name: UnitName
    short: str
    long: str
    how: Ended | None
    day: date | None
    received: Decimal | None
    paid: Decimal | None
    settlement: Decimal | None
    fees: Decimal
    opening_fees: Decimal
    estimated: bool
    realized: Decimal | None
    ended_at: datetime | None = None

    @property
    def is_unexplained(self) -> bool:
        """Whether it ended and nothing says why or for how much: `gone?`."""
        return self.day is not None and self.realized is None


@dataclass(frozen=True, slots=True)
class TridentMoney:
    """A trident of which something is told. `difference` is by how much the broker's rows say that it earned more."""

    id: str
    account: str
    underlying: str
    expiration: date
    opened_on: date
    max_risk: Decimal
    difference: Decimal = _NONE


@dataclass(frozen=True, slots=True)
class ExitSlippage:
    """What a walked exit paid more than the mid at its decision, in $ per share of its package."""

    trident_id: str
    day: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class MoneyPart:
    """The figures of one period, account or underlying, or of all.

    `realized` is net of `fees`, which count on the day on which they were charged. `estimated`: a figure in it is not
    the last word. `ended` counts tridents whose last unit ended, `units` units by how they ended. `wins` are those of
    the ended tridents that earned more than nothing after fees. Days are calendar days since the opening. The return
    is in percent of the max risk at the entry. `capital_use` is the mean of open risk to capital at the close, in
    percent. `unexplained` counts tridents of which a unit is gone for an unknown amount: that unit's money is left out,
    and the trident is in no figure of those that ended.
    """

    realized: Decimal = _NONE
    fees: Decimal = _NONE
    estimated: bool = False
    ended: int = 0
    units: Mapping[Ended, int] = field(default_factory=dict)
    wins: Share = _NOBODY
    average_win: Decimal | None = None
    average_loss: Decimal | None = None
    days_held: Decimal | None = None
    return_on_risk: Decimal | None = None
    capital_use: Decimal | None = None
    days_to_target: Mapping[UnitName, Decimal] = field(default_factory=dict)
    slippage: Decimal | None = None
    unexplained: int = 0


@dataclass(frozen=True, slots=True)
class MoneyFigures:
    """The figures of some days: by period, the first first; by account and by underlying, in their order; of all."""

    by: Period
    periods: tuple[tuple[date, MoneyPart], ...]
    accounts: tuple[tuple[str, MoneyPart], ...]
    underlyings: tuple[tuple[str, MoneyPart], ...]
    total: MoneyPart


@dataclass(frozen=True, slots=True)
class _Days:
    """The days of a report, both included."""

    first: date
    last: date

    def __contains__(self, day: date | None) -> bool:
        return day is not None and self.first <= day <= self.last

    def of_period(self, by: Period, begins: date) -> _Days:
        """Those of them that the period has."""
        return _Days(max(begins, self.first), min(by.last_of(begins), self.last))


def money_of(
    units: Iterable[UnitMoney],
    tridents: Iterable[TridentMoney],
    days: Iterable[AccountAtClose],
    by: Period,
    *,
    slippages: Iterable[ExitSlippage] = (),
    first: date = date.min,
    last: date = date.max,
) -> MoneyFigures:
    """The figures of the days from first to last, both included. What was earned counts on the day of its closing fill
    or settlement, fees on the day charged: those of the opening on its own.

    `units` are all units of the `tridents`.
    """
    of_trident = _by(units, lambda unit: (unit.trident_id,))
    every = [_Book(trident, of_trident.get(trident.id, [])) for trident in tridents]
    within = _Days(first, last)
    known = {book.trident.id for book in every}
    exits = [one for one in slippages if one.trident_id in known]
    closes = [one for one in days if one.day in within]

    of_period = _by(every, lambda book: {by.first_of(day) for day in book.days if day in within})
    days_of = _by(closes, lambda one: (by.first_of(one.day),))
    exits_of = _by([one for one in exits if one.day in within], lambda one: (by.first_of(one.day),))
    of_account = _by(every, lambda book: (book.trident.account,))
    days_of_account = _by(closes, lambda one: (one.account,))
    of_underlying = _by(every, lambda book: (book.trident.underlying,))

    def whole(chosen: Sequence[_Book], of_days: Sequence[AccountAtClose] = ()) -> MoneyPart:
        ids = {book.trident.id for book in chosen}
        return _part(chosen, of_days, [one for one in exits if one.trident_id in ids], within)

    return MoneyFigures(
        by=by,
        periods=tuple(
            (
                begins,
                _part(
                    of_period.get(begins, ()),
                    days_of.get(begins, ()),
                    exits_of.get(begins, ()),
                    within.of_period(by, begins),
                ),
            )
            for begins in sorted(of_period.keys() | days_of.keys())
        ),
        accounts=tuple(
            (number, whole(of_account[number], days_of_account.get(number, ()))) for number in sorted(of_account)
        ),
        underlyings=tuple((symbol, whole(of_underlying[symbol])) for symbol in sorted(of_underlying)),
        total=whole(every, closes),
    )


@dataclass(slots=True)
class Earned:
    """What some days earned, after fees. `estimated`: a part of it is not the last word. `unexplained`: a unit ended on
    them for nobody knows how much, which is left out."""

    amount: Decimal = _NONE
    estimated: bool = False
    unexplained: bool = False

    def add(self, amount: Decimal, *, estimated: bool = False, unexplained: bool = False) -> None:
        self.amount += amount
        self.estimated |= estimated
        self.unexplained |= unexplained


def earned_by_day(units: Iterable[UnitMoney], tridents: Iterable[TridentMoney]) -> dict[date, Earned]:
    """What each day earned, the first day first: as `money_of` by day says, of all days and nothing else. Their sum is
    what all of them realized."""
    of_trident = _by(units, lambda unit: (unit.trident_id,))
    found: dict[date, Earned] = {}
    for trident in tridents:
        book = _Book(trident, of_trident.get(trident.id, []))
        for day in book.days:
            found.setdefault(day, Earned())
        if book.last_day is not None and not book.is_unexplained:
            found[book.last_day].add(trident.difference)
        for unit in book.units:
            found[trident.opened_on].add(-unit.opening_fees, estimated=unit.estimated)
            if unit.day is not None:
                gross = _NONE if unit.realized is None else unit.realized + unit.fees
                net = gross - (unit.fees - unit.opening_fees)
                found[unit.day].add(net, estimated=unit.estimated, unexplained=unit.is_unexplained)
    return dict(sorted(found.items()))


@dataclass(slots=True)
class _Book:
    """A trident with its units, and what these come to.

    `days` are those on which something was earned or paid. `last_day` is that of its last unit, None while one is left;
    `realized` is net of fees, by the broker's word.
    """

    trident: TridentMoney
    units: Sequence[UnitMoney]
    days: set[date] = field(init=False)
    last_day: date | None = field(init=False)
    is_unexplained: bool = field(init=False)
    realized: Decimal = field(init=False)

    def __post_init__(self) -> None:
        ends = [unit.day for unit in self.units if unit.day is not None]
        self.days = {self.trident.opened_on, *ends}
        self.last_day = max(ends) if len(ends) == _UNITS else None
        self.is_unexplained = any(unit.is_unexplained for unit in self.units)
        self.realized = sum((unit.realized or _NONE for unit in self.units), self.trident.difference)


def _by(values: Iterable[Value], keys: Callable[[Value], Iterable[Key]]) -> dict[Key, list[Value]]:
    """The values by each of their keys, in their order."""
    found: dict[Key, list[Value]] = {}
    for value in values:
        for key in keys(value):
            found.setdefault(key, []).append(value)
    return found


def _part(
    books: Iterable[_Book],
    closes: Iterable[AccountAtClose],
    slippages: Iterable[ExitSlippage],
    within: _Days,
) -> MoneyPart:
    first, last = within.first, within.last
    earned = fees = _NONE
    estimated = False
    hows: dict[Ended, int] = {}
    to_target: dict[UnitName, list[int]] = {}
    ended: list[_Book] = []
    unexplained = 0
    for book in books:
        opened_on = book.trident.opened_on
        is_opened = first <= opened_on <= last
        if book.is_unexplained:
            unexplained += any(unit.day in within for unit in book.units)
        elif book.last_day in within:
            ended.append(book)
            earned += book.trident.difference
        for unit in book.units:
            day = unit.day
            if is_opened:
                fees += unit.opening_fees
                estimated |= unit.estimated
            if day is None or not first <= day <= last:
                continue
            fees += unit.fees - unit.opening_fees
            estimated |= unit.estimated
            if unit.realized is None:
                continue
            earned += unit.realized + unit.fees
            if unit.how is not None:
                hows[unit.how] = hows.get(unit.how, 0) + 1
            if unit.how is Ended.TARGET:
                to_target.setdefault(unit.name, []).append((day - opened_on).days)
    results = [book.realized for book in ended]
    used = [_HUNDRED * day.open_risk / day.capital for day in closes if day.capital > 0]
    return MoneyPart(
        realized=earned - fees,
        fees=fees,
        estimated=estimated,
        ended=len(ended),
        units={how: hows[how] for how in Ended if how in hows} if hows else {},
        wins=Share(sum(result > 0 for result in results), len(results)),
        average_win=_mean([result for result in results if result > 0]),
        average_loss=_mean([result for result in results if result <= 0]),
        days_held=_mean([Decimal((book.last_day - book.trident.opened_on).days) for book in ended if book.last_day]),
        return_on_risk=_mean(
            [_HUNDRED * book.realized / book.trident.max_risk for book in ended if book.trident.max_risk > 0]
        ),
        capital_use=_mean(used),
        days_to_target={
            name: Decimal(sum(to_target[name])) / len(to_target[name]) for name in UnitName if name in to_target
        }
        if to_target
        else {},
        slippage=_mean([one.amount for one in slippages if one.day in within]),
        unexplained=unexplained,
    )


def _mean(values: Sequence[Decimal]) -> Decimal | None:
    return sum(values, _NONE) / len(values) if values else None
