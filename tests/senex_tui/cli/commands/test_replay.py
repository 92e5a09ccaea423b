"""`senex replay`: which days can be opened, and one sentence for each that cannot."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from core.config.folders import Folders
from core.config.loader import Loaded
from core.config.settings import Settings
from core.snapshot import Mode
from senex_tui.cli import invocation
from senex_tui.cli.commands.replay import commands
from senex_tui.run.replay import Recorded, listed, open_day, recorded_in
from senex_tui.support.refusals import Refused
from tests.core.recording.days import moment, record, session

"""The version of the days that are recorded now."""

DAY = "2026-11-20"


def of(folder: Path) -> Recorded:
    return Recorded((folder,), of_demos=False)


def test_the_days_are_listed_with_their_times_and_cycles(tmp_path: Path) -> None:
    record(tmp_path, session())
    record(tmp_path, [moment(24 * 3600)])
    head, friday, saturday = listed(of(tmp_path))
    assert head.split() == ["DAY", "FROM", "TO", "CYCLES", "SIZE"]
    assert friday.startswith("2026-11-20  10:00:00 ET  11:00:00 ET  4 ")
    assert saturday.startswith("2026-11-21  10:00:00 ET  10:00:00 ET  0 ")


def test_a_day_that_cannot_be_read_is_listed_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "2026-11-19.day").write_bytes(b"senex day 9.9\n")
    (tmp_path / "2026-11-20.day").touch()
    text = " ".join(" ".join(line.split()) for line in listed(of(tmp_path)))
    assert (
        "2026-11-19 0 kB, was recorded by a newer version of senex, in the form 9.9; this one reads 1.2, 1.3 and 1.4"
        in text
    )
    assert "2026-11-20 0 kB, no whole frame" in text


def old_version(folder: Path) -> None:
    (folder / f"{DAY}.day").write_bytes(b"senex day 9.9\n")


def one_day(folder: Path) -> None:
    record(folder, session(minutes=1))


@pytest.mark.parametrize(
    ("there", "asked", "says"),
    [
        (None, DAY, "no day is recorded yet in "),
        (None, "yesterday", "'yesterday' is not a date like 2026-11-20; no day is recorded yet."),
        (one_day, "2026-02-30", "'2026-02-30' is not a date like 2026-11-20; recorded days: 2026-11-20."),
        (one_day, "2026-11-19", "2026-11-19 was not recorded; recorded days: 2026-11-20."),
        (
            old_version,
            DAY,
            "a newer version of senex, in the form 9.9; this one reads 1.2, 1.3 and 1.4; recorded days: 2026-11-20.",
        ),
    ],
)
def test_a_day_that_cannot_be_opened_says_why_and_what_there_is(
    tmp_path: Path, there: Callable[[Path], None] | None, asked: str, says: str
) -> None:
    if there is not None:
        there(tmp_path)
    with pytest.raises(Refused) as refused:
        open_day(of(tmp_path), asked)
    assert says in str(refused.value)


def test_the_demos_days_are_found_in_all_their_worlds_the_newest_first(tmp_path: Path) -> None:
    folders = Folders(*(tmp_path / name for name in ("config", "data", "state", "logs")))
    for age, world in enumerate(("c", "a", "b")):
        path = record(folders.data / "demo" / "worlds" / world / "days", session(minutes=1 + age))
        os.utime(path, (1000 - age, 1000 - age))
    assert len(open_day(recorded_in(folders, Mode.DRY_RUN, demos=True), DAY)) == 7
    with pytest.raises(Refused, match=r"dry-run/days.*senex replay --demo"):
        listed(recorded_in(folders, Mode.DRY_RUN, demos=False))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--speed", "0"], "--speed"),
        (["--at", "25:00"], "'25:00' is not a time like 10:30"),
        ([DAY, "--at", "10:30"], "no terminal"),
    ],
)
def test_options_are_checked_and_a_terminal_is_needed_only_to_open_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    record(tmp_path, session(minutes=1))
    folders = Folders(*(tmp_path / name for name in ("config", "data", "state", "logs")))
    prepared = invocation.Invocation(Loaded(Settings(), {}, None), folders)

    def settle() -> None:
        raise Refused("no terminal")

    monkeypatch.setattr(invocation, "prepare", lambda context, data_dir, own_simulator: prepared)
    monkeypatch.setattr(invocation, "days_of", lambda context, run, demo: of(tmp_path))
    monkeypatch.setattr(invocation, "settle_terminal", settle)
    app = typer.Typer(rich_markup_mode=None)
    app.registered_commands += commands.registered_commands
    asked = CliRunner().invoke(app, arguments)
    assert asked.exit_code != 0
    assert says in asked.output + str(asked.exception)
    assert CliRunner().invoke(app, []).exit_code == 0
