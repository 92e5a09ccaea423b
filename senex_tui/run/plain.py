"""The engine without a screen: one line an event on standard output, for logs and screen readers.

A line is exchange time, the word of its severity, its source, and a sentence. There is no colour and no cursor
movement, and words from outside are made safe. Lines come from the events, and from what changed in the status.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from core.domain.operation.events import Event, Severity, StepResult, masked
from core.domain.operation.times import stamp
from core.domain.orders.next_step import Next, NextStep
from core.runtime.clock import Clock, SystemClock
from core.runtime.redaction import redact
from core.snapshot import Automation, EngineState, Health
from core.views.step_words import words_of
from senex_tui.run.ending import Ending, leaving_of
from senex_tui.support.outlet import standard_output
from senex_tui.support.text import safe

if TYPE_CHECKING:
    from core.engine.host import EngineHost
    from core.snapshot import PartHealth, Snapshot, StatusSlice

WAITING = 10_000
"""The most lines held for an output that does not take them. Further ones are only counted; the log has them."""
LOOK_S = 0.5
_WORDS = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "critical"}
_SEVERITIES = {word.value: word for word in Severity}
_RECENT = 500
_NEXT = "next"
_STOPPED = frozenset({Next.HALTED, Next.BREAKER, Next.BARRED, Next.HELD})
OUTPUT_CLOSED = 1


def plain_line(at: datetime | None, severity: Severity, source: str, text: str) -> str:
    """A line like `2026-11-20 09:45:03 ET warning feed: the quote feed is down`.

    `at` is market time, None before it is known. Secrets are masked, and nothing in it steers a terminal.
    """
    when = "starting" if at is None else stamp(at)
    return safe(redact(f"{when} {_WORDS[severity]} {source}: {text}"))


def event_line(event: Event) -> str | None:
    """The line of an event; None for a step that has only begun, because its end has a line."""
    if event.result is StepResult.STARTED:
        return None
    about = [f"cycle {event.cycle}"] if event.cycle is not None else []
    about += [masked(event.account)] if event.account is not None else []
    about += [f"attempt {event.attempt}"] if event.attempt is not None else []
    about += [event.underlying] if event.underlying is not None else []
    if event.step is None:
        return plain_line(event.at, event.severity, event.kind.split(".")[0], event.text)
    refused = "REFUSED: " if event.result is StepResult.REFUSED else ""
    lead = f"{', '.join(about)}: " if about else ""
    return plain_line(event.at, event.severity, event.step.word, f"{lead}{refused}{words_of(event)}")


class StatusChanges:
    """Lines for what changed in the words of the status bar, and in what comes next, since they were last asked for; at
    first all of them."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[str, Severity]] = {}

    def lines(self, snapshot: Snapshot) -> Iterator[str]:
        status = snapshot.status
        for name, (words, severity) in (_words_of(status) | _coming(snapshot)).items():
            before = self._last.get(name)
            if before is None or before[0] != words:
                told = (
                    words if before is None or name.startswith(_NEXT) else f"{words.removesuffix('.')}, was {before[0]}"
                )
                yield plain_line(status.now, severity, "status", f"{name} {told}")
            self._last[name] = (words, severity)


def _words_of(status: StatusSlice) -> dict[str, tuple[str, Severity]]:
    failed = status.engine is EngineState.FAILED
    words = {
        "mode": (status.mode.value, Severity.INFO),
        "engine": (
            f"{status.engine.value}: {status.failure}" if failed else status.engine.value,
            Severity.CRITICAL if failed else Severity.INFO,
        ),
    }
    if status.engine is not EngineState.RUNNING:
        return words
    detail = f" ({status.automation_detail})" if status.automation_detail else ""
    halted = status.automation is Automation.HALTED
    words["automation"] = (
        f"{status.automation.value}{detail}",
        Severity.CRITICAL if halted else Severity.INFO,
    )
    parts = {"feed": status.feed, "broker": status.broker, "records": status.records}
    if status.mail is not None:
        parts["mail"] = status.mail
    if status.phone is not None:
        parts["phone"] = status.phone
    words |= {name: _part(part) for name, part in parts.items()}
    words["market"] = (status.market, Severity.INFO)
    words["accounts"] = (status.accounts, Severity.INFO)
    if status.exits is not None:
        why = f" ({status.exits.why})" if status.exits.why else ""
        severity = Severity.INFO if status.exits.word == "on" else Severity.WARNING
        words["exits"] = (f"{status.exits.word}{why}", severity)
    return words


