"""A watcher's access to the records. It reads them, and sends the trader commands through their inbox (rules 10)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from core.domain.operation.commands import COMMAND_LIFETIME_S, Command, CommandState, stop_of
from core.records.records import Records
from core.records.store.errors import RecordsError
from core.remote.publisher import started_of
from core.runtime.clock import Clock
from core.snapshot import CommandView
from core.snapshot.client import Found

LOOK_EVERY_S = 0.2
GRACE_S = 5.0
"""Seconds to wait for a command's answer after the command has expired."""

OpenRecords = Callable[[], Awaitable[Records]]
"""Opens the records as a reader that does not trade."""


class WatchedRecords:
    """The records of the watched trader, opened by this watcher. It writes nothing but its commands."""

    def __init__(self, records: Records, wall: Clock) -> None:
        self._records = records
        self._wall = wall

    async def are_of(self, epoch: str) -> bool:
        """Whether the trader of this epoch writes these records, which say when it started. Raises RecordsError."""
        started = await self._records.journal.newest_of(("engine.started",))
        return started is not None and started.at.isoformat() == started_of(epoch)

    async def ask(self, command: Command, told: Callable[[CommandView], None]) -> None:
        """Posts the command and reports what became of it, also when nobody answered or the records failed."""
        try:
            await self._records.inbox.post(command)
            told(await self._answer(command))
        except RecordsError as error:
            text = f"it could not be asked: {error}"
            told(CommandView(command.id, command.kind, CommandState.REFUSED, text))

    async def _answer(self, command: Command) -> CommandView:
        never_expires = stop_of(command) is not None
        until = self._wall.monotonic() + COMMAND_LIFETIME_S + GRACE_S
        while never_expires or self._wall.monotonic() < until:
            record = await self._records.inbox.get(command.id)
            if record is not None and record.state is not CommandState.PENDING:
                return CommandView(command.id, command.kind, record.state, record.text)
            await self._wall.sleep(LOOK_EVERY_S)
        text = f"no trader answered within {COMMAND_LIFETIME_S:g} s; none does it any more"
        return CommandView(command.id, command.kind, CommandState.EXPIRED, text)

    async def look_up(self, question: Callable[[Records], Awaitable[Found]]) -> Found:
        """Asks the records this question. Raises RecordsError."""
        return await question(self._records)

    async def close(self) -> None:
        await self._records.close()
