"""`senex demo` as the operator runs it, in a real terminal."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal
from tests.support.proofs import rounds
from tests.support.senex_command import SENEX, Box


@pytest.fixture
def terminal(box: Box) -> Iterator[Terminal]:
    opened = Terminal(box.environment(), 120, 40)
    yield opened
    opened.close()


def records_of(folder: Path) -> sqlite3.Connection:
    [path] = folder.glob("demo/worlds/*/records.sqlite3")
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def test_a_forced_cycle_trades_and_the_end_is_orderly(box: Box, terminal: Terminal) -> None:
    data = box.home / "data"
    box.write(box.config_file, "[trading]\nstabilization_seconds = 0.5\n")
    terminal.open(f"{SENEX} --data-dir {data} demo --start 2026-03-02T10:01:00-05:00")
    terminal.wait_for("feed ok")
    terminal.press("f")
    terminal.wait_for("y/n")
    terminal.press("y")
    terminal.wait_for("; took ", 30)  # the cycle has ended
    shown = terminal.wait_for("of 6 filled", 30)  # the demo's market decides by chance whether it fills
    assert "DEMO" in shown
    terminal.press("p")
    terminal.wait_for("PAUSED")
    terminal.press("q")
    terminal.wait_for("Quit")
    terminal.press("y")
    terminal.wait_for("ended with 0")

    with records_of(data) as records:
        assert records.execute("select count(*) from entries").fetchone() == (1,)
        assert records.execute("select state from trading_state").fetchone() == ("paused",)
        kinds = [kind for (kind,) in records.execute("select kind from events order by seq")]
        assert kinds[-1] == "engine.stopped"
        assert json.dumps(kinds).count("cycle.ended") == 1


@pytest.mark.parametrize("signal", ("HUP", "TERM", "INT")[: rounds(1, 3)])
def test_a_signal_ends_it_with_the_records_intact(box: Box, terminal: Terminal, signal: str) -> None:
    data = box.home / "data"
    terminal.open(f"exec {SENEX} --data-dir {data} demo --start 2026-03-02T10:01:00-05:00")
    terminal.wait_for("feed ok")
    pid = terminal.tmux("display-message", "-p", "#{pane_pid}").strip()

    subprocess.run(["kill", f"-{signal}", pid], check=True)

    deadline = time.monotonic() + 15
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()
    with records_of(data) as records:
        assert records.execute("pragma integrity_check").fetchone() == ("ok",)
        last = records.execute("select kind from events order by seq desc limit 1").fetchone()
        assert last == ("engine.stopped",)
