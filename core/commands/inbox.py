"""The inbox of commands: each is checked, recorded with its sender, done once, answered, and expired after 30 s unless
it is a stop (rules 10)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.domain.operation.commands import COMMAND, COMMAND_LIFETIME_S, Command, CommandKind, CommandState, stop_of
from core.domain.operation.events import Severity
from core.domain.operation.failures import failure_words
from core.domain.operation.figures import Figures
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.positions.trident_commands import ExitsWord, ExitsWords, cancels_exits
from core.guards.stop_files import KeptStop
from core.guards.stops import Stops
from core.locks.folder_lock import LockLost
from core.records.records import Records
from core.records.repositories.inbox import UnreadableRow
from core.records.store.errors import FencedOff, RecordsError
from core.runtime.bus import Bus
from core.runtime.clock import Clock

AGAIN_AFTER_S = 1.0
"""Wall seconds after which the inbox is read again when the records failed."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Done:
    """A command was carried out. `text` tells the operator the result; the event of the answer keeps `figures` too."""

    text: str
    figures: Figures = ()


Handler = Callable[[Command], Awaitable[Done | Refusal]]


_WAIT_FOR_THE_BROKER = frozenset(
    {
        CommandKind.CANCEL,
        CommandKind.ATTEST,
        CommandKind.PREVIEW,
        CommandKind.CLOSE,
        CommandKind.RETARGET,
        CommandKind.RELEASE,
    }
)
_IN_ORDER = frozenset({CommandKind.PAUSE, CommandKind.RESUME, CommandKind.HALT, CommandKind.RESET, CommandKind.EXITS})
"""Commands that undo each other. While one of them could not be recorded, none that was posted later is carried out."""
_TAKEN_AS = {
    CommandKind.PAUSE: "pause of all entries",
    CommandKind.HALT: "halt of all entries",
    CommandKind.EXITS: "hold of all exits",
}
"""What is done for a row that cannot be read and asks for this."""


def _say_nothing(_text: str) -> None:
    """The default for `say`: nobody listens."""


