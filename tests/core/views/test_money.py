"""What the page of money shows, from records: the accounts chosen, each day so far, each week, what was open."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.domain.positions.account_at_close import AccountAtClose
from core.domain.positions.pnl import Unrealized
from core.domain.positions.units import Ended, UnitName
from core.domain.reporting.money import MoneyFigures, MoneyPart, Period, TridentMoney, UnitMoney, money_of
from core.records.records import Records
from core.records.repositories import pnl_rows
from core.records.search import money as money_search
from core.records.search.money import Money
from core.snapshot import PositionsSlice
from core.snapshot.money import MoneyDay, MoneyView, NetToday
from core.views import money as money_views
from core.views.money import account_of, money_page, money_view
from senex_tui.reports import pnl
from tests.support.earned_records import OTHER, record_earned
from tests.support.record_samples import ACCOUNT, AT, DAY, after, url_of
from tests.support.tridents import D
from widgets.base.lines import plain
from widgets.money import MoneyNow, now_lines, open_now

NONE = Decimal(0)
LATER = DAY + timedelta(days=3)
APRIL = date(2026, 4, 6)
LAST = 4
"""Days from the opening to the expiration of a trident."""


def at_close(account: str, day: date, mid: str | None, risk: str = "190.00") -> AccountAtClose:
    unrealized = None if mid is None else Unrealized(D(mid), D(mid) - 5)
    return AccountAtClose(account, day, D(risk), D("19000.00"), unrealized, NONE, NONE, after(50))


async def found_in(file: Path) -> Money:
    await record_earned(file)
    records = await Records.open(url_of(file), trader=False)
    try:
        return await records.money.recorded()
    finally:
        await records.close()


async def test_all_accounts_come_first_then_each_by_its_number(tmp_path: Path) -> None:
    found = await found_in(tmp_path / "records.sqlite3")
    choices = ("", "…0001", "…0002", "…0003")
    views = [money_view(found, [], choice) for choice in choices]
    assert [view.accounts for view in views] == [("…0001", "…0002")] * 4
    assert [view.chosen for view in views] == ["", "…0001", "…0002", ""]
    assert [view.figures.total.realized for view in views] == [D("242.58"), D("249.30"), D("-6.72"), D("242.58")]
    assert [account_of(found, choice) for choice in choices] == [None, ACCOUNT, OTHER, None]


async def test_days_add_up_to_what_the_report_says_and_weeks_without_a_result_are_there(tmp_path: Path) -> None:
    found = await found_in(tmp_path / "records.sqlite3")
    view = money_view(found, [], "")
    total = money_of(found.units, found.tridents, [], Period.MONTH).total
    assert [one.day for one in view.days] == [DAY, LATER, APRIL]
    assert view.days[-1].realized == total.realized == sum(one.realized for one in view.weeks)
    assert [one.begins for one in view.weeks] == [DAY + timedelta(days=7 * n) for n in range(6)]
    assert [one.realized for one in view.weeks][1:-1] == [NONE] * 4


async def test_what_was_open_is_that_of_all_accounts_or_not_known(tmp_path: Path) -> None:
    found = await found_in(tmp_path / "records.sqlite3")
    closes = [
        at_close(ACCOUNT, DAY - timedelta(days=1), "1.00"),
        *(at_close(account, DAY, mid) for account, mid in ((ACCOUNT, "12.00"), (OTHER, "-2.00"))),
        *(at_close(account, LATER, mid) for account, mid in ((ACCOUNT, "20.00"), (OTHER, None))),
        at_close(ACCOUNT, APRIL, None, risk="0.00"),
    ]
    open_mid = {one.day: one.open_mid for one in money_view(found, closes, "").days}
    assert open_mid == {DAY: D("10.00"), LATER: None, APRIL: None}, "the day before the first is not there"
    closes.append(at_close(OTHER, APRIL, "3.00", risk="0.00"))
    assert money_view(found, closes, "").days[-1].open_mid == D("3.00"), "of the first account all has ended"
    [first, *_] = money_view(found, closes, "…0001").days
    assert first == MoneyDay(DAY, D("-6.72"), D("12.00"))


def unit_of(trident: TridentMoney, day: date | None, ended_at: datetime | None) -> UnitMoney:
    amounts = (D("120.00"), D("0.00"), NONE, D("2.00"), D("2.00"))
    how = None if day is None else Ended.EXPIRED
    return UnitMoney(
        trident.id,
        UnitName.CALL,
        "S",
        "L",
        how,
        day,
        *amounts,
        estimated=False,
        realized=D("118.00"),
        ended_at=ended_at,
    )


@pytest.mark.parametrize(
    ("ends", "known", "sure"),
    [
        (0, timedelta(minutes=30), True),  # closed in the session
        (0, timedelta(minutes=60), False),  # known after the account was recorded: the mark has it too
        (0, timedelta(days=1), False),
        (LAST, timedelta(days=LAST + 3), True),  # it expires, and the broker's rows come on Monday
        (LAST + 1, timedelta(days=LAST + 3), False),  # its settlement counts for a day after its expiration
        (None, None, False),  # it has expired, and nothing says for how much
    ],
)
def test_an_open_figure_is_there_only_beside_a_realized_one_of_the_same_tridents(
    ends: int | None, known: timedelta | None, sure: bool
) -> None:
    """Otherwise the change of a day would count an end twice, or not at all."""
    flat = TridentMoney("flat", ACCOUNT, "SPX", DAY + timedelta(days=90), DAY, D("190.00"))
    other = TridentMoney("other", ACCOUNT, "SPX", DAY + timedelta(days=LAST), DAY, D("190.00"))
    day = None if ends is None else DAY + timedelta(days=ends)
    units = (unit_of(flat, None, None), unit_of(other, day, None if known is None else AT + known))
    closes = [
        replace(at_close(ACCOUNT, DAY + of, "12.00"), at=AT + of + timedelta(minutes=50))
        for of in map(timedelta, range(LAST + 1))
    ]
    view = money_view(Money((flat, other), units, ()), closes, "")
    of_day = {one.day: one.open_mid for one in view.days}
    judged = DAY if ends == 0 else DAY + timedelta(days=LAST)
    assert of_day[judged] == (D("12.00") if sure else None)
    today = judged + timedelta(days=1)
    assert (view.net_today(today, D("12.00")).amount is None) is not sure


async def test_every_sum_with_an_estimate_in_it_says_so(tmp_path: Path) -> None:
    view = money_view(await found_in(tmp_path / "records.sqlite3"), [], "")
    assert {one.day: one.estimated for one in view.days} == {DAY: True, LATER: False, APRIL: True}
    assert [one.estimated for one in view.weeks] == [True, False, False, False, False, True]
    told = plain(now_lines(MoneyNow(view, APRIL, open_now(PositionsSlice(), view)), 120))
    assert "today ~+207.26  week ~+207.26  month ~+207.26  all ~+242.58" in told
    own = money_view(await found_in(tmp_path / "other.sqlite3"), [], "…0001")
    assert "~" not in plain(now_lines(MoneyNow(own, APRIL, open_now(PositionsSlice(), own)), 120))


async def test_accounts_whose_last_characters_are_alike_stay_apart_and_a_choice_means_one_of_them(
    tmp_path: Path,
) -> None:
    found = await found_in(tmp_path / "records.sqlite3")
    alike = {ACCOUNT: "5WX90001", OTHER: "5WX80001"}
    renamed = replace(found, tridents=tuple(replace(one, account=alike[one.account]) for one in found.tridents))
    closes = [replace(at_close(ACCOUNT, DAY, "12.00"), account="5WX90001")]
    view = money_view(renamed, closes, "…90001")
    assert (view.accounts, view.chosen) == (("…80001", "…90001"), "…90001")
    assert view.figures.total.realized == D("249.30")
    assert [name for name, _ in money_view(renamed, closes, "").figures.accounts] == ["…80001", "…90001"]
    first = replace(found.tridents[0], id="new", account="5WA00009")
    more = replace(renamed, tridents=(*renamed.tridents, first))
    assert account_of(more, "…90001") == "5WX90001", "the choice is the account, wherever it stands"
    assert account_of(renamed, "…0001") is None, "a name that two accounts have is none"


async def test_today_is_measured_against_the_close_before_it() -> None:
    days = (
        MoneyDay(DAY, D("-6.72"), D("12.00"), estimated=True),
        MoneyDay(LATER, D("40.00"), D("-5.00")),
        MoneyDay(APRIL, D("80.50"), None, estimated=True),
    )
    view = MoneyView((), "", MoneyFigures(Period.MONTH, (), (), (), MoneyPart()), days, ())
    # 40.50 were realized, and what is open is worth 7 more than the -5 of the close.
    assert view.net_today(APRIL, D("2.00")) == NetToday(D("47.50"), LATER, estimated=True)
    assert view.net_today(APRIL, None).amount is None, "without fresh quotes nobody knows it"
    assert view.net_today(LATER, D("1.00")).amount is not None
    assert view.net_today(DAY, D("1.00")) == NetToday(D("81.50"), None, estimated=True)
    later = APRIL + timedelta(days=1)
    assert view.net_today(later, D("1.00")) == NetToday(None, APRIL, estimated=False), "no mark of its close"
    gone = replace(view, days=(*days[:2], replace(days[2], unexplained=True)))
    assert gone.net_today(APRIL, D("2.00")).amount is None, "a unit ended for nobody knows how much"


async def test_rows_are_put_together_beside_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of five years take longer than quotes may wait for the loop."""
    file = tmp_path / "records.sqlite3"
    await record_earned(file)
    made: dict[str, set[int]] = {}
    for module, name in (
        *((money_search, name) for name in ("Money", "TridentMoney", "UnitMoney", "ExitSlippage")),
        (pnl_rows, "AccountAtClose"),
        *((money_views, name) for name in ("MoneyView", "MoneyDay")),
        *((pnl, name) for name in ("PnlReport", "Lot")),
    ):
        kind = getattr(module, name)

        def making(*of: Any, kind: Any = kind, name: str = name, **more: Any) -> Any:
            made.setdefault(name, set()).add(threading.get_ident())
            return kind(*of, **more)

        monkeypatch.setattr(module, name, making)
    records = await Records.open(url_of(file), trader=False)
    try:
        assert await money_page(records, "") is not None
        assert "expired" in await pnl.csv_of(records, "dry-run", "")
    finally:
        await records.close()
    assert len(made) == 9, made.keys()
    assert threading.get_ident() not in set().union(*made.values()), made


async def test_it_is_read_again_only_when_the_records_have_changed(tmp_path: Path) -> None:
    file = tmp_path / "records.sqlite3"
    await record_earned(file)
    records = await Records.open(url_of(file))
    try:
        first = await money_page(records, "")
        assert first is not None
        assert first.version is not None
        assert await money_page(records, "", first.version) is None
        assert await records.pnl_rows.add_day(at_close(OTHER, APRIL, "3.00"))
        second = await money_page(records, "", first.version)
        assert second is not None
        assert second.view.days[-1].open_mid == D("3.00")
    finally:
        await records.close()
