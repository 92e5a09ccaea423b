"""`senex --plain`: the same engine without a screen, one line per event."""

from __future__ import annotations

import os
import pty
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fcntl import ioctl
from io import FileIO
from termios import TIOCSCTTY

from core.domain.operation.events import Event, Severity, Step, StepResult
from core.domain.orders.next_step import Next, NextStep
from core.runtime.redaction import redact
from core.snapshot import Automation, Health, Level, MessageView, NextStepView, PartHealth
from senex_tui.run.plain import WAITING, PlainPrinter, StatusChanges, event_line, plain_line
from tests.support.console.scenes import calm, failed
from tests.support.senex_command import SENEX, Box

AT = datetime(2026, 11, 20, 15, 31, 41, tzinfo=UTC)
LINE = re.compile(r"(starting|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ET) (info|warning|critical) [a-z ]+: .+")


def taken(printer: PlainPrinter) -> list[str]:
    return list(printer.take(0))


def test_a_line_is_time_severity_source_and_text() -> None:
    told = Event(AT, "order.filled", "QQQ …4021: filled at 4.08 credit", account="5WT14021", cycle=3)
    assert event_line(told) == "2026-11-20 10:31:41 ET info order: QQQ …4021: filled at 4.08 credit"
    step = replace(
        told, kind="step.pricing", step=Step.PRICING, result=StepResult.REFUSED, attempt=2, underlying="QQQ",
        text="the put credit is -0.03", severity=Severity.WARNING,
    )  # fmt: skip
    assert event_line(step) == (
        "2026-11-20 10:31:41 ET warning pricing: cycle 3, …4021, attempt 2, QQQ: REFUSED: the put credit is -0.03"
    )
    assert event_line(replace(step, result=StepResult.STARTED)) is None


def test_words_from_outside_move_no_cursor_and_tell_no_secret() -> None:
    redact.add("sample-secret-of-a-line")
    line = plain_line(AT, Severity.INFO, "order", "a\x1b[2Jb\r\nc sample-secret-of-a-line")
    assert line == "2026-11-20 10:31:41 ET info order: a·[2Jb· c ****"


def test_the_status_is_told_once_and_then_what_changed() -> None:
    changes = StatusChanges()
    first = [line.partition("status: ")[2] for line in changes.lines(calm())]
    assert {"mode demo", "engine running", "automation active", "feed ok", "market open"} <= set(first)
    assert list(changes.lines(replace(calm(), status=replace(calm().status, feed_age_s=3)))) == []
    down = replace(
        calm().status, feed=PartHealth(Health.DOWN, "no route"), automation=Automation.HALTED,
        automation_detail="a file HALT",
    )  # fmt: skip
    told = [line.partition("ET ")[2] for line in changes.lines(replace(calm(), status=down))]
    assert told == ["critical status: automation halted (a file HALT), was active",
                    "warning status: feed down (no route), was ok"]  # fmt: skip
    [line] = changes.lines(failed())
    taken = "the records file /home/ada/senex/records.sqlite3 was taken over by another console"
    ends = "this one changes nothing more and ends"
    assert f"critical status: engine failed: {taken}; {ends}, was running" in line


def test_what_comes_next_is_told_when_it_changes_for_each_of_several_accounts() -> None:
    changes = StatusChanges()
    free = NextStep(Next.FREE, "free to enter at 10:45", enters_at=AT)
    held = NextStep(Next.HELD, "held by an unknown entry")
    shown = replace(calm(), overall=free, next_steps=(NextStepView("…4021", free),))
    told = [line.partition("ET ")[2] for line in changes.lines(shown)]
    assert [line for line in told if "next" in line] == ["info status: next: free to enter at 10:45"]
    assert not [line for line in changes.lines(shown) if "next" in line]
    shown = replace(shown, next_steps=(NextStepView("…4021", free), NextStepView("…7788", held)))
    assert [line.partition("ET ")[2] for line in changes.lines(shown)] == [
        "info status: next for …4021: free to enter at 10:45",
        "warning status: next for …7788: held by an unknown entry",
    ]


def test_what_no_event_told_is_printed_and_nothing_twice() -> None:
    printer = PlainPrinter()
    before = calm()
    printer.check(before)
    assert not any("message" in line or "cycle" in line for line in taken(printer)), "what was said before is not new"
    printer.heard(Event(AT, "step.quotes", "a leg is stale", step=Step.QUOTES, result=StepResult.REFUSED))
    numbers = max(message.number for message in before.messages)
    more = [
        MessageView(numbers + 1, AT, Level.WARNING, "quotes", "attempt 1 QQQ: a leg is stale"),
        MessageView(numbers + 2, AT, Level.WARNING, "feed", "the quote feed is down: silence"),
    ]
    for _ in range(2):
        printer.check(replace(before, messages=(*before.messages, *more)))
    assert [line.partition("ET ")[2] for line in taken(printer)] == [
        "info quotes: REFUSED: a leg is stale",
        "warning feed: the quote feed is down: silence",
    ]


