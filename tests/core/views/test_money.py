"""What the page of money shows, from records: the accounts chosen, each day so far, each week, what was open."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from core.domain.positions.account_at_close import AccountAtClose
from core.domain.positions.pnl import Unrealized
from core.domain.reporting.money import Period, money_of
from core.records.records import Records
from core.records.search.money import Money
from core.snapshot.money import MoneyDay
from core.views.money import account_of, money_page, money_view
from tests.support.earned_records import OTHER, record_earned
from tests.support.record_samples import ACCOUNT, DAY, after, url_of
from tests.support.tridents import D

NONE = Decimal(0)
LATER = DAY + timedelta(days=3)
APRIL = date(2026, 4, 6)


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
    views = [money_view(found, [], choice) for choice in range(4)]
    assert [view.accounts for view in views] == [("…0001", "…0002")] * 4
    assert [view.chosen for view in views] == ["", "…0001", "…0002", ""]
    assert [view.figures.total.realized for view in views] == [D("242.58"), D("249.30"), D("-6.72"), D("242.58")]
    assert [account_of(found, choice) for choice in range(4)] == [None, ACCOUNT, OTHER, None]


async def test_days_add_up_to_what_the_report_says_and_weeks_without_a_result_are_there(tmp_path: Path) -> None:
    found = await found_in(tmp_path / "records.sqlite3")
    view = money_view(found, [], 0)
    total = money_of(found.units, found.tridents, [], Period.MONTH).total
    assert [one.day for one in view.days] == [DAY, LATER, APRIL]
    assert view.days[-1].realized == total.realized == sum(earned for _, earned in view.weeks)
    assert [begins for begins, _ in view.weeks] == [DAY + timedelta(days=7 * n) for n in range(6)]
    assert [earned for _, earned in view.weeks][1:-1] == [NONE] * 4


async def test_what_was_open_is_that_of_all_accounts_or_not_known(tmp_path: Path) -> None:
    found = await found_in(tmp_path / "records.sqlite3")
    closes = [
        at_close(ACCOUNT, DAY - timedelta(days=1), "1.00"),
        *(at_close(account, DAY, mid) for account, mid in ((ACCOUNT, "12.00"), (OTHER, "-2.00"))),
        *(at_close(account, LATER, mid) for account, mid in ((ACCOUNT, "20.00"), (OTHER, None))),
        at_close(ACCOUNT, APRIL, None, risk="0.00"),
    ]
    open_mid = {one.day: one.open_mid for one in money_view(found, closes, 0).days}
    assert open_mid == {DAY: D("10.00"), LATER: None, APRIL: NONE}, "nothing was earned on the day before the first"
    [first, *_] = money_view(found, closes, 1).days
    assert first == MoneyDay(DAY, D("-6.72"), D("12.00"))


async def test_it_is_read_again_only_when_the_records_have_changed(tmp_path: Path) -> None:
    file = tmp_path / "records.sqlite3"
    await record_earned(file)
    records = await Records.open(url_of(file))
    try:
        first = await money_page(records, 0)
        assert first is not None
        assert first.version is not None
        assert await money_page(records, 0, first.version) is None
        assert await records.pnl_rows.add_day(at_close(OTHER, APRIL, "3.00"))
        second = await money_page(records, 0, first.version)
        assert second is not None
        assert second.view.days[-1].open_mid == D("3.00")
    finally:
        await records.close()
