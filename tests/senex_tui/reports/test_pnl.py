"""`senex report --pnl`, read from records without a console: as text, as JSON, and one row a closed unit."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from datetime import date, timedelta
from decimal import Decimal

import pytest

from core.domain.reporting.money import Period
from core.records.records import Records
from core.snapshot import Mode
from senex_tui.reports.pnl import COLUMNS, period_of, read_pnl
from senex_tui.support.refusals import Refused
from senex_tui.trader.place import Place
from tests.support.earned_records import record_earned
from tests.support.exit_samples import ALL
from tests.support.record_samples import ACCOUNT, DAY, url_of
from tests.support.senex_command import Box

OTHER = "5WT00002"
PUT_1, PUT_2, CALL = ALL
NONE = Decimal(0)


@pytest.fixture
def place(box: Box) -> Place:
    """Records of two tridents: one whose units all ended, one of the other account of which the call is gone."""
    data = box.home / "data"
    found = Place(Mode.DRY_RUN, data / "dry-run" / "records.sqlite3", data / "HALT")
    asyncio.run(record_earned(found.records_file))
    return found


def test_all_days_by_month_as_json(place: Place) -> None:
    told = json.loads(asyncio.run(read_pnl(place, Period.MONTH, None, None)).to_json())
    assert (told["mode"], told["by"], told["first"], told["last"]) == ("dry-run", "month", None, None)
    assert [(one["begins"], one["realized"], one["fees"], one["estimated"]) for one in told["periods"]] == [
        ("2026-03-01", "35.32", "13.68", True),
        ("2026-04-01", "207.26", "0.24", True),
    ]
    total = told["total"]
    assert (total["realized"], total["ended"], total["unexplained"]) == ("242.58", 1, 1)
    assert total["units"] == {"target": 1, "time": 1, "expired": 1}
    assert total["win_rate"] == {"count": 1, "of": 1, "percent": "100.0"}
    assert (total["average_win"], total["average_loss"]) == ("249.30", None)
    assert (total["days_held"], total["days_to_target"]) == ("35.0", {"put-1": "3.0"})
    assert total["exit_slippage_per_share"] == "+0.0600"
    assert total["capital_use_percent"] == "1.0"
    assert [(one["account"], one["ended"]) for one in told["accounts"]] == [("…0001", 1), ("…0002", 0)]
    assert [one["underlying"] for one in told["underlyings"]] == ["QQQ"]


def test_a_row_a_closed_unit(place: Place) -> None:
    rows = list(
        csv.reader(io.StringIO(asyncio.run(read_pnl(place, Period.MONTH, None, None, with_lots=True)).to_csv()))
    )
    assert tuple(rows[0]) == COLUMNS == (
        "account", "trade", "underlying", "expiration", "right", "short", "long", "quantity", "opened", "closed",
        "how", "proceeds", "cost", "fees", "realized", "estimated", "transactions",
        "difference",
    )  # fmt: skip
    one, two = ["…0001", "one", "QQQ", "2026-04-17"], ["…0002", "two", "QQQ", "2026-04-17"]
    put, call = ["put", "622", "619", "1", "2026-03-02"], ["call", "622", "625", "1", "2026-03-02"]
    assert rows[1:] == [
        [*one, *put, "2026-03-05", "target", "122.00", "73.00", "2.48", "46.52", "no", "", "0.00"],
        [*one, *put, "2026-04-06", "time", "122.00", "76.00", "2.48", "43.52", "no", "", "0.00"],
        [*one, *call, "2026-04-06", "expired", "162.00", "0.00", "2.24", "159.76", "no", "", "-0.50"],
        [*two, *call, "2026-04-06", "gone?", "", "", "2.24", "", "yes", "", ""],
    ]
    net = sum(Decimal(row[14]) + Decimal(row[17]) for row in rows[1:-1])
    report = asyncio.run(read_pnl(place, Period.MONTH, None, None, "0001"))
    assert net == report.figures.total.realized, "the rows add up to what the report says"


def test_some_days_of_one_account(place: Place) -> None:
    report = asyncio.run(
        read_pnl(place, Period.DAY, DAY + timedelta(days=1), date(2026, 3, 31), "0001", with_lots=True)
    )
    assert [begins for begins, _ in report.figures.periods] == [date(2026, 3, 5)]
    assert [(lot.trident.id, lot.unit.name) for lot in report.lots] == [("one", PUT_1)]
    assert [number for number, _ in report.figures.accounts] == ["…0001"]


def test_as_text(place: Place) -> None:
    lines = asyncio.run(read_pnl(place, Period.MONTH, None, None)).to_text().splitlines()
    assert lines[0] == "DRY-RUN: 1 trident ended"
    assert "realized            ~+242.58 $  after 13.92 $ of fees" in lines
    assert "units                        3  1 target, 1 time, 1 expired" in lines
    assert "gone?                        1  tridents: nothing says for how much; left out" in lines
    assert "2026-03-01        ~+35.32     13.68      0       --     --       --" in lines
    assert lines[-1].startswith("~ fees are estimates")
    assert max(len(line) for line in lines) <= 80
    assert ACCOUNT not in "\n".join(lines)


def test_where_nothing_is_recorded(box: Box) -> None:
    data = box.home / "data"
    empty = Place(Mode.DRY_RUN, data / "dry-run" / "records.sqlite3", data / "HALT")

    async def record() -> None:
        empty.records_file.parent.mkdir(parents=True)
        await (await Records.open(url_of(empty.records_file))).close()

    asyncio.run(record())
    report = asyncio.run(read_pnl(empty, Period.DAY, DAY, None))
    assert report.to_text() == "Nothing was earned there in dry-run mode from 2026-03-02."
    assert report.to_csv() == ",".join(COLUMNS)
    assert json.loads(report.to_json())["periods"] == []


@pytest.mark.parametrize("word", ["year", "", "Day"])
def test_a_period_is_a_day_a_week_or_a_month(word: str) -> None:
    assert period_of(None) is Period.MONTH
    assert period_of("week") is Period.WEEK
    with pytest.raises(Refused, match="is no period; write one of day, week, month"):
        period_of(word)


def test_days_in_the_wrong_order_are_refused(place: Place) -> None:
    with pytest.raises(Refused, match="is after"):
        asyncio.run(read_pnl(place, Period.DAY, DAY, DAY - timedelta(days=1)))
    with pytest.raises(Refused, match="--account"):
        asyncio.run(read_pnl(place, Period.DAY, None, None, "9999"))


def test_the_command_prints_it(place: Place, box: Box) -> None:
    where = ("--data-dir", str(box.home / "data"))
    found = box.run("report", "--pnl", "--by", "week", "--csv", *where)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.splitlines()[0] == ",".join(COLUMNS)
    assert len(found.stdout.splitlines()) == 5
    refused = box.run("report", "--by", "week", *where)
    assert refused.returncode != 0
    assert "give --pnl too" in refused.stderr
