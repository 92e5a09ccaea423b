"""Runs `print_until_ended` in a process; its engine ends when asked or, with `deaf`, never does. With `resting` closing
orders rest at the broker, and no command is carried out."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace

from core.domain.operation.commands import CommandKind, CommandState
from core.domain.operation.events import Event
from core.snapshot import CommandView, Snapshot
from senex_tui.run.plain import PlainPrinter, print_until_ended
from tests.support.console.exit_views import held
from tests.support.console.parts import NOW
from tests.support.console.scenes import calm


class Host:
    def __init__(self, how: str) -> None:
        self._deaf = how == "deaf"
        self._asked = threading.Event()
        self._shown = held() if how == "resting" else calm()

    @property
    def running(self) -> bool:
        return self._deaf or not self._asked.is_set()

    def ask_to_stop(self) -> None:
        self._asked.set()

    def snapshot(self) -> Snapshot:
        return self._shown

    def send(self, kind: CommandKind, *, target: str = "", note: str = "") -> str:
        told = CommandView("1", kind, CommandState.REFUSED, f"{note} was refused")
        self._shown = replace(self._shown, commands=(told,))
        return "1"


printer = PlainPrinter()
printer.heard(Event(NOW, "engine.started", "engine started"))
if sys.argv[1] == "talking":
    for number in range(50_000):
        printer.heard(Event(NOW, "order.working", f"line {number}"))
sys.exit(print_until_ended(Host(sys.argv[1]), printer))  # type: ignore[arg-type]
