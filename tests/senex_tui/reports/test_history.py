"""`senex history`, `explain` and `day`: what they print of a recorded day, and what they refuse."""

from __future__ import annotations

import asyncio
import csv
import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.market.sessions import SlotTimes
from core.records.search.history import HistoryFilter, HistoryKind
from core.runtime.clock import ShiftedClock
from core.runtime.clock_file import note_clock
from core.snapshot import Mode
from senex_tui.reports.alerts import read_alerts
from senex_tui.reports.day import read_day
from senex_tui.reports.explain import Explained, explain
from senex_tui.reports.figures import read_report
from senex_tui.reports.history import LONGEST_TEXT, search
from senex_tui.support.refusals import Refused
from senex_tui.support.report import Report
from senex_tui.support.text import COLUMNS, hanging, safe, table
from senex_tui.trader.place import Place
from tests.support.recorded_day import paused_over_ten
from tests.support.senex_command import Box
from tests.support.world import ACCOUNT, MONDAY, account, et, in_world

TIMES = SlotTimes()
NOTHING = HistoryFilter()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of a console that entered at 09:45, was paused over 10:00 and ended; now it is 10:20."""
    folder = tmp_path_factory.mktemp("data")

    records = folder / "dry-run"
    records.mkdir()
    in_world(paused_over_ten, records, accounts=(account(), account("5WT00002")))
    note_clock(records, ShiftedClock(et(MONDAY, "10:20")))
    return folder


@pytest.fixture
def place(data: Path) -> Place:
    # The clock file tells how far market time has run since it was written, so each test begins at that moment.
    note_clock(data / "dry-run", ShiftedClock(et(MONDAY, "10:20")))
    return Place(Mode.DRY_RUN, data / "dry-run" / "records.sqlite3", data / "HALT")


def _found(place: Place, kind: str = "cycles", wanted: HistoryFilter = NOTHING, form: str = "text") -> list[str]:
    said: list[str] = []
    asyncio.run(search(place, kind, wanted, None, form, said.append))
    return said


def _explained(place: Place, what: str) -> Explained:
    return asyncio.run(explain(place, TIMES, what))


def _day(place: Place, day: date | None = None) -> Report:
    return asyncio.run(read_day(place, TIMES, day))


def test_every_kind_is_a_table_of_80_columns_without_an_account_number(place: Place) -> None:
    for kind in HistoryKind:
        lines = _found(place, kind.value)
        assert len(lines) > 1 or kind is HistoryKind.EXITS, "the day has no closing order; the other kinds have rows"
        assert all(len(line) <= COLUMNS for line in lines)
        assert ACCOUNT not in "".join(lines)
    head, *lines = _found(place)
    assert head.split() == ["cycle", "session", "slot", "came", "to", "why"]
    assert lines[0].split() == ["-", MONDAY, "10:00", "missed", "automation", "is", "paused"]
    assert lines[1].split() == ["1", MONDAY, "09:45", "filled", "2", "filled,", "open"]


def test_csv_and_json_hold_the_same_rows(place: Place) -> None:
    for kind in HistoryKind:
        rows = list(csv.DictReader(_found(place, kind.value, form="csv")))
        [told] = _found(place, kind.value, form="json")
        values = json.loads(told)
        assert (values["kind"], len(values["rows"])) == (kind.value, len(rows))
        assert [list(row) for row in values["rows"]] == [list(row) for row in rows]
        assert [row["at"] for row in values["rows"]] == [row["at"] for row in rows]
        assert ACCOUNT not in told


def test_the_last_characters_of_an_account_are_enough(place: Place) -> None:
    for name in ("0002", "5WT00002", "…0002"):
        rows = json.loads(_found(place, "orders", HistoryFilter(account=name), "json")[0])["rows"]
        assert [row["account"] for row in rows] == ["…0002"]


@pytest.mark.parametrize(
    ("kind", "wanted", "told"),
    [
        ("orderz", NOTHING, "none of cycles, attempts"),
        ("cycles", HistoryFilter(since=date(2026, 3, 2), until=date(2026, 3, 1)), "is later than --to 2026-03-01"),
        ("cycles", HistoryFilter(account="7"), "names no known account; give one of …0001, …0002"),
        ("cycles", HistoryFilter(account="5WT"), "names no known account"),
        ("cycles", HistoryFilter(outcome="filed"), "none of skipped, succeeded, failed, unknown, missed, running"),
        ("cycles", HistoryFilter(reason="lowscore"), "the nearest are low_score"),
        ("cycles", HistoryFilter(reason="."), "docs/operations.md lists them"),
        ("orders", HistoryFilter(underlying="SPY"), "none of QQQ, SPX"),
        ("fills", HistoryFilter(outcome="filled"), "fills have no outcome; leave --outcome out"),
        ("cycles", HistoryFilter(text="x" * (LONGEST_TEXT + 1)), "at most 200"),
    ],
)
def test_a_search_that_is_not_possible_is_refused_with_the_reason(
    place: Place, kind: str, wanted: HistoryFilter, told: str
) -> None:
    with pytest.raises(Refused, match=re.escape(told)):
        _found(place, kind, wanted)


def test_nothing_found_is_said(place: Place) -> None:
    assert _found(place, "orders", HistoryFilter(outcome="incident")) == ["no orders recorded that fit."]


def test_a_cycle_is_explained_by_number_slot_and_last(place: Place) -> None:
    stories = [_explained(place, what) for what in ("1", "last", "09:45", f"{MONDAY}T09:45", f"{MONDAY} 09:45:59")]
    assert len({story.to_text() for story in stories}) == 1
    text = stories[0].to_text()
    assert all(len(line) <= COLUMNS for line in text.splitlines())
    for words in ("Cycle 1, slot 09:45, Monday 2026-03-02", "2 FILLED", "IV rank", "2 x put + call", "…0002", "fill"):
        assert words in text
    told = json.loads(stories[0].to_json())
    assert told["lines"][0] == told["lines"][0] | {"kind": "section", "label": "account …0001"}
    assert any(line["figures"].get("natural_credit") for line in told["lines"])
    assert ACCOUNT not in text + stories[0].to_json()


def test_a_missed_slot_says_why_it_did_not_trade(place: Place) -> None:
    lines = _explained(place, "10:00").to_text().splitlines()
    assert lines[:2] == ["Slot 10:00, Monday 2026-03-02", "MISSED: automation is paused"]
    assert "pause by operator: done, automation paused; no entries" in lines[-1]
    assert "no console was running" in _explained(place, "10:15").to_text()


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("2", "cycle 2 is not recorded; give a number from 1 to 1"),
        ("0", "cycle 0 is not recorded"),
        ("9" * 30, "is not recorded"),
        ("10:01", "no slot and no cycle began then; the slot before it is 10:00"),
        ("04:00", "the first slot is 09:45"),
        ("10:30", "has not come yet; it is 2026-03-02 10:20 ET"),
        ("2026-03-01T10:00", "no session on Sunday 2026-03-01"),
        ("25:00", "is not a cycle"),
        ("2026-03-02", "is not a cycle"),
        ("0001-01-01T00:00", "is too far off"),
        ("9999-12-31T23:59", "is too far off"),
        ("-1", "is not a cycle"),
        ("", "is not a cycle"),
        ("٣", "cycle ٣ is not recorded"),
    ],
)
def test_a_name_of_no_cycle_or_slot_is_refused_with_the_reason(place: Place, what: str, told: str) -> None:
    with pytest.raises(Refused, match=re.escape(told)):
        _explained(place, what)


def test_the_day_shows_what_ran_what_was_missed_and_what_is_next(place: Place) -> None:
    day = _day(place)
    states = [(row["at"][11:16], row["state"], row["reason"]) for row in day.values["slots"]]
    assert states[:5] == [
        ("09:45", "succeeded", ""),
        ("10:00", "missed", "paused"),
        ("10:15", "not run", ""),
        ("10:30", "to come", ""),
        ("10:45", "to come", ""),
    ]
    assert len(states) == 21
    lines = day.to_text().splitlines()
    assert lines[0] == "Monday 2026-03-02: session 09:30 to 16:00 ET, 21 slots"
    assert lines[2].startswith("next        no console is running; done today (filled ")
    assert (day.values["next"]["kind"], day.values["next"]["in_s"]) == ("no console", None)
    assert not [line for line in lines if ", in " in line or " in 0" in line], "no countdown to a slot nobody takes"
    assert "automation  PAUSED by operator" in day.to_text()
    assert "10:30 to 14:45: 18 more to come; none enters" in lines
    assert [row["word"] for row in day.values["slots"][:3]] == ["filled", "missed", "not run"]
    assert "09:45 1 filled 2 filled" in [" ".join(line.split()) for line in lines]
    assert sum(line.startswith("…000") and "  FILLED " in line and "(cycle 1)" in line for line in lines) == 2
    assert all(len(line) <= COLUMNS for line in lines)
    assert ACCOUNT not in day.to_json() + day.to_text()


@pytest.mark.parametrize("typed", ["0002", "…0002", "...0002", "5WT00002"])
def test_an_account_is_named_by_its_last_characters_in_every_report(place: Place, typed: str) -> None:
    day = asyncio.run(read_day(place, TIMES, None, typed))
    assert [one["account"] for one in day.values["entries"]] == ["…0002"]
    assert [one["account"] for one in day.values["accounts"]] == ["…0002"]
    assert day.values["slots"][0]["text"].startswith("FILLED "), "what this account came to, not both"
    story = asyncio.run(explain(place, TIMES, "1", typed)).to_text()
    assert "account …0002" in story
    assert "…0001" not in story
    report = asyncio.run(read_report(place, TIMES, None, None, typed))
    assert {one.account for one in report.figures.days} == {"…0002"}
    assert asyncio.run(read_alerts(place, everything=True, account=typed)).values == {"alerts": []}


@pytest.mark.parametrize("typed", ["000", "9", "5WT"])
def test_an_account_that_is_not_one_is_refused_everywhere_with_the_choices(place: Place, typed: str) -> None:
    for read in (
        lambda: read_day(place, TIMES, None, typed),
        lambda: explain(place, TIMES, "1", typed),
        lambda: read_report(place, TIMES, None, None, typed),
        lambda: read_alerts(place, everything=False, account=typed),
        lambda: search(place, "cycles", HistoryFilter(account=typed), None, "text", print),
    ):
        with pytest.raises(Refused, match=f"^--account '{typed}' names no known account; give one of …0001, …0002"):
            asyncio.run(read())


def test_other_days(place: Place) -> None:
    assert _day(place, date(2026, 3, 7)).to_text() == (
        "Saturday 2026-03-07: no session. The next is Monday 2026-03-09."
    )
    half = _day(place, date(2026, 11, 27)).to_text()
    assert "half day, session 09:30 to 13:00 ET, 13 slots" in half
    assert "09:45 to 12:45: 13 to come" in half
    for day in (date(1999, 12, 31), date(2026, 3, 2) + timedelta(days=366)):
        with pytest.raises(Refused, match="is too far off"):
            _day(place, day)


@pytest.mark.parametrize("ask", [lambda p: _found(p), lambda p: _explained(p, "1"), lambda p: _day(p)])
def test_before_the_first_start_there_is_nothing_to_tell(tmp_path: Path, ask: Callable[[Place], Any]) -> None:
    with pytest.raises(Refused, match="there are no records yet"):
        ask(Place(Mode.DRY_RUN, tmp_path / "records.sqlite3", tmp_path / "HALT"))


def test_the_commands_themselves(box: Box, data: Path, place: Place) -> None:
    """The installed commands: their arguments from a shell, and their exit codes."""
    where = ("--data-dir", str(data))
    done = box.run("history", "--kind", "orders", "--csv", *where)
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 3)
    done = box.run("explain", "10:00", *where)
    assert (done.returncode, "automation is paused" in done.stdout) == (0, True)
    done = box.run("day", *where)
    assert (done.returncode, "10:00      -  missed" in done.stdout) == (0, True)
    both = box.run("history", "--csv", "--json", *where)
    assert (both.returncode, "exclude each other" in both.stderr) == (2, True)
    wrong = box.run("history", "--from", "2026-02-30", *where)
    assert (wrong.returncode, "is not a date like 2026-03-02" in wrong.stderr) == (2, True)


@given(st.lists(st.lists(st.text(max_size=60), min_size=3, max_size=3), max_size=4))
def test_a_table_keeps_every_word_and_to_its_width(rows: list[list[str]]) -> None:
    cells = [[safe(cell)[:12] if i < 2 else safe(cell) for i, cell in enumerate(row)] for row in rows]
    lines = table(("a", "b", "c"), cells)
    assert all(line.isprintable() and len(line) <= COLUMNS for line in lines)
    told = "".join("".join(line.split()) for line in lines[1:])
    assert len(told) == sum(len("".join(cell.split())) for row in cells for cell in row)


def test_a_long_word_hangs_under_its_head() -> None:
    assert hanging("head  ", "x" * 40, columns=30) == ["head  " + "x" * 24, "      " + "x" * 16]