def _coming(snapshot: Snapshot) -> dict[str, tuple[str, Severity]]:
    """What comes next: in all, and for each account where there are several."""
    if snapshot.overall is None or snapshot.status.engine is not EngineState.RUNNING:
        return {}
    told = {f"{_NEXT}:": _step(snapshot.overall)}
    if len(snapshot.next_steps) > 1:
        told |= {f"{_NEXT} for {view.account}:": _step(view.step) for view in snapshot.next_steps}
    return told


def _step(step: NextStep) -> tuple[str, Severity]:
    return step.words, Severity.WARNING if step.kind in _STOPPED else Severity.INFO


def _part(part: PartHealth) -> tuple[str, Severity]:
    fine = part.health in (Health.OK, Health.STARTING)
    detail = f" ({part.detail})" if part.detail else ""
    return f"{part.health.value}{detail}", Severity.INFO if fine else Severity.WARNING


class PlainPrinter:
    """Holds lines between the engine's loop, where `heard` never waits, and the thread that prints them."""

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._recent: deque[str] = deque(maxlen=_RECENT)
        self._recent_lock = threading.Lock()
        self._status = StatusChanges()
        self._message = 0
        self._seen_running = False
        self._lost = 0

    def heard(self, event: Event) -> None:
        """Takes an event; a listener of the engine's bus."""
        with self._recent_lock:
            self._recent.append(event.text)
        line = event_line(event)
        if line is not None:
            self._put(line)

    def check(self, snapshot: Snapshot) -> None:
        """Adds lines for what no event says: changes of the status, and messages such as of the recording."""
        for line in self._status.lines(snapshot):
            self._put(line)
        if snapshot.status.engine is not EngineState.RUNNING:
            return
        with self._recent_lock:
            recent = frozenset(self._recent)
        for message in snapshot.messages:
            is_recent = message.text in recent or message.text.partition(": ")[2] in recent
            # Messages from before this process are in the log of the process that wrote them.
            if message.number > self._message and self._seen_running and not is_recent:
                self._put(plain_line(message.at, _SEVERITIES[message.level.value], message.source, message.text))
        self._message = max((m.number for m in snapshot.messages), default=self._message)
        self._seen_running = True

    def say(self, at: datetime | None, text: str) -> None:
        """Adds a line of the console itself."""
        self._put(plain_line(at, Severity.INFO, "console", text))

    def _put(self, line: str) -> None:
        if self._lines.qsize() >= WAITING:
            self._lost += 1
            return
        if self._lost:
            self._lines.put(f"{self._lost} lines were not printed: the output did not take them")
            self._lost = 0
        self._lines.put(line)

    def take(self, wait_s: float) -> Iterator[str]:
        """The lines that wait to be printed. Waits `wait_s` wall seconds at most for the first one."""
        try:
            yield self._lines.get(timeout=wait_s)
            while True:
                yield self._lines.get_nowait()
        except queue.Empty:
            return


def staying_line(snapshot: Snapshot) -> str:
    """The last line: the closing orders that go on at the broker without this console; empty without any."""
    told = leaving_of(snapshot)
    return plain_line(snapshot.status.now, Severity.INFO, "exits", told) if told else ""


def print_until_ended(
    host: EngineHost, printer: PlainPrinter, *, broker_ends: bool = False, clock: Clock | None = None
) -> int:
    """Prints until the engine has ended and every line is out. Returns the exit code. Call it on the main thread.

    An output that was closed ends the engine in order, with exit code 1, because nobody reads it any more. An output
    that is full loses the line; the log has it. With `broker_ends` the broker is that of a demo: nothing stays there.
    `clock` counts the wall seconds of the end, the machine's without one.
    """
    out = standard_output()
    ending = Ending(
        host, lambda text: printer.say(host.snapshot().status.now, text), broker_ends, clock or SystemClock()
    )
    while True:
        at_work = host.running
        shown = host.snapshot()
        printer.check(shown)
        ending.check(shown)
        for line in printer.take(LOOK_S if at_work else 0.0):
            out.write(f"{line}\n")
            out.flush()
        if out.is_closed:
            host.ask_to_stop()
        if not at_work:
            left = "" if broker_ends else staying_line(host.snapshot())
            if left:
                out.write(f"{left}\n")
                out.flush()
            return OUTPUT_CLOSED if out.is_closed else 0
