"""`senex report` and `senex alerts`, read from records without a console."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.broker.port import BrokerAccount
from core.domain.market.sessions import SlotTimes
from core.domain.operation.commands import CommandKind
from core.domain.operation.outcomes import Outcome, outcome_for
from core.domain.operation.reasons import Reason
from core.domain.operation.runs import AccountRun
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Fill
from core.domain.reporting.alerts import AlertKind, DueAlert
from core.records.records import Records
from core.runtime.clock import SystemClock
from core.runtime.clock_file import NOTE_FILE
from core.snapshot import Mode
from senex_tui.reports.alerts import read_alerts
from senex_tui.reports.figures import COLUMNS, day_of, read_report
from senex_tui.support.refusals import Refused
from senex_tui.trader.place import Place
from senex_tui.trader.send_command import DONE, REFUSED, send
from tests.support.record_samples import AT, CLOSES, entry, url_of
from tests.support.senex_command import Box

ROOT = Path(__file__).parents[3]
ONE, TWO = "5WT00001", "5WT00002"
MONDAY = date(2026, 3, 2)
TIMES = SlotTimes()


@pytest.fixture
def place(box: Box) -> Place:
    """Records of 22 sessions: every third day a refusal by rule, one day an error, on the others a filled entry."""
    data = box.home / "data"
    found = Place(Mode.DRY_RUN, data / "dry-run" / "records.sqlite3", data / "HALT")
    asyncio.run(_record(found))
    return found


async def _record(place: Place) -> None:
    place.records_file.parent.mkdir(parents=True)
    records = await Records.open(url_of(place.records_file))
    for number in range(1, 23):
        await _record_day(records, number, MONDAY + timedelta(days=number))
    await records.alerts.open(DueAlert(AlertKind.NO_TRADE, ONE, "no trade in 5 sessions"), AT)
    await records.alerts.open(DueAlert(AlertKind.RETRY_RATE, "", "4 of 10 cycles"), AT)
    await records.alerts.close(2, AT + timedelta(days=1))
    await records.close()


async def _record_day(records: Records, number: int, day: date) -> None:
    reason = Reason.LOW_SCORE if number % 3 == 0 else Reason.LEG_CROSSED if number == 20 else None
    assert await records.cycles.begin(day, None, True, AT) == number
    outcome = Outcome.SUCCEEDED if reason is None else outcome_for(reason)
    refusals = 3 if reason is Reason.LEG_CROSSED else 0
    first = AccountRun(
        number, ONE, day, outcome, reason.code if reason else "", "", 1 + refusals, reason is not Reason.LOW_SCORE,
        refusals, None if reason else 6_000 + 100 * number,
    )  # fmt: skip
    off = AccountRun(number, TWO, day, Outcome.SKIPPED, "account_disabled", "", 0, False, 0)
    await records.cycles.end(number, outcome.value, "", "", {}, AT, (first, off))
    if reason is None:
        await records.entries.prepare(replace(entry(f"e{number}", day=day), cycle=number))
        assert await records.entries.mark_sent(f"e{number}", AT, epoch=records.epoch, closes=CLOSES)
        await records.entries.become(f"e{number}", OrderState.FILLED, at=AT)
        prices = (("3.10", 2), ("1.90", 2), ("3.00", 1), ("1.38", 1))
        fills = [
            Fill(f"f{number}-{n}", leg.symbol, Decimal(quantity), Decimal(price), AT)
            for n, (leg, (price, quantity)) in enumerate(zip(entry().request.legs, prices, strict=True))
        ]
        await records.entries.add_fills(f"e{number}", fills)


def test_the_last_20_sessions_as_json(place: Place) -> None:
    told = asyncio.run(read_report(place, TIMES, None, None))
    values = json.loads(told.to_json())
    assert (values["mode"], values["first"], values["last"], values["sessions"]) == (
        "dry-run",
        "2026-03-05",
        "2026-03-24",
        20,
    )
    assert values["account_days"] == {"traded": 12, "rule": 27, "risk": 0, "error": 1, "open": 0}
    assert values["success"] == {"count": 12, "of": 13, "percent": "92.3"}
    assert values["retry"] == {"count": 1, "of": 13, "percent": "7.7"}
    assert values["skipped"] == {"count": 7, "of": 20, "percent": "35.0"}
    assert values["reasons"][0] == {
        "reason": "low_score",
        "outcome": "skipped",
        "count": 7,
        "of": 20,
        "percent": "35.0",
    }
    assert values["execution_ms"] == {"count": 12, "median": 7100, "p95": 8200}
    assert values["pricing_rejections"] == [{"day": "2026-03-22", "count": 3}]
    assert values["slippage_per_share"] == {"fills": 12, "mean": "-0.0800", "worst": "-0.0800"}
    assert values["targets"] == {
        "success": {"target": "> 90 %", "met": True},
        "retry": {"target": "< 20 %", "met": True},
        "skipped": {"target": "< 50 %", "met": True},
        "execution": {"target": "< 30 s", "met": True},
        "pricing_rejections": {"target": "0", "met": False},
    }
    assert values["days"][0].keys() == set(COLUMNS)
    assert ONE not in told.to_json() + told.to_text() + told.to_csv()


def test_a_range_has_both_its_ends_and_rows_for_a_spreadsheet(place: Place) -> None:
    told = asyncio.run(read_report(place, TIMES, date(2026, 3, 3), date(2026, 3, 5)))
    rows = list(csv.reader(io.StringIO(told.to_csv())))
    assert tuple(rows[0]) == COLUMNS
    assert [row[:4] for row in rows[1::2]] == [
        ["2026-03-03", "…0001", "traded", ""],
        ["2026-03-04", "…0001", "traded", ""],
        ["2026-03-05", "…0001", "no trade by rule", "low_score"],
    ]
    assert rows[1][4:] == ["1", "0", "1", "0", "6100", "-0.0800"]
    assert asyncio.run(read_report(place, TIMES, None, date(2026, 3, 4))).figures.sessions[0] == date(2026, 3, 3)
    nothing = asyncio.run(read_report(place, TIMES, date(2027, 1, 1), None))
    assert nothing.to_text() == "No session is recorded there in dry-run mode."
    assert nothing.to_csv().splitlines() == [",".join(COLUMNS)]
    assert json.loads(nothing.to_json())["success"] == {"count": 0, "of": 0, "percent": None}


def test_the_text_fits_a_narrow_terminal(place: Place) -> None:
    lines = asyncio.run(read_report(place, TIMES, None, None)).to_text().splitlines()
    assert max(len(line) for line in lines) <= 80
    start = lines.index("                              TARGET")
    assert lines[start : start + 9] == [
        "                              TARGET",
        "success rate          92.3 %  > 90 % met       12 of 13 days open to a trade",
        "retry rate             7.7 %  < 20 % met       1 of 13 priced cycles",
        "skip rate             35.0 %  < 50 % met       7 of 20 chances to trade",
        "failure rate           5.0 %                   1 of 20 chances to trade",
        "risk refusals           none                   in 12 priced chances",
        "execution              8.2 s  < 30 s met       p95, median 7.1 s, of 12",
        "pricing rejections         3  0      not met   a day at most, 3 in 20 sessions",
        "slippage to mid        -0.08                   mean, worst -0.08, of 12 filled",
    ]


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "20260302", "2026-3-2", "2026-03-02T10:00"])
def test_what_is_not_a_date_is_named(text: str) -> None:
    with pytest.raises(Refused, match=r"--from .* is not a date; write it like 2026-03-02"):
        day_of("--from", text)


def test_at_the_shell(box: Box, place: Place) -> None:
    def senex(*words: str) -> tuple[int, str, str]:
        done = box.run(
            *words,
            "--data-dir",
            str(place.records_file.parents[1]),
            PYTHONPATH=os.pathsep.join((str(ROOT), os.environ["PYTHONPATH"])),
        )
        return done.returncode, done.stdout, done.stderr

    for words, why in (
        (("--from", "2026-03-09", "--to", "2026-03-02"), "--from 2026-03-09 is after --to 2026-03-02"),
        (("--to", "soon"), "--to 'soon' is not a date"),
        (("--json", "--csv"), "--json and --csv cannot both be printed"),
    ):
        code, out, errors = senex("report", *words)
        assert (code, out, why in errors, "Traceback" in errors) == (2, "", True, False), errors
    code, out, _ = senex("report", "--csv", "--from", "2026-03-24")
    assert (code, len(out.splitlines())) == (0, 3)
    code, out, errors = senex("alerts", "ack", "1")
    assert (code, "alert 1 acknowledged" in out) == (0, True), errors


def test_alerts_are_listed_and_acknowledged_without_a_console(place: Place) -> None:
    def listed(*, everything: bool = False) -> str:
        return asyncio.run(read_alerts(place, everything=everything)).to_text()

    assert listed() == "   1  critical  2026-03-02 09:45 ET  no trade in 5 sessions (not acknowledged)"
    for target in ("2", "7", "", "9" * 30):
        answer = asyncio.run(send(place, CommandKind.ACKNOWLEDGE, target=target))
        assert (answer.exit_code, "there is no open alert" in answer.text) == (REFUSED, True), target
    assert asyncio.run(send(place, CommandKind.ACKNOWLEDGE, target="1")).exit_code == DONE
    assert "(acknowledged by " in listed()
    assert [line.split()[0] for line in listed(everything=True).splitlines()] == ["2", "1"]
    values = json.loads(asyncio.run(read_alerts(place, everything=False)).to_json())["alerts"]
    assert [(alert["id"], alert["kind"], alert["account"]) for alert in values] == [(1, "no_trade", "…0001")]


def test_before_the_first_start_there_is_nothing_to_report(box: Box) -> None:
    nowhere = Place(Mode.DRY_RUN, box.home / "records.sqlite3", box.home / "HALT")
    for asked in (read_report(nowhere, TIMES, None, None), read_alerts(nowhere, everything=False)):
        with pytest.raises(Refused, match="no records yet"):
            asyncio.run(asked)
    with pytest.raises(Refused, match="is after"):
        asyncio.run(read_report(nowhere, TIMES, date(2026, 3, 3), date(2026, 3, 2)))


async def _after(place: Place, change: Callable[[Records], Awaitable[object]]) -> dict[str, Any]:
    records = await Records.open(url_of(place.records_file))
    await change(records)
    await records.close()
    return dict(json.loads((await read_report(place, TIMES, None, None)).to_json()))


async def _end(records: Records, cycle: int, day: date, state: OrderState) -> None:
    """Records a cycle whose order the broker acknowledged, and what became of it later."""
    assert await records.cycles.begin(day, None, True, AT) == cycle
    run = AccountRun(cycle, ONE, day, Outcome.SUCCEEDED, "", "", 1, True, 0, 6_000)
    await records.cycles.end(cycle, "succeeded", "", "", {}, AT, (run,))
    await records.entries.prepare(replace(entry(f"e{cycle}", day=day), cycle=cycle))
    assert await records.entries.mark_sent(f"e{cycle}", AT, epoch=records.epoch, closes=CLOSES)
    await records.entries.become(f"e{cycle}", state, at=AT)


def test_a_rejected_order_is_an_error_not_a_trade_in_the_report(place: Place) -> None:
    day = MONDAY + timedelta(days=23)
    values = asyncio.run(_after(place, lambda records: _end(records, 23, day, OrderState.REJECTED)))
    last = values["days"][-1]
    assert (last["day"], last["result"], last["reason"], last["failed_runs"]) == ("2026-03-25", "error", "rejected", 1)
    assert values["success"] == {"count": 12, "of": 14, "percent": "85.7"}
    assert values["targets"]["success"]["met"] is False


def test_a_day_the_console_was_down_is_an_error_in_the_report(place: Place) -> None:
    day = MONDAY + timedelta(days=23)

    async def down(records: Records) -> None:
        await records.accounts.discover("main", [BrokerAccount(ONE, "", "Margin", False)], enable_new=True, at=AT)
        await records.slots.miss(day, AT + timedelta(days=23), Reason.PROCESS_DOWN, "down", AT)

    values = asyncio.run(_after(place, down))
    last = values["days"][-1]
    assert (last["day"], last["result"], last["reason"], last["runs"]) == ("2026-03-25", "error", "process_down", 0)


def _at(place: Place, market: str) -> None:
    """Lets the market's time of these records go on from this instant."""
    told = {"market": market, "real": SystemClock().now().isoformat(), "speed": 1.0}
    (place.records_file.parent / NOTE_FILE).write_text(json.dumps(told), encoding="utf-8")


