"""Runs the engine on a thread of its own with its own event loop, so that no screen can stop it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import InitVar, dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from core.domain.operation.commands import Command, CommandKind, CommandState, stop_of
from core.engine.start_progress import SETUP, StartProgress
from core.runtime.clock import SystemClock
from core.runtime.ids import Ids
from core.snapshot import (
    CommandView,
    EngineNotRunning,
    EngineState,
    Mode,
    Snapshot,
    without_engine_yet,
)

if TYPE_CHECKING:
    from core.engine.engine import Engine
    from core.records.records import Records

log = logging.getLogger(__name__)
Found = TypeVar("Found")


@dataclass(eq=False, repr=False)
class EngineHost:
    """Runs one engine on a thread and is its client (`EngineClient`): snapshots come out, commands go in.

    `open_engine` runs on the engine's thread, so that the heavy imports happen there. `explain` turns the error that
    ended the engine into a sentence for the operator. `starting` takes the steps of the start.
    """

    open_engine: Callable[[], Awaitable[Engine]]
    mode: InitVar[Mode]
    who: str
    ids: Ids
    explain: Callable[[BaseException], str]
    _engine: Engine | None = field(init=False, default=None)
    _loop: asyncio.AbstractEventLoop | None = field(init=False, default=None)
    _first: Snapshot = field(init=False)
    _ended: Snapshot | None = field(init=False, default=None)
    starting: StartProgress = field(init=False, default_factory=lambda: StartProgress(SystemClock()))
    _refused: deque[CommandView] = field(init=False, default_factory=lambda: deque(maxlen=10))
    _stop_wanted: threading.Event = field(init=False, default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __post_init__(self, mode: Mode) -> None:
        self._first = without_engine_yet(mode, "starting")
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        self._thread.start()

    # The client

    def snapshot(self) -> Snapshot:
        """The newest snapshot. Before the engine is up and after it has ended, one that says so."""
        shown = self._ended or self._shown()
        return replace(shown, commands=(*shown.commands, *self._refused)) if self._refused else shown

    def _shown(self) -> Snapshot:
        engine = self._engine
        if engine is not None and engine.builder.snapshot is not None:
            return engine.builder.snapshot
        return replace(self._first, status=replace(self._first.status, start=self.starting.steps()))

    def send(self, kind: CommandKind, *, target: str = "", note: str = "") -> str:
        """Hands a command to the engine's inbox and returns the command's id. Without a running engine it is refused at
        once; a stop is also taken from an engine that starts."""
        engine, loop = self._engine, self._loop
        command_id = self.ids.new()
        if engine is None or loop is None or not self._thread.is_alive():
            return self._refuse(command_id, kind)
        shown = self.snapshot().cycle
        command = Command(
            command_id,
            kind,
            self.who,
            engine.parts.clock.now(),
            saw_cycle=0 if shown is None else shown.newest,
            target=target,
            note=note,
        )
        if not engine.ready.is_set() and stop_of(command) is None:
            return self._refuse(command_id, kind)
        loop.call_soon_threadsafe(engine.accept, command)
        return command_id

    def _refuse(self, command_id: str, kind: CommandKind) -> str:
        text = f"{self._not_running}; nothing was done"
        self._refused.append(CommandView(command_id, kind, CommandState.REFUSED, text))
        return command_id

    @property
    def _not_running(self) -> str:
        return (EngineState.STARTING if self._ended is None else EngineState.STOPPED).not_running

    def warn(self, source: str, text: str) -> None:
        """Shows the operator a warning that stops nothing, and logs it. May be called from any thread."""
        log.warning("%s: %s", source, text)
        engine, loop = self._engine, self._loop
        if engine is not None and loop is not None and self._thread.is_alive():
            loop.call_soon_threadsafe(engine.builder.warn, source, text)

    def look_up(self, question: Callable[[Records], Awaitable[Found]]) -> Future[Found]:
        """Asks the records on the engine's loop. The future raises RecordsError, or EngineNotRunning without an
        engine."""
        engine, loop = self._engine, self._loop
        if engine is None or loop is None or not self._thread.is_alive():
            nobody: Future[Found] = Future()
            nobody.set_exception(EngineNotRunning(self._not_running))
            return nobody

        async def asked() -> Found:
            return await question(engine.parts.records)

        return asyncio.run_coroutine_threadsafe(asked(), loop)

    async def stop(self) -> None:
        """Ends the engine in order and waits for it: outcomes awaited, records closed. Call it from another loop."""
        self.ask_to_stop()
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def stop_and_wait(self) -> None:
        """Does the same as `stop`, for a caller without an event loop."""
        self.ask_to_stop()
        self._thread.join()

    @property
    def running(self) -> bool:
        """Whether the engine's thread is alive: the engine starts, runs or ends."""
        return self._thread.is_alive()

    def ask_to_stop(self) -> None:
        """Asks the engine to end in order, and returns at once."""
        self._stop_wanted.set()
        engine, loop = self._engine, self._loop
        if engine is not None and loop is not None and self._thread.is_alive():
            loop.call_soon_threadsafe(engine.stop)

    # The thread

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as failure:
            log.exception("the engine ended")
            why = self.explain(failure)
            self.starting.fail(why)
            self._ended = self._ending(EngineState.FAILED, why)
        else:
            self._ended = self._ending(EngineState.STOPPED)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.starting.begin(SETUP)
        engine = await self.open_engine()
        engine.starting = self.starting
        self._engine = engine
        if self._stop_wanted.is_set():
            engine.stop()
        await engine.run()

    def _ending(self, engine: EngineState, failure: str = "") -> Snapshot:
        """The last snapshot of an engine that has ended; it has the steps of a start only when the start failed."""
        last, started = self._shown(), self._engine is not None and self._engine.ready.is_set()
        steps = self.starting.steps() if failure and not started else ()
        return replace(last, status=replace(last.status, engine=engine, failure=failure, start=steps))