def test_an_output_that_takes_nothing_costs_no_memory_and_the_loss_is_said() -> None:
    printer = PlainPrinter()
    for number in range(WAITING + 25):
        printer.heard(Event(AT, "order.working", str(number)))
    assert len(taken(printer)) == WAITING
    printer.heard(Event(AT, "order.working", "later"))
    assert taken(printer)[0] == "25 lines were not printed: the output did not take them"


@contextmanager
def child(*how: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.senex_tui.run.plain_child", *how],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_second_ctrl_c_ends_it_at_once() -> None:
    with child("deaf") as process:
        assert process.stdout is not None
        assert "engine started" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert any("ending in order; ctrl+c again ends at once" in line for line in process.stdout)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == -signal.SIGINT


@contextmanager
def at_a_terminal(how: str) -> Iterator[tuple[Terminal, subprocess.Popen[bytes]]]:
    """The child with a terminal of its own, asked by ctrl+c to end once it runs."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.senex_tui.run.plain_child", how],
        stdin=theirs,
        stdout=theirs,
        start_new_session=True,
        preexec_fn=lambda: ioctl(0, TIOCSCTTY, 0),  # the terminal is the child's own
    ) as process:
        os.close(theirs)
        with open(ours, "r+b", buffering=0) as file:
            terminal = Terminal(file)
            terminal.until("engine started")
            terminal.types(b"\x03")
            try:
                yield terminal, process
            finally:
                process.kill()


@dataclass
class Terminal:
    file: FileIO

    def until(self, words: str) -> str:
        while words not in (line := self.file.readline().decode()):
            assert line, f"{words!r} was never said"
        return line.rstrip()

    def types(self, typed: bytes) -> None:
        self.file.write(typed)


def test_ctrl_c_at_a_terminal_offers_to_cancel_what_rests_until_it_is_answered() -> None:
    """The engine is stopped by an answer alone, and the last line tells what was left."""
    with at_a_terminal("resting") as (terminal, process):
        assert "SIGINT: 1 closing order rests at the broker (72); cancel before the end?" in terminal.until("SIGINT")
        terminal.types(b"maybe\n")
        terminal.until("console: cancel before the end?")
        terminal.types(b"y\n")
        terminal.until("cancel was refused; cancel before the end?")
        terminal.types(b"n\n")
        terminal.until("left at the broker: ending in order")
        terminal.until("2 closing orders rest at the broker (72, 73) and go on without a console")
        assert process.wait(10) == 0


def test_no_order_on_its_way_is_missed_by_the_cancel_before_the_end() -> None:
    """Nothing more is sent first; what comes to work after the cancel is cancelled too, and what stays unknown is
    named."""
    with at_a_terminal("cancelling") as (terminal, process):
        terminal.until("SIGINT")
        terminal.types(b"y\n")
        told = [terminal.until("told: ").partition("told: ")[2] for _ in range(5)]
        assert told[:3] == ["exits hold because the console ends", "pause the console ends", "exits cancel"]
        assert sorted(told[3:]) == ["cancel two", "exits cancel"]
        assert "no order works any more; nobody knows what becomes of QQQ target of call of …0001 (unknown): " in (
            terminal.until("no order works")
        )
        assert process.wait(10) == 0


def test_without_anybody_to_answer_a_signal_ends_it_at_once() -> None:
    with child("resting") as process:
        assert process.stdout is not None
        assert "engine started" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        *_, last = process.stdout
        assert "2 closing orders rest at the broker (72, 73) and go on without a console" in last
        assert process.wait(10) == 0


def test_a_closed_output_ends_it_in_order() -> None:
    with child("talking") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(10) == 1
        assert process.stderr.read() == ""


def test_the_engine_runs_without_a_terminal_and_its_day_can_be_listed(box: Box, simulator_url: str) -> None:
    """A real start, a forced cycle from another shell, the end by SIGTERM, and the records afterwards."""
    data = str(box.home / "data")
    told: list[str] = []
    with subprocess.Popen(
        [SENEX, "--data-dir", data, "--plain"],
        env=_environment(box, simulator_url),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            told.append(line)
            if "feed ok" in line:
                break
        process.terminate()
        told += process.stdout.readlines()
        assert (process.wait(20), process.stderr.read()) == (0, "")
    assert [line for line in told if not LINE.fullmatch(line.rstrip("\n"))] == []
    text = "".join(told)
    for words in ("engine: engine started in demo mode", "status: automation ", "SIGTERM: ending in order",
                  "engine: engine stopped in order", "engine stopped, was "):  # fmt: skip
        assert words in text
    [day] = (box.home / "data").rglob("*.day")
    assert stat.S_IMODE(day.stat().st_mode) == 0o600

    asked = box.run("--data-dir", data, "replay", SENEX_BROKER__URL=simulator_url)
    assert asked.returncode == 0
    assert re.search(r"^2026-03-02  10:0\d:\d\d ET  10:0\d:\d\d ET  [01] +\d+ kB$", asked.stdout, re.MULTILINE)


def _environment(box: Box, url: str) -> dict[str, str]:
    return box.environment(SENEX_BROKER__URL=url, TT_SECRET="secret-ok", TT_REFRESH="refresh-ok")


def test_without_credentials_it_is_refused_in_one_sentence(box: Box) -> None:
    refused = box.run("--plain")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "no credentials found" in refused.stderr
