"""The inbox of commands: each is checked, recorded with its sender, done once, answered, and expired after 30 s (rules
10)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from core.domain.operation.commands import COMMAND, COMMAND_LIFETIME_S, Command, CommandKind, CommandState
from core.domain.operation.events import Severity
from core.domain.operation.reasons import Figures, Reason, Refusal, refuse
from core.records.records import Records
from core.runtime.bus import Bus
from core.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class Done:
    """A command was carried out. `text` tells the operator the result; the event of the answer keeps `figures` too."""

    text: str
    figures: Figures = ()


Handler = Callable[[Command], Awaitable[Done | Refusal]]


_WAIT_FOR_THE_BROKER = frozenset({CommandKind.CANCEL, CommandKind.ATTEST, CommandKind.PREVIEW})


@dataclass(eq=False, repr=False)
class CommandDesk:
    """Takes commands from the inbox in their order and has each carried out once.

    A command that waits for the broker runs beside the others, because a pause must not wait for a slow broker. Without
    `spawn` every command is carried out in its turn.
    """

    records: Records
    bus: Bus
    clock: Clock
    handlers: Mapping[CommandKind, Handler]
    spawn: Callable[[Coroutine[Any, Any, None]], None] | None = None
    _under_way: set[str] = field(init=False, default_factory=set)
    _wake: asyncio.Event = field(init=False, default_factory=asyncio.Event)

    async def post(self, command: Command) -> None:
        """Records the command. `run` carries it out in its turn."""
        await self.records.inbox.post(command)
        self._wake.set()

    def check(self) -> None:
        """Has `run` look for commands that other processes have posted."""
        self._wake.set()

    async def run(self) -> None:
        """Carries out commands until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            for command in await self.records.inbox.pending():
                if command.id in self._under_way:
                    continue
                if self.spawn is None or command.kind not in _WAIT_FOR_THE_BROKER:
                    await self.carry_out(command)
                else:
                    self._under_way.add(command.id)
                    self.spawn(self._carry_out_beside(command))

    async def _carry_out_beside(self, command: Command) -> None:
        try:
            await self.carry_out(command)
        finally:
            self._under_way.discard(command.id)

    async def post_and_do(self, command: Command) -> Done | Refusal:
        """Records the command and carries it out now, for a sender in this process that waits for the answer."""
        self._under_way.add(command.id)
        try:
            await self.records.inbox.post(command)
            return await self.carry_out(command)
        finally:
            self._under_way.discard(command.id)

    async def carry_out(self, command: Command) -> Done | Refusal:
        """Carries out one posted command, records its answer and returns it. Raises RecordsError."""
        result = await self._answer(command)
        if isinstance(result, Refusal):
            expired = result.reason is Reason.COMMAND_EXPIRED
            state = CommandState.EXPIRED if expired else CommandState.REFUSED
            text, severity, figures = result.sentence(), Severity.WARNING, Figures()
        else:
            state, text, severity, figures = CommandState.DONE, result.text, Severity.INFO, result.figures
        if not await self.records.inbox.finish(command.id, state, text, self.clock.now()):
            return result
        await self.bus.say(
            f"command.{command.kind.value}.{state.value}",
            f"{command.kind.words} by {command.who}: {text}",
            severity,
            reason=result.reason if isinstance(result, Refusal) else None,
            figures=((COMMAND, command.id), *figures),
        )
        return result

    async def _answer(self, command: Command) -> Done | Refusal:
        # The operator waits in real time, so a command lives for wall seconds even when market time runs faster.
        lifetime = timedelta(seconds=COMMAND_LIFETIME_S * self.clock.speed)
        if self.clock.now() - command.at > lifetime:
            return refuse(Reason.COMMAND_EXPIRED, limit_s=f"{COMMAND_LIFETIME_S:g}")
        return await self.handlers[command.kind](command)
