"""A console that was stopped and goes on shows all of its screen again, and answers each key once."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.support.console.pty_console import PtyConsole

TITLES = ("Spread", "QQQ", "Messages", "Judgement", "Quit")


def stop(console: PtyConsole, number: signal.Signals) -> None:
    console.process.send_signal(number)
    console.until(console.is_stopped, "the stop")
    console.forget()


def go_on(console: PtyConsole) -> None:
    console.process.send_signal(signal.SIGCONT)
    console.until_painted(*TITLES)


def answers_once(console: PtyConsole) -> None:
    console.press("p")
    console.until(lambda: console.recorded() == ["pause"], "the pause")
    console.press("q")
    console.until_painted("Quit stops the engine")
    console.press("y")
    assert console.until_gone() == 0
    assert console.recorded() == ["pause", "stopped"]


def test_after_a_stop_from_the_terminal_the_whole_screen_is_back(tmp_path: Path) -> None:
    with PtyConsole(tmp_path) as console:
        console.until_painted(*TITLES)
        threads = console.threads()
        for _ in range(2):
            stop(console, signal.SIGTSTP)
            go_on(console)
            assert b"\x1b[?1049h" in console.painted
        assert console.threads() == threads
        answers_once(console)


def test_a_stop_that_comes_while_a_line_is_on_its_way_to_the_terminal_waits_for_nothing(tmp_path: Path) -> None:
    """The handler of a signal runs in the midst of anything, also of what holds the lock of the writer's queue."""
    with PtyConsole(tmp_path, "stops") as console:
        console.until_painted(*TITLES)
        console.press("p")
        console.until(console.is_stopped, "the stop")
        console.forget()
        go_on(console)
        assert console.recorded() == ["pause"]


def test_after_a_hard_stop_one_thread_reads_the_keys(tmp_path: Path) -> None:
    """SIGSTOP cannot be caught: the screen was not left, so it is not started a second time."""
    with PtyConsole(tmp_path) as console:
        console.until_painted(*TITLES)
        threads = console.threads()
        for _ in range(3):
            stop(console, signal.SIGSTOP)
            go_on(console)
        assert console.threads() == threads
        answers_once(console)


def test_a_size_that_changed_meanwhile_is_taken(tmp_path: Path) -> None:
    with PtyConsole(tmp_path) as console:
        console.until_painted(*TITLES)
        for number, columns, rows in ((signal.SIGTSTP, 200, 55), (signal.SIGSTOP, 170, 50)):
            stop(console, number)
            console.resize(columns, rows)
            console.process.send_signal(signal.SIGCONT)
            console.until(lambda rows=rows: f"\x1b[{rows};".encode() in console.painted, f"row {rows}")  # type: ignore[misc]
            console.until_painted(*TITLES)
