"""The jump of a demo in a real terminal: engine, console and simulator end, the time is lived, all go on there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal
from tests.support.senex_command import SENEX, Box

START = "2026-03-02T14:40:00-05:00"


@pytest.fixture
def terminal(box: Box) -> Iterator[Terminal]:
    opened = Terminal(box.environment(), 120, 40)
    yield opened
    opened.close()


def rows(folder: Path, question: str) -> list[tuple[object, ...]]:
    [path] = folder.glob("demo/worlds/*/records.sqlite3")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as records:
        return records.execute(question).fetchall()


def open_and_fill(box: Box, terminal: Terminal) -> Path:
    """A demo whose forced cycle has sent an order."""
    data = box.home / "data"
    box.write(box.config_file, "[trading]\nstabilization_seconds = 0.5\n")
    terminal.open(f"{SENEX} --data-dir {data} demo --start {START}")
    terminal.wait_for("● ON")
    terminal.press("f")
    terminal.wait_for("y/n")
    terminal.press("y")
    terminal.wait_for("of 6 filled", 30)
    terminal.wait_for("; took", 30)  # the cycle has ended: there is no jump before
    return data


def quit_in_order(terminal: Terminal) -> None:
    terminal.press("q")
    terminal.wait_for("Quit")
    terminal.press("y")
    terminal.wait_for("ended with 0")


@pytest.mark.timeout(240)
def test_it_goes_on_in_the_next_session_with_everything_it_had(box: Box, terminal: Terminal) -> None:
    data = open_and_fill(box, terminal)
    [(account, order_id, sent)] = rows(data, "select account, order_id, sent_at from entries")
    terminal.press("J")
    terminal.wait_for("Tue 3 Mar 2026 09:44:45 ET")
    terminal.press("s")
    terminal.wait_for("Tue 3 Mar  09:4", 120)
    terminal.wait_for("feed ok")
    terminal.wait_for("● ON", 30)
    quit_in_order(terminal)

    assert rows(data, "select account, order_id, sent_at from entries order by sent_at limit 1") == [
        (account, order_id, sent)
    ]
    [(first_state,)] = rows(data, "select state from entries order by sent_at limit 1")
    assert first_state in ("filled", "expired"), "what worked was followed to its end"
    kinds = [str(kind) for (kind,) in rows(data, "select kind from events order by seq")]
    assert kinds.count("engine.started") == kinds.count("engine.stopped") == 3, "console, lived days, console"
    assert not [kind for kind in kinds if kind.startswith("clock.")]
    assert not rows(data, "select kind from breakers where kind in ('mismatch', 'earlier_entry', 'clock')")
    times = [str(at) for (at,) in rows(data, "select at from events order by seq")]
    assert times == sorted(times)
    missed = rows(data, "select slot, outcome from slots where outcome = 'missed' and slot > '2026-03-02 19:45'")
    assert missed == []
    assert not (next(data.glob("demo/worlds/*")) / "jump").exists()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("at", ["leaving", "living"])
def test_given_up_it_stays_where_it_was(box: Box, terminal: Terminal, at: str) -> None:
    """From when the console has left the terminal, ctrl+c gives up the jump, and never the demo."""
    data = open_and_fill(box, terminal)
    terminal.press("J")
    terminal.wait_for("Tue 3 Mar 2026 09:44:45 ET")
    terminal.press("s")
    if at == "living":
        terminal.wait_for("living the sessions until", 60)
    else:
        terminal.wait_until_gone("Messages")  # the console's screen
        terminal.press("C-c")
    terminal.press("C-c")
    terminal.wait_for("the jump was given up", 60)
    terminal.wait_for("Mon 2 Mar", 60)
    quit_in_order(terminal)
    assert rows(data, "select count(*) from entries") == [(1,)]
    kinds = [str(kind) for (kind,) in rows(data, "select kind from events order by seq")]
    assert kinds.count("engine.started") == kinds.count("engine.stopped") == 2
    assert not (next(data.glob("demo/worlds/*")) / "jump").exists()