@dataclass(eq=False, repr=False)
class CommandDesk:
    """Takes commands from the inbox in their order and has each carried out once.

    Two services share the work, so that a slow command hides no later stop: `run` reads the inbox and bars what a stop
    stops, `work` carries the commands out. A command that waits for the broker runs beside the others. Without `spawn`
    every command is carried out in its turn. `say` is given a sentence when the records keep commands waiting.
    """

    records: Records
    bus: Bus
    clock: Clock
    handlers: Mapping[CommandKind, Handler]
    stops: Stops
    spawn: Callable[[Coroutine[Any, Any, None]], None] | None = None
    say: Callable[[str], None] = _say_nothing
    _pending: tuple[Command | UnreadableRow, ...] = field(init=False, default=())
    _under_way: set[str] = field(init=False, default_factory=set)
    _finished: set[str] = field(init=False, default_factory=set)
    _failed: set[str] = field(init=False, default_factory=set)
    _unposted: dict[str, Command] = field(init=False, default_factory=dict)
    _first_seen: dict[str, tuple[datetime, float]] = field(init=False, default_factory=dict)
    _trouble: str = field(init=False, default="")
    _wake: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _handed: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _again: asyncio.TimerHandle | None = field(init=False, default=None)

    # Taking commands in

    def take(self, command: Command, *, unreadable: bool = False) -> None:
        """Notes when the command was first seen, and bars at once what it stops. It waits for nothing. `unreadable`: it
        stands for one that cannot be read."""
        self._first_seen.setdefault(command.id, (self.clock.now(), self.clock.boottime()))
        self.stops.ask(command, unreadable=unreadable)

    async def post(self, command: Command) -> None:
        """Records the command. `work` carries it out in its turn. Raises RecordsError; a stop then stays in force, and
        is recorded as soon as the records can be written."""
        self.take(command)
        try:
            await self.records.inbox.post(command)
        except (RecordsError, asyncio.CancelledError):
            self.keep(command)
            raise
        self._wake.set()

    def keep(self, command: Command) -> None:
        """Keeps a stop that is not in the records yet: in a file if possible, and in memory until it is posted."""
        if stop_of(command) is None:
            return
        self._unposted[command.id] = command
        if self.stops.files is not None:
            with suppress(OSError):
                self.stops.files.write(command)
        self._soon()

    def check(self) -> None:
        """Has `run` look for commands that other processes have posted."""
        self._wake.set()

    async def run(self) -> None:
        """Reads the inbox whenever it may have changed, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.read()
            except FencedOff:
                raise
            except RecordsError as error:
                self._tell(f"commands cannot be read; entries stay as the last one left them: {error}")
                self._soon()

    async def read(self) -> None:
        """Bars what waiting commands stop, and hands them to `work`. Raises RecordsError."""
        files = () if self.stops.files is None else self.stops.files.kept()
        doubtful = tuple(stop for one in files if one.command is None for stop in self._stops_of(one))
        kept = (*(one.command for one in files if one.command is not None), *doubtful, *self._unposted.values())
        unreadable = {one.id for one in doubtful}
        for command in kept:
            self.take(command, unreadable=command.id in unreadable)
        rows = await self.records.inbox.pending()
        keys = {_key(row) for row in rows}
        self._finished &= keys
        self._first_seen = {key: seen for key, seen in self._first_seen.items() if key in keys | self._under_way}
        self._pending = tuple(row for row in rows if _key(row) not in self._finished)
        for row in self._pending:
            if isinstance(row, Command):
                self.take(row)
            elif row.stop is not None:
                self.take(self._stand_in(row, row.stop), unreadable=True)
        if not rows:
            self._trouble = ""
        self._handed.set()
        for command in kept:
            await self._post_kept(command)

    async def _post_kept(self, command: Command) -> None:
        """Posts a stop that was kept outside the records, or drops it when it is done."""
        state = await self.records.inbox.state(command.id)
        if state is None:
            await self.records.inbox.post(command)
            self._wake.set()
        elif state is not CommandState.PENDING and command.id not in self._under_way:
            if command.id in self._failed:
                self.stops.drop_file(command.id)
            else:
                self.stops.settle(command.id)
        self._unposted.pop(command.id, None)

    def _stand_in(self, row: UnreadableRow, stop: CommandKind) -> Command:
        """The stop to carry out for a row that cannot be read."""
        note = ExitsWords(ExitsWord.HOLD, row.why).note() if stop is CommandKind.EXITS else row.why
        return Command(_key(row), stop, row.who, self.clock.now(), note=note)

    def _stops_of(self, file: KeptStop) -> tuple[Command, Command]:
        """What to carry out for a file that cannot be read: it may have stopped exits, or entries. The pause comes
        last: once it is recorded the file is removed."""
        now, why = self.clock.now(), f"{file.path} cannot be read"
        hold = ExitsWords(ExitsWord.HOLD, why).note()
        return (
            Command(f"{file.id} exits", CommandKind.EXITS, "a shell", now, note=hold),
            Command(file.id, CommandKind.PAUSE, "a shell", now, note=why),
        )

    # Carrying them out

    async def work(self) -> None:
        """Carries out the commands that were read, until cancelled. One that fails harms no other."""
        while True:
            await self._handed.wait()
            self._handed.clear()
            tried: set[str] = set()
            waits = False
            # The list is read anew each time: a command of an older one may have been carried out elsewhere meanwhile.
            while (row := next((r for r in self._pending if self._is_due(r, tried, waits)), None)) is not None:
                tried.add(_key(row))
                self._under_way.add(_key(row))
                if self.spawn is not None and isinstance(row, Command) and _waits_for_the_broker(row):
                    self.spawn(self._beside(row))
                elif not await self._attempt(row):
                    waits = waits or _ordered(row)

    def _is_due(self, row: Command | UnreadableRow, tried: set[str], waits: bool) -> bool:
        return _key(row) not in tried | self._under_way | self._finished and not (waits and _ordered(row))

    async def _beside(self, command: Command) -> None:
        await self._attempt(command)

    async def _attempt(self, row: Command | UnreadableRow) -> bool:
        """Carries out one command. False when the records failed: it is tried again."""
        try:
            await (self.carry_out(row) if isinstance(row, Command) else self._answer_unreadable(row))
        except (FencedOff, LockLost):
            raise
        except RecordsError as error:
            named = row.kind.words if isinstance(row, Command) else row.kind
            self._tell(f"{named} waits for the records: {error}")
            self._soon()
            return False
        except Exception:
            log.exception("a command failed: %s", _key(row))
            self._finished.add(_key(row))
        finally:
            self._under_way.discard(_key(row))
        self._trouble = ""
        return True

    async def post_and_do(self, command: Command) -> Done | Refusal:
        """Records the command and carries it out now, for a sender in this process that waits for the answer. Raises
        RecordsError, and what a handler raised."""
        self.take(command)
        self._under_way.add(command.id)
        try:
            await self.records.inbox.post(command)
            return await self.carry_out(command)
        finally:
            self._under_way.discard(command.id)

    async def carry_out(self, command: Command) -> Done | Refusal:
        """Carries out one posted command, records its answer and returns it. Raises RecordsError, after which it is
        still to be done, and what else a handler raised, after which it is refused."""
        self.take(command)
        try:
            result = await self._answer(command)
        except (RecordsError, LockLost):
            raise
        except Exception as error:
            self._failed.add(command.id)  # what it stopped stays stopped here
            text = f"it failed: {failure_words(error)}"
            if await self._finish(command, CommandState.REFUSED, text):
                await self._say(command, CommandState.REFUSED, text, Severity.CRITICAL)
            raise
        if isinstance(result, Refusal):
            expired = result.reason is Reason.COMMAND_EXPIRED
            state = CommandState.EXPIRED if expired else CommandState.REFUSED
            text, severity, figures = result.sentence(), Severity.WARNING, Figures()
            reason = result.reason
        else:
            state, text, severity, figures = CommandState.DONE, result.text, Severity.INFO, result.figures
            reason = None
        first = await self._finish(command, state, text)
        self.stops.settle(command.id)
        if first:
            await self._say(command, state, text, severity, reason, figures)
        return result

    async def _answer(self, command: Command) -> Done | Refusal:
        if self.stops.was_lifted(command.id):
            return refuse(Reason.RESUMED_SINCE)
        if stop_of(command) is None and self._age_s(command) > COMMAND_LIFETIME_S:
            return refuse(Reason.COMMAND_EXPIRED, limit_s=f"{COMMAND_LIFETIME_S:g}")
        return await self.handlers[command.kind](command)

    def _age_s(self, command: Command) -> float:
        """Wall seconds since the command was asked, at least. The operator waits in real time, so it lives for wall
        seconds even when market time runs faster.

        Its age when it was first seen goes by the clock, whichever side of the present it lies on: a clock may have
        been set meanwhile. What it waited since goes by the time since the machine started: no clock that is set
        changes it, and it counts what the machine slept.
        """
        seen, booted_s = self._first_seen[command.id]
        return abs((seen - command.at).total_seconds()) / self.clock.speed + self.clock.boottime() - booted_s

    async def _finish(self, command: Command, state: CommandState, text: str) -> bool:
        first = await self.records.inbox.finish(command.id, state, text, self.clock.now())
        self._finished.add(command.id)
        return first

    async def _answer_unreadable(self, row: UnreadableRow) -> None:
        """Carries out the stop that the row asks for. Any other row is refused."""
        state, text = CommandState.REFUSED, f"{row.why}; nothing was done"
        if row.stop is not None:
            answer = await self._answer(self._stand_in(row, row.stop))
            told = answer.sentence() if isinstance(answer, Refusal) else answer.text
            state, text = CommandState.DONE, f"{row.why}; taken as a {_TAKEN_AS[row.stop]}: {told}"
        first = await self.records.inbox.finish_row(row.seq, state, text, self.clock.now())
        self._finished.add(_key(row))
        self.stops.settle(_key(row))
        if first:
            what = f"command.unreadable.{state.value}"
            await self.bus.say(what, f"a command of {row.who}: {text}", Severity.CRITICAL)

    async def _say(
        self,
        command: Command,
        state: CommandState,
        text: str,
        severity: Severity,
        reason: Reason | None = None,
        figures: Figures = (),
    ) -> None:
        await self.bus.say(
            f"command.{command.kind.value}.{state.value}",
            f"{command.kind.words} by {command.who}: {text}",
            severity,
            reason=reason,
            figures=((COMMAND, command.id), *figures),
        )

    # Trying again

    def _soon(self) -> None:
        """Has the inbox read again in a moment."""
        if self._again is None:
            self._again = asyncio.get_running_loop().call_later(AGAIN_AFTER_S, self._read_again)

    def _read_again(self) -> None:
        self._again = None
        self._wake.set()

    def _tell(self, text: str) -> None:
        """Says a trouble once, until the records answer again."""
        if text != self._trouble:
            self._trouble = text
            self.say(text)


def _key(row: Command | UnreadableRow) -> str:
    """What tells a row from every other: its command's id, or its number where that may not be readable."""
    return row.id if isinstance(row, Command) else f"row {row.seq}"


def _ordered(row: Command | UnreadableRow) -> bool:
    if isinstance(row, UnreadableRow):
        return row.stop is not None
    return row.kind in _IN_ORDER and not _waits_for_the_broker(row)


def _waits_for_the_broker(command: Command) -> bool:
    """Whether the command asks the broker. Of exits only their cancel does."""
    if command.kind is CommandKind.EXITS:
        return cancels_exits(command.note)
    return command.kind in _WAIT_FOR_THE_BROKER
