"""The scenes that tests show in the console: snapshots recorded from the real engine, and a client that shows them.

A scene is a moment of one of the `scene_days`. Tests of the layout's edges change a field of one with
`dataclasses.replace`: a longer text, another number, another account; `tests.support.console.parts` has the parts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import TypeVar

from core.domain.operation.commands import CommandKind, CommandState
from core.engine.start_progress import BROKER, LOGIN, RECORDS, SETUP, StartProgress
from core.records.records import Records
from core.runtime.clock import SystemClock
from core.snapshot import CommandView, EngineNotRunning, Mode, Snapshot, without_engine_yet
from tests.support.console.recordings import recorded
from tests.support.console.scene_days import DAYS

Found = TypeVar("Found")


async def _asked(question: Callable[[Records], Awaitable[Found]], records: Records) -> Found:
    return await question(records)


class FixedEngine:
    """Never changes by itself. With `answers`, a sent command is settled at the next snapshot."""

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        answers: CommandState | None = None,
        answer: str = "",
        records: Records | None = None,
    ) -> None:
        self.current = snapshot
        self.sent: list[CommandKind] = []
        self.about: list[tuple[str, str]] = []
        self.answers = answers
        self.answer = answer
        self.snapshots = 0
        self.records = records

    def snapshot(self) -> Snapshot:
        self.snapshots += 1
        return self.current

    def send(self, kind: CommandKind, *, target: str = "", note: str = "") -> str:
        self.sent.append(kind)
        self.about.append((target, note))
        number = f"c{len(self.sent)}"
        state = self.answers or CommandState.PENDING
        view = CommandView(number, kind, state, self.answer)
        self.current = replace(self.current, commands=(*self.current.commands, view))
        return number

    def look_up(self, question: Callable[[Records], Awaitable[Found]]) -> Future[Found]:
        """Asks the records that the test gave it; without any it raises, as without an engine."""
        answer: Future[Found] = Future()
        if self.records is None:
            answer.set_exception(EngineNotRunning("the engine is not running"))
            return answer
        return asyncio.run_coroutine_threadsafe(_asked(question, self.records), asyncio.get_running_loop())

    def settle(self, state: CommandState, text: str) -> None:
        """Gives the newest command its answer."""
        *older, last = self.current.commands
        self.current = replace(self.current, commands=(*older, replace(last, state=state, text=text)))

    def status(self, **changes: object) -> None:
        self.current = replace(self.current, status=replace(self.current.status, **changes))  # type: ignore[arg-type]


def starting() -> Snapshot:
    """The snapshot that an engine's host shows before its engine is up: the login goes on."""
    progress = StartProgress(SystemClock())
    progress.begin(SETUP)
    progress.then(SETUP, BROKER)
    progress.then(BROKER, RECORDS)
    progress.then(RECORDS, LOGIN)
    shown = without_engine_yet(Mode.DEMO, "starting")
    return replace(shown, status=replace(shown.status, start=progress.steps()))


def scene(name: str) -> Snapshot:
    """A recorded scene. Raises StaleRecording when it must be recorded anew."""
    return recorded(DAY_OF[name])[name]


DAY_OF = {name: day for day, lived in DAYS.items() for name in lived.scenes}
"""The day of each recorded scene."""
SCENES: dict[str, Callable[[], Snapshot]] = {name: partial(scene, name) for name in DAY_OF} | {"starting": starting}

calm = SCENES["calm"]
"""Automation is on, between two slots; an order works."""
retrying = SCENES["retrying"]
"""A cycle's second attempt waits for quotes."""
refused = SCENES["refused"]
"""The risk of the day's spread is above the budget."""
legs_stale = SCENES["legs_stale"]
"""A cycle has failed for legs without fresh quotes."""
low_score = SCENES["low_score"]
"""Neither underlying passes judgement."""
stale = SCENES["stale"]
"""The feed is silent for 41 s."""
quiet = SCENES["quiet"]
"""No price has moved for 12 s."""
paused = SCENES["paused"]
filled = SCENES["filled"]
followed = SCENES["followed"]
"""The entry of the morning filled and was followed for an hour."""
open_tridents = SCENES["open"]
"""Two open tridents: one of today, one near its expiration."""
closed = SCENES["closed"]
"""Started after the close: no cycle today."""
failed = SCENES["failed"]
"""Another process took the records over."""
live = SCENES["live"]
fast = SCENES["fast"]
unknown = SCENES["unknown"]
"""The answer to a send was lost."""
day_closed = SCENES["day_closed"]
"""The operator cancelled the entry of the day."""
freeing = SCENES["freeing"]
"""The operator has allowed re-entry after the cancel; the first of the two reads is due."""
two_accounts = SCENES["two_accounts"]
"""The order of one account was rejected, that of the other is filled."""
restarted = SCENES["restarted"]
"""The same after a restart of the console."""
accounts_off = SCENES["accounts_off"]
"""The automation of every account is off."""
after_midnight = SCENES["after_midnight"]
"""The console has run over midnight."""
next_morning = SCENES["next_morning"]
"""The next session has begun; no slot of it has come."""
halted = SCENES["halted"]
"""Halted by the operator, with a breaker of an account beside it."""
stopped_by_clock = SCENES["clock"]
"""A global breaker: its words are the automation's too."""
reconciling = SCENES["reconciling"]
rejected = SCENES["rejected"]
"""The broker refused the order of the day."""
alerted = SCENES["alerted"]
"""Two alerts are open; nobody has seen the critical one."""
reached = SCENES["reached"]
"""Four accounts of three logins, one of them refused."""
