"""The records of finished demos: listed, named, and asked for what happened in them."""

from __future__ import annotations

import json
import os
import re
import shlex
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from core.domain.operation.commands import CommandKind
from core.runtime.clock import ShiftedClock
from core.runtime.clock_file import note_clock
from senex_tui.cli.main import demo_named_first
from tests.support.senex_command import Box
from tests.support.world import MONDAY, World, et, in_world

FILLED, REJECTED, OLD = "a1b2c3d4e5f6", "b7c8d9e0f1a2", "b7c8d9ffffff"
THURSDAY = "2026-03-05"


async def _one_cycle(world: World) -> None:
    await world.start()
    await world.clock.sleep(5)
    assert (await world.command(CommandKind.FORCE)).text == "cycle 1 starts now"
    await world.clock.sleep(60)
    assert len(await world.entries()) == 1, await world.cycles()
    await world.stop()


async def _rejected(world: World) -> None:
    world.exchange.fill_plan = "reject"
    await _one_cycle(world)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with three finished demos: one that filled, on a Monday, one that was rejected, which was written
    last, and one of an earlier version."""
    home = tmp_path_factory.mktemp("home")
    worlds = home / "data" / "demo" / "worlds"
    for age, (name, script, day) in enumerate(
        ((FILLED, _one_cycle, MONDAY), (OLD, _one_cycle, MONDAY), (REJECTED, _rejected, THURSDAY))
    ):
        folder = worlds / name
        folder.mkdir(parents=True)
        in_world(script, folder, start=et(day, "10:02"))
        # Its market clock would show by now that days have passed.
        note_clock(folder, ShiftedClock(et("2026-03-20", "12:00")))
        if name == OLD:
            with sqlite3.connect(folder / "records.sqlite3") as opened:
                opened.execute("UPDATE alembic_version SET version_num = '0003'")
        os.utime(folder / "records.sqlite3", (1_700_000_000 + age, 1_700_000_000 + age))
    return home


@pytest.fixture
def demos(home: Path) -> Box:
    return Box(home)


def _senex(box: Box, *words: str) -> Any:
    return box.run(*words, "--data-dir", str(box.home / "data"))


def test_the_demos_are_listed_with_what_became_of_their_entries(demos: Box) -> None:
    listed = _senex(demos, "demo", "--list")
    assert (listed.returncode, listed.stderr) == (0, "")
    head, *rows = (line.split() for line in listed.stdout.splitlines())
    assert head == ["NAME", "DAYS", "CYCLES", "ENTRIES"]
    assert [row[0] for row in rows] == [REJECTED, OLD, FILLED]
    assert rows[0][1:] == ["finished", THURSDAY, "1", "1", "rejected"]
    assert " ".join(rows[1][1:]) == "finished recorded by another version of senex"
    assert rows[2][1:] == ["finished", MONDAY, "1", "1", "filled"]


def test_a_finished_demo_is_asked_by_the_first_letters_of_its_name(demos: Box) -> None:
    day = _senex(demos, "day", "--demo", FILLED[:6], "--json")
    told = json.loads(day.stdout)
    assert (told["day"], told["entries"][0]["fate"], told["console_runs"]) == (MONDAY, "filled", False)
    assert told["next"]["words"] == f"the demo {FILLED} is finished; nothing more enters"
    status = _senex(demos, "status", "--demo", FILLED).stdout
    assert f"console     the demo {FILLED} is finished" in status
    assert "FILLED" in status
    history = json.loads(_senex(demos, "history", "--demo", FILLED, "--kind", "orders", "--json").stdout)
    assert [row["fate"] for row in history["rows"]] == ["filled"]
    report = json.loads(_senex(demos, "report", "--demo", FILLED, "--json").stdout)
    assert report["last"] == MONDAY
    for words in (("explain", "last"), ("alerts",), ("accounts",), ("mail",)):
        asked = _senex(demos, *words, "--demo", FILLED)
        assert (asked.returncode, asked.stderr) == (0, ""), (words, asked)


def test_a_quoted_command_works_on_the_records_that_were_asked(demos: Box) -> None:
    """Typed as it stands, also when the records were named by options."""
    refused = _senex(demos, "explain", "2026-03-07T10:00", "--demo", FILLED)
    [quoted] = re.findall("`senex (day [^`]*)`", refused.stderr)
    done = demos.run(*shlex.split(quoted))
    assert done.returncode == 0, quoted
    assert done.stdout.startswith("Saturday 2026-03-07: no session.")


def test_an_argument_after_the_option_stays_an_argument(demos: Box) -> None:
    earlier = json.loads(_senex(demos, "day", "--demo", MONDAY, "--json").stdout)
    assert (earlier["day"], earlier["today"], earlier["entries"]) == (MONDAY, False, [])
    newest = json.loads(_senex(demos, "day", "--demo", "--json").stdout)
    assert (newest["day"], newest["entries"][0]["fate"]) == (THURSDAY, "rejected")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("status", "--demo", "b7c8d9"), "several `senex demo`"),
        (("status", "--demo", "abcdef"), "no `senex demo`"),
        *(
            ((*words, "--demo", "nope"), "has a name like 'nope'; `senex demo --list` shows the names there are.")
            for words in (("day",), ("explain", "last"), ("status",), ("history",), ("report",), ("pause",))
        ),
        (("status", "--demo", OLD), f"the demo {OLD} was recorded by another version of senex"),
        (("pause", "--demo", FILLED), f"the demo {FILLED} is finished; only its records can be asked"),
        (("pause", "--demo"), "no `senex demo` is running"),
    ],
)
def test_a_demo_that_cannot_be_asked_is_refused_in_one_sentence(demos: Box, words: tuple[str, ...], said: str) -> None:
    refused = _senex(demos, *words)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert said in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("day --demo a1b2c3 --json", "--demo-name a1b2c3 day --demo --json"),
        ("day --demo 123456789012", "--demo-name 123456789012 day --demo"),
        ("day --demo 20260302", None),
        ("explain --demo 11:15", None),
        ("explain --demo 12", None),
        ("explain --demo last", None),
        ("explain --demo 2026-03-02T11:15 --json", None),
        ("day --demo 2026-13-99", None),
        ("day --demo nope --json", "--demo-name nope day --demo --json"),
        ("tridents --demo nope", "--demo-name nope tridents --demo"),
        ("exits cancel --demo 0001", None),
        ("exits hold --demo nope 0001", "--demo-name nope exits hold --demo 0001"),
        ("exits on --demo a1b2c3 0001", "--demo-name a1b2c3 exits on --demo 0001"),
        ("cancel --demo 3f2504e04f8911d39a0c0305e82c3301", None),
        ("close --walk --demo 847ce8e5", None),
        ("close --walk --demo a1b2c3 847ce8e5", "--demo-name a1b2c3 close --walk --demo 847ce8e5"),
        ("close 847ce8e5 --demo a1b2c3d4 --walk", "--demo-name a1b2c3d4 close 847ce8e5 --demo --walk"),
        ("release --demo 847ce8e5c97442ba8444d0d77f37426e", None),
        ("retarget --demo nope 847ce8e5", "--demo-name nope retarget --demo 847ce8e5"),
        ("pause --why day --demo nope", "--demo-name nope pause --why day --demo"),
        ("reset --demo halt", None),
        ("accounts skip --demo 0001", None),
        ("history --demo --reason low_score", None),
        ("demo --seed 7", None),
    ],
)
def test_only_what_is_surely_a_name_is_taken_for_one(words: str, named: str | None) -> None:
    assert demo_named_first(words.split()) == (named or words).split()
