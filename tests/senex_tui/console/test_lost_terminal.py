"""A terminal that goes, or takes nothing more, keeps neither the console nor the engine from ending in order."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.support.console.pty_console import PtyConsole

GONE_WITHIN_S = 25.0


@pytest.mark.parametrize("kind", ["console", "watch"])
@pytest.mark.parametrize("how", ["SIGHUP", "SIGHUP ignored", "no controlling terminal"])
def test_without_a_terminal_there_is_no_process(tmp_path: Path, kind: str, how: str) -> None:
    """It ends in order, whatever was done with SIGHUP, while it paints ten times a second."""
    words = ("busy", "watch") if kind == "watch" else ("busy",)
    console = PtyConsole(
        tmp_path, *words, controlling=how != "no controlling terminal", ignoring_hangup=how == "SIGHUP ignored"
    )
    with console:
        console.until_painted("Spread", "Quit")
        console.hang_up()
        assert console.until_gone(GONE_WITHIN_S) == 0
    assert console.recorded() == ([] if kind == "watch" else ["stopped"])


def test_a_lost_terminal_costs_nothing_while_the_engine_ends(tmp_path: Path) -> None:
    """A lost terminal reads as ended at once: the thread of the keys would spin."""
    with PtyConsole(tmp_path, "busy", "slow", ignoring_hangup=True) as console:
        console.until_painted("Spread", "Quit")
        console.hang_up()
        time.sleep(1.0)
        before = console.cpu_s()
        time.sleep(2.0)
        assert console.cpu_s() - before < 0.4
        assert console.until_gone(GONE_WITHIN_S) == 0
    assert console.recorded() == ["stopped"]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_terminal_that_takes_nothing_keeps_no_console_from_ending(tmp_path: Path, name: str) -> None:
    """The event loop waits for room in the terminal; the signal is heard all the same."""
    with PtyConsole(tmp_path, "busy") as console:
        console.until_painted("Spread", "Quit")
        console.stall()
        console.process.send_signal(getattr(signal, name))
        deadline = time.monotonic() + GONE_WITHIN_S
        while console.process.poll() is None:
            assert time.monotonic() < deadline, "the console did not end"
            time.sleep(0.05)
        assert console.process.returncode == 0
    assert console.recorded() == ["stopped"]
