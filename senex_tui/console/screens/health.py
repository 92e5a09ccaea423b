"""The page of health: how the trader's parts do, from its snapshot, and the machine that this console runs on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from core.domain.operation.times import clock
from core.snapshot import EngineState, Mode, Watching
from core.snapshot.health import FINDINGS, Finding, HealthRow
from senex_tui.console import clipboard as copying
from senex_tui.console.keys import Where, bindings, with_keys
from senex_tui.console.screens.page import Page
from widgets.health import HealthPanel, HealthView

if TYPE_CHECKING:
    from core.snapshot import Snapshot, StatusSlice

EVERY_S = 60.0
"""Wall seconds between two looks at the machine, while the page is open."""


class HealthPage(Page):
    """The trader's rows are as fresh as the screen. The machine is looked at beside it: nothing here waits for that."""

    PLACES = (Where.EVERYWHERE, Where.PAGES, Where.HEALTH)
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(Where.HEALTH))
    AUTO_FOCUS = "HealthPanel"

    def body(self) -> ComposeResult:
        yield HealthPanel(id="health")

    def on_mount(self) -> None:
        self.watch_slice(_seen, lambda _: self._show())
        self._look()
        self.set_interval(EVERY_S, self._look)

    def action_look_again(self) -> None:
        if self.console.machine is None:
            self.console.say(_no_machine(self.console.shown.status), "information")
        self._look()

    async def action_copy(self) -> None:
        self.console.say(await copying.copy(self.console, self.query_one(HealthPanel).whole), "information")

    def _look(self) -> None:
        machine = self.console.machine
        if machine is not None and self.app.screen is self:
            machine.begin(self._looked)
            self._show()

    def _looked(self) -> None:
        if self.is_attached:
            self._show()

    def _show(self) -> None:
        shown, machine = self.console.shown, self.console.machine
        note = _no_machine(shown.status)
        if machine is not None:
            at = "" if machine.looked_at is None else f"looked at {clock(machine.looked_at)} ET"
            note = "being looked at" if machine.is_looking else at
        rows = () if machine is None else machine.rows
        view = HealthView(_trader(shown), _worth(shown.status, shown.health), rows, note, shown.status.now)
        self.query_one(HealthPanel).show(view)


def _seen(shown: Snapshot) -> tuple[object, ...]:
    """What the page follows from; of the time the date alone."""
    status = shown.status
    return shown.health, status.engine, status.redis, status.watching, shown.day


def _trader(shown: Snapshot) -> tuple[HealthRow, ...]:
    """The trader's rows; before them, on a watcher, the way to it."""
    status = shown.status
    rows = tuple(replace(row, todo=with_keys(row.todo)) for row in shown.health)
    if status.watching is Watching.NONE or status.redis is None:
        return rows
    found = status.redis.detail or "the trader is followed through Redis"
    finding = FINDINGS[status.redis.health]
    todo = "" if finding is Finding.OK else "see the banner; the rows below are as the trader said them last"
    return (HealthRow("link", finding, found, todo), *rows)


def _worth(status: StatusSlice, rows: tuple[HealthRow, ...]) -> str:
    if not rows:
        return "not known: no engine has said anything yet"
    if status.mode is Mode.REPLAY:
        return "as recorded"
    return "" if status.engine in (EngineState.RUNNING, EngineState.STARTING) else "as said last"


def _no_machine(status: StatusSlice) -> str:
    return "a replay looks at no machine" if status.mode is Mode.REPLAY else "not looked at by this console"
