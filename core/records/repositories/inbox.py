"""The one inbox for commands from any place: each is posted once, done once and acknowledged (rules 10)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError

from core.domain.operation.commands import Command, CommandKind, CommandState
from core.records.repositories.rows import CommandRecord
from core.records.store.database import Database
from core.records.store.tables import commands


class Inbox:
    """The recorded commands. Raises RecordsError when the store fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def post(self, command: Command) -> None:
        """Posts the command. Posting the same id again changes nothing."""
        try:
            async with self._database.write() as connection:
                await connection.execute(
                    insert(commands).values(
                        id=command.id,
                        kind=command.kind.value,
                        who=command.who,
                        at=command.at,
                        saw_cycle=command.saw_cycle,
                        target=command.target,
                        note=command.note,
                        state=CommandState.PENDING.value,
                        text="",
                    )
                )
        except IntegrityError:  # posted before under this id
            return

    async def pending(self) -> tuple[Command, ...]:
        """The commands still to be done, in the order they were posted."""
        async with self._database.read() as connection:
            rows = await connection.execute(
                select(commands).where(commands.c.state == CommandState.PENDING.value).order_by(commands.c.seq)
            )
            return tuple(command_of(row).command for row in rows)

    async def finish(self, command_id: str, state: CommandState, text: str, at: datetime) -> bool:
        """Records what became of the command. False when it was finished before, or is unknown.

        Raises ValueError for the state pending.
        """
        if state is CommandState.PENDING:
            raise ValueError("a command is not finished by being pending")
        async with self._database.write() as connection:
            finished = await connection.execute(
                update(commands)
                .where(commands.c.id == command_id, commands.c.state == CommandState.PENDING.value)
                .values(state=state.value, text=text, finished_at=at)
            )
            return finished.rowcount == 1

    async def get(self, command_id: str) -> CommandRecord | None:
        """The command and what became of it, for a sender who waits; None when it is unknown."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(commands).where(commands.c.id == command_id))
            row = rows.one_or_none()
            return None if row is None else command_of(row)

    async def newest(self, limit: int) -> tuple[CommandRecord, ...]:
        """The last commands posted, at most `limit`, newest first."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(commands).order_by(commands.c.seq.desc()).limit(limit))
            return tuple(command_of(row) for row in rows)


def command_of(row: Row[Any]) -> CommandRecord:
    command = Command(row.id, CommandKind(row.kind), row.who, row.at, row.saw_cycle, row.target, row.note)
    return CommandRecord(command, CommandState(row.state), row.text, row.finished_at)