def test_a_day_on_which_an_account_may_still_enter_is_not_over_in_the_report(place: Place) -> None:
    day = MONDAY + timedelta(days=23)

    async def rejected_and_late(records: Records) -> None:
        """One account was rejected; of the other nothing is recorded but slots at which the console was down."""
        found = [BrokerAccount(number, "", "Margin", False) for number in (ONE, TWO)]
        await records.accounts.discover("main", found, enable_new=True, at=AT)
        await _end(records, 23, day, OrderState.REJECTED)
        await records.slots.miss(day, AT + timedelta(days=23), Reason.PROCESS_DOWN, "down", AT)

    _at(place, "2026-03-25T14:31:00+00:00")
    values = asyncio.run(_after(place, rejected_and_late))
    assert [(d["account"], d["result"], d["reason"]) for d in values["days"][-2:]] == [
        ("…0001", "not over", "rejected"),
        ("…0002", "not over", "process_down"),
    ]
    assert values["success"] == {"count": 12, "of": 13, "percent": "92.3"}
    _at(place, "2026-03-25T18:47:00+00:00")
    after = json.loads(asyncio.run(read_report(place, TIMES, None, None)).to_json())
    assert [d["result"] for d in after["days"][-2:]] == ["error", "error"], "no slot is left"


def test_an_order_that_works_leaves_today_open_in_the_report(place: Place) -> None:
    day = MONDAY + timedelta(days=23)
    _at(place, "2026-03-25T18:00:00+00:00")
    values = asyncio.run(_after(place, lambda records: _end(records, 23, day, OrderState.WORKING)))
    assert (values["days"][-1]["result"], values["account_days"]["open"]) == ("not over", 1)
    _at(place, "2026-03-25T20:01:00+00:00")
    after = json.loads(asyncio.run(read_report(place, TIMES, None, None)).to_json())
    assert (after["days"][-1]["result"], after["account_days"]["open"]) == ("error", 0)
