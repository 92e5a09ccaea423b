"""Runs `print_until_ended` in a process; its engine ends when asked or, with `deaf`, never does."""

from __future__ import annotations

import sys
import threading

from core.domain.operation.events import Event
from core.snapshot import Snapshot
from senex_tui.run.plain import PlainPrinter, print_until_ended
from tests.support.console.scenes import NOW, calm


class Host:
    def __init__(self, *, deaf: bool) -> None:
        self._deaf = deaf
        self._asked = threading.Event()

    @property
    def running(self) -> bool:
        return self._deaf or not self._asked.is_set()

    def ask_to_stop(self) -> None:
        self._asked.set()

    def snapshot(self) -> Snapshot:
        return calm()


printer = PlainPrinter()
printer.heard(Event(NOW, "engine.started", "engine started"))
if sys.argv[1] == "talking":
    for number in range(50_000):
        printer.heard(Event(NOW, "order.working", f"line {number}"))
sys.exit(print_until_ended(Host(deaf=sys.argv[1] == "deaf"), printer))  # type: ignore[arg-type]
