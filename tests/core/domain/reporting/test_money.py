"""What was earned by day, week and month: on which day money and fees count, and what is a win."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.domain.positions.account_at_close import AccountAtClose
from core.domain.positions.units import Ended, UnitName
from core.domain.reporting.figures import Share
from core.domain.reporting.money import (
    ExitSlippage,
    MoneyFigures,
    MoneyPart,
    Period,
    TridentMoney,
    UnitMoney,
    earned_by_day,
    money_of,
)
from tests.support.tridents import CALL, LONG_CALL, LONG_PUT, PUT_1, PUT_2, SHORT_CALL, SHORT_PUT, D

MONDAY = date(2026, 3, 2)
ACCOUNT, OTHER = "5WT00001", "5WT00002"


def on(days: int) -> date:
    return MONDAY + timedelta(days=days)


def trident(id: str = "T1", account: str = ACCOUNT, opened: date = MONDAY, underlying: str = "QQQ") -> TridentMoney:
    return TridentMoney(id, account, underlying, on(45), opened, D("190.00"))


def unit(
    name: UnitName,
    day: date | None = None,
    realized: str | None = None,
    how: Ended | None = Ended.TARGET,
    id: str = "T1",
    fees: str = "2.48",
    opening: str = "2.24",
    *,
    estimated: bool = False,
) -> UnitMoney:
    """A unit that realized so much before fees, if it has ended."""
    put = name is not CALL
    gross = None if realized is None else D(realized)
    return UnitMoney(
        trident_id=id,
        name=name,
        short=SHORT_PUT if put else SHORT_CALL,
        long=LONG_PUT if put else LONG_CALL,
        how=how if day is not None else None,
        day=day,
        received=gross,
        paid=None if gross is None else Decimal(0),
        settlement=None if gross is None else Decimal(0),
        fees=D(fees) if day is not None else D(opening),
        opening_fees=D(opening),
        estimated=estimated,
        realized=None if gross is None else gross - D(fees),
    )


TARGETS = (unit(PUT_1, on(3), "48"), unit(PUT_2, on(8), "72"), unit(CALL, on(31), "68"))


def of_periods(figures: MoneyFigures) -> dict[date, Decimal]:
    return {begins: part.realized for begins, part in figures.periods}


def test_money_counts_when_it_came_and_fees_when_they_were_charged() -> None:
    figures = money_of(TARGETS, [trident()], [], Period.DAY)
    assert of_periods(figures) == {
        on(0): D("-6.72"),
        on(3): D("47.76"),
        on(8): D("71.76"),
        on(31): D("67.76"),
    }
    assert figures.total.realized == D("188") - D("7.44")
    assert figures.total.fees == D("7.44")
    assert [part.ended for _, part in figures.periods] == [0, 0, 0, 1]


def test_weeks_begin_on_monday_and_months_on_their_first() -> None:
    week = money_of(TARGETS, [trident()], [], Period.WEEK)
    assert of_periods(week) == {on(0): D("41.04"), on(7): D("71.76"), on(28): D("67.76")}
    month = money_of(TARGETS, [trident()], [], Period.MONTH)
    assert of_periods(month) == {date(2026, 3, 1): D("112.80"), date(2026, 4, 1): D("67.76")}


def test_only_the_days_asked_for_count() -> None:
    figures = money_of(TARGETS, [trident()], [], Period.DAY, first=on(3), last=on(8))
    assert of_periods(figures) == {on(3): D("47.76"), on(8): D("71.76")}
    assert figures.total.realized == D("119.52")
    assert (figures.total.ended, figures.total.units) == (0, {Ended.TARGET: 2})


def test_how_tridents_ended() -> None:
    lost = [unit(name, on(38), "-80", Ended.TIME, "T2") for name in UnitName]
    figures = money_of([*TARGETS, *lost], [trident(), trident("T2")], [], Period.MONTH)
    total = figures.total
    assert (total.ended, total.wins, total.units) == (2, Share(1, 2), {Ended.TARGET: 3, Ended.TIME: 3})
    assert (total.average_win, total.average_loss) == (D("180.56"), D("-247.44"))
    assert total.days_held == D("34.5")
    assert total.return_on_risk == (100 * D("180.56") / 190 - 100 * D("247.44") / 190) / 2
    assert total.days_to_target == {PUT_1: 3, PUT_2: 8, CALL: 31}


def test_a_win_is_what_is_left_after_fees() -> None:
    even = [unit(name, on(1), "2.48") for name in UnitName]
    part = money_of(even, [trident()], [], Period.DAY).total
    assert (part.realized, part.wins, part.average_win, part.average_loss) == (0, Share(0, 1), None, 0)


def test_a_trident_of_which_a_unit_is_left_has_not_ended() -> None:
    part = money_of([*TARGETS[:2], unit(CALL)], [trident()], [], Period.MONTH).total
    assert (part.ended, part.wins, part.unexplained) == (0, Share(0, 0), 0)
    assert part.realized == D("120") - D("7.20")


def test_what_is_gone_for_nobody_knows_how_much_is_counted_and_left_out() -> None:
    gone = replace(unit(CALL, on(31)), how=None)
    part = money_of([*TARGETS[:2], gone], [trident()], [], Period.MONTH).total
    assert (part.ended, part.wins, part.unexplained, part.return_on_risk) == (0, Share(0, 0), 1, None)
    assert part.realized == D("120") - D("7.44")
    assert part.units == {Ended.TARGET: 2}


def test_the_broker_s_word_counts_on_the_last_day() -> None:
    told = replace(trident(), difference=D("-1.00"))
    figures = money_of(TARGETS, [told], [], Period.DAY)
    assert of_periods(figures)[on(31)] == D("66.76")
    assert figures.total.average_win == D("179.56")


def test_an_estimate_marks_the_day_on_which_it_counts() -> None:
    guessed = [*TARGETS[:2], unit(CALL, on(31), "68", estimated=True)]
    figures = money_of(guessed, [trident()], [], Period.DAY)
    assert [part.estimated for _, part in figures.periods] == [True, False, False, True]
    assert figures.total.estimated


def test_by_account_and_underlying() -> None:
    other = [unit(name, on(5), "10", Ended.HAND, "T2") for name in UnitName]
    figures = money_of([*TARGETS, *other], [trident(), trident("T2", OTHER, underlying="SPX")], [], Period.MONTH)
    assert [(number, part.realized) for number, part in figures.accounts] == [
        (ACCOUNT, D("180.56")),
        (OTHER, D("22.56")),
    ]
    assert [(symbol, part.ended) for symbol, part in figures.underlyings] == [("QQQ", 1), ("SPX", 1)]


def at_close(day: date, risk: str, capital: str = "10000", account: str = ACCOUNT) -> AccountAtClose:
    at = datetime(2026, 3, 2, 21, 30, tzinfo=UTC)
    return AccountAtClose(account, day, D(risk), D(capital), None, Decimal(0), Decimal(0), at)


def test_capital_in_use_is_the_mean_over_the_sessions() -> None:
    days = [at_close(on(0), "100"), at_close(on(1), "300"), at_close(on(1), "0", "0", OTHER), at_close(on(9), "500")]
    figures = money_of(TARGETS, [trident()], days, Period.WEEK, last=on(10))
    assert [part.capital_use for _, part in figures.periods] == [2, 5]
    assert figures.total.capital_use == 3
    assert [part.capital_use for _, part in figures.accounts] == [3]


def test_slippage_is_the_mean_of_what_walks_paid_over_their_mid() -> None:
    walks = [
        ExitSlippage("T1", on(3), D("0.06")),
        ExitSlippage("T1", on(8), D("0.00")),
        ExitSlippage("no", on(3), D("9")),
    ]
    figures = money_of(TARGETS, [trident()], [], Period.DAY, slippages=walks)
    assert figures.total.slippage == D("0.03")
    assert [part.slippage for _, part in figures.periods] == [None, D("0.06"), 0, None]


def test_nothing_is_nothing() -> None:
    figures = money_of([], [], [], Period.MONTH)
    assert (figures.periods, figures.accounts, figures.total) == ((), (), MoneyPart())


cents = st.integers(-30_000, 30_000).map(lambda n: str(Decimal(n) / 100))
days = st.integers(0, 60)


@given(
    st.lists(st.tuples(days, st.tuples(*[st.tuples(st.integers(0, 40), cents)] * 3)), max_size=8),
    st.sampled_from(Period),
)
def test_the_periods_add_up_to_the_whole(drawn: list[tuple[int, tuple[tuple[int, str], ...]]], by: Period) -> None:
    tridents, units = [], []
    for number, (opened, closed) in enumerate(drawn):
        id = f"T{number}"
        tridents.append(trident(id, (ACCOUNT, OTHER)[number % 2], on(opened)))
        units += [
            unit(name, on(opened + after), realized, id=id)
            for name, (after, realized) in zip(UnitName, closed, strict=True)
        ]
    figures = money_of(units, tridents, [], by)
    net = sum((one.realized or Decimal(0) for one in units), Decimal(0))
    assert figures.total.realized == net
    for parts in (figures.periods, figures.accounts):
        assert sum((part.realized for _, part in parts), Decimal(0)) == net
        assert sum((part.fees for _, part in parts), Decimal(0)) == figures.total.fees
        assert sum(part.ended for _, part in parts) == figures.total.ended == len(tridents)
        assert sum(part.wins.count for _, part in parts) == figures.total.wins.count


@given(
    st.lists(
        st.tuples(days, st.tuples(*[st.tuples(st.none() | st.integers(0, 40), st.none() | cents)] * 3), cents),
        max_size=8,
    )
)
def test_each_day_earned_what_its_period_says_whatever_ended_and_whatever_is_gone(
    drawn: list[tuple[int, tuple[tuple[int | None, str | None], ...], str]],
) -> None:
    tridents, units = [], []
    for number, (opened, closed, difference) in enumerate(drawn):
        id = f"T{number}"
        tridents.append(replace(trident(id, opened=on(opened)), difference=D(difference)))
        units += [
            unit(name, None if after is None else on(opened + after), None if after is None else realized, id=id)
            for name, (after, realized) in zip(UnitName, closed, strict=True)
        ]
    units = [replace(one, estimated=index % 3 == 1) for index, one in enumerate(units)]
    found = money_of(units, tridents, [], Period.DAY).periods
    by_day = {day: (one.amount, one.estimated) for day, one in earned_by_day(units, tridents).items()}
    assert by_day == {day: (part.realized, part.estimated) for day, part in found}


@given(day=st.dates(date(2020, 1, 1), date(2032, 12, 31)), by=st.sampled_from(Period))
def test_a_period_lasts_from_its_first_date_to_the_day_before_the_next_one(day: date, by: Period) -> None:
    first = by.first_of(day)
    last = by.last_of(first)
    assert first <= day <= last
    assert by.first_of(last) == first
    assert by.first_of(last + timedelta(days=1)) == last + timedelta(days=1)
