"""The one inbox for commands from any place: each is posted once, done once and acknowledged (rules 10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, cast, insert, select, type_coerce, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import NullType

from core.domain.operation.commands import Command, CommandKind, CommandState, stops_account
from core.records.repositories.rows import CommandRecord
from core.records.store.database import Database
from core.records.store.json_text import instant_of
from core.records.store.tables import commands

_NO_TEXT = "Could not decode"
"""The words of SQLite's driver for a text that is no UTF-8."""
_KINDS = frozenset(kind.value for kind in CommandKind)
_COLUMNS = tuple(commands.c)
_RAW = select(*(type_coerce(column, NullType()).label(column.name) for column in _COLUMNS))
_BYTES = select(*(cast(column, LargeBinary).label(column.name) for column in _COLUMNS))


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A pending row that is no command of this version. `seq` is its number; `id`, `kind` and `who` are what can be
    read of it, `why` is a sentence. `stop` is the pause or halt that it asks for, None when it asks for neither.
    """

    seq: int
    id: str
    kind: str
    who: str
    why: str
    stop: CommandKind | None


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

    async def pending(self) -> tuple[Command | UnreadableRow, ...]:
        """The commands still to be done, in the order they were posted. A row that cannot be read hides no other."""
        waiting = select(commands.c.seq).where(commands.c.state == CommandState.PENDING.value).order_by(commands.c.seq)
        async with self._database.read() as connection:
            numbers = (await connection.execute(waiting)).scalars().all()
            rows = [(seq, await _raw_row(connection, seq)) for seq in numbers]
        return tuple(_pending(seq, row) for seq, row in rows)

    async def finish(self, command_id: str, state: CommandState, text: str, at: datetime) -> bool:
        """Records what became of the command. False when it was finished before, or is unknown.

        Raises ValueError for the state pending.
        """
        return await self._finish(commands.c.id == command_id, state, text, at)

    async def finish_row(self, seq: int, state: CommandState, text: str, at: datetime) -> bool:
        """Records what became of a row that cannot be read, as `finish` does."""
        return await self._finish(commands.c.seq == seq, state, text, at)

    async def _finish(self, which: Any, state: CommandState, text: str, at: datetime) -> bool:
        if state is CommandState.PENDING:
            raise ValueError("a command is not finished by being pending")
        async with self._database.write() as connection:
            finished = await connection.execute(
                update(commands)
                .where(which, commands.c.state == CommandState.PENDING.value)
                .values(state=state.value, text=text, finished_at=at)
            )
            return finished.rowcount == 1

    async def state(self, command_id: str) -> CommandState | None:
        """The state of the command, None when it is unknown."""
        async with self._database.read() as connection:
            found = await connection.execute(select(commands.c.state).where(commands.c.id == command_id))
            state = found.scalar_one_or_none()
            return None if state is None else CommandState(state)

    async def get(self, command_id: str) -> CommandRecord | None:
        """The command and what became of it, for a sender who waits; None when it is unknown or cannot be read."""
        found = await self._records(select(commands.c.seq).where(commands.c.id == command_id))
        return found[0] if found else None

    async def newest(self, limit: int) -> tuple[CommandRecord, ...]:
        """The last commands posted, at most `limit`, newest first. Rows that cannot be read are left out."""
        return await self._records(select(commands.c.seq).order_by(commands.c.seq.desc()).limit(limit))

    async def _records(self, numbers: Any) -> tuple[CommandRecord, ...]:
        async with self._database.read() as connection:
            return await command_records(connection, (await connection.execute(numbers)).scalars().all())


async def command_records(connection: AsyncConnection, numbers: Sequence[int]) -> tuple[CommandRecord, ...]:
    """The commands with these numbers, in this order. Rows that cannot be read are left out."""
    rows = [await _raw_row(connection, seq) for seq in numbers]
    return tuple(record for row in rows if (record := _record(row)) is not None)


async def _raw_row(connection: AsyncConnection, seq: int) -> Mapping[str, Any]:
    """The row as the driver has it; its texts as bytes when one of them is no text."""
    try:
        return dict((await connection.execute(_RAW.where(commands.c.seq == seq))).mappings().one())
    except OperationalError as error:
        if _NO_TEXT not in str(error.orig):
            raise
    return dict((await connection.execute(_BYTES.where(commands.c.seq == seq))).mappings().one())


def _pending(seq: int, row: Mapping[str, object]) -> Command | UnreadableRow:
    try:
        return _command(row)
    except ValueError as error:
        column = str(error)
    kind, who = _shown(row["kind"]), _shown(row["who"]) or "somebody"
    unknown = column == "kind" and isinstance(row["kind"], str)
    why = f'this version cannot do "{kind[:40]}": a newer senex posted it' if unknown else ""
    return UnreadableRow(
        seq,
        _shown(row["id"]),
        kind,
        who,
        why or f"the row of this command cannot be read ({column})",
        None if unknown else _stop_asked(kind, _shown(row["note"])),
    )


def _stop_asked(kind: str, note: str) -> CommandKind | None:
    """The stop that a broken row asks for, as far as can be told: one of an account that cannot be named is a pause of
    all."""
    match kind:
        case CommandKind.PAUSE | CommandKind.HALT:
            return CommandKind(kind)
        case CommandKind.SET_ACCOUNT if "\N{REPLACEMENT CHARACTER}" in note or stops_account(note):
            return CommandKind.PAUSE
    return None


def _command(row: Mapping[str, object]) -> Command:
    """The command of a row. Raises ValueError, whose text is the name of the column that cannot be read."""
    kind, saw_cycle = _text(row, "kind"), row["saw_cycle"]
    if kind not in _KINDS:
        raise ValueError("kind")
    if saw_cycle is not None and not isinstance(saw_cycle, int):
        raise ValueError("saw_cycle")
    at = _instant(row, "at")
    return Command(
        _text(row, "id"), CommandKind(kind), _text(row, "who"), at, saw_cycle, _text(row, "target"), _text(row, "note")
    )


def _record(row: Mapping[str, object]) -> CommandRecord | None:
    try:
        finished = None if row["finished_at"] is None else _instant(row, "finished_at")
        return CommandRecord(_command(row), CommandState(_text(row, "state")), _text(row, "text"), finished)
    except ValueError:
        return None


def _text(row: Mapping[str, object], name: str) -> str:
    value = row[name]
    if not isinstance(value, str):
        raise ValueError(name)
    return value


def _instant(row: Mapping[str, object], name: str) -> datetime:
    try:
        found = instant_of(_text(row, name))
    except ValueError:
        raise ValueError(name) from None
    if found.tzinfo is None:
        raise ValueError(name)
    return found


def _shown(value: object) -> str:
    """A value of a broken row for a person; what is no text is replaced."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else "" if value is None else str(value)
