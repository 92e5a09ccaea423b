"""The one inbox for commands from any place: each is posted once, done once and acknowledged (rules 10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, cast, insert, select, type_coerce, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import NullType

from core.domain.operation.commands import Command, CommandKind, CommandState, holds_exits, stops_account
from core.records.repositories.rows import CommandRecord
from core.records.store.database import Database
from core.records.store.json_text import instant_of
from core.records.store.tables import commands

_NO_TEXT = "Could not decode"
"""The words of SQLite's driver for a text that is no UTF-8."""
_UNREADABLE = "\N{REPLACEMENT CHARACTER}"
_KINDS = frozenset(kind.value for kind in CommandKind)
_COLUMNS = tuple(commands.c)
_RAW = select(*(type_coerce(column, NullType()).label(column.name) for column in _COLUMNS))
_WAITING = select(commands.c.seq).where(commands.c.state == CommandState.PENDING.value).order_by(commands.c.seq)
_BYTES = select(*(cast(column, LargeBinary).label(column.name) for column in _COLUMNS))


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A pending row that is no command of this version. `seq` is its number; `id`, `kind` and `who` are what can be
    read of it, `why` is a sentence. `stop` is the pause or halt that it asks for, or exits where it asks for a hold of
    them; None when it stops nothing.
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
        async with self._database.read() as connection:
            numbers = (await connection.execute(_WAITING)).scalars().all()
            rows = [(seq, await _raw_row(connection, seq)) for seq in numbers]
        return tuple(_pending(seq, row) for seq, row in rows)

    async def finish(self, command_id: str, state: CommandState, text: str, at: datetime) -> bool:
        """Records what became of the command. False when it was finished before, or is unknown.

        Raises ValueError for the state pending.
        """
        async with self._database.write() as connection:
            return await _finish(connection, commands.c.id == command_id, state, text, at)

    async def finish_row(self, seq: int, state: CommandState, text: str, at: datetime) -> bool:
        """Records what became of a row that cannot be read, as `finish` does, and replaces what cannot be read of
        it."""
        async with self._database.write() as connection:
            values = _mended(seq, await _raw_row(connection, seq), at)
            return await _finish(connection, commands.c.seq == seq, state, text, at, values)

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


async def _finish(
    connection: AsyncConnection,
    which: ColumnElement[bool],
    state: CommandState,
    text: str,
    at: datetime,
    values: Mapping[str, Any] | None = None,
) -> bool:
    if state is CommandState.PENDING:
        raise ValueError("a command is not finished by being pending")
    finished = await connection.execute(
        update(commands)
        .where(which, commands.c.state == CommandState.PENDING.value)
        .values({**(values or {}), "state": state.value, "text": text, "finished_at": at})
    )
    return finished.rowcount == 1


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


def _pending(seq: int, row: Mapping[str, Any]) -> Command | UnreadableRow:
    faults = _faults(row)
    if not faults:
        return _command(row)
    kind = _shown(row["kind"])
    unknown = faults == ("kind",) and isinstance(row["kind"], str)
    why = f'this version cannot do "{kind[:40]}": a newer senex posted it' if unknown else ""
    return UnreadableRow(
        seq,
        _shown(row["id"]),
        kind,
        _shown(row["who"]) or "somebody",
        why or f"the row of this command cannot be read ({_quoted(row, faults)})",
        None if unknown else _stop_asked(kind, _shown(row["note"])),
    )


def _quoted(row: Mapping[str, Any], faults: tuple[str, ...]) -> str:
    """The columns that cannot be read, with what they have where that is not a person's own text."""
    own = ("who", "target", "note")
    return ", ".join(name if name in own else f"{name} {_shown(row[name])[:40]!r}" for name in faults)


def _stop_asked(kind: str, note: str) -> CommandKind | None:
    """The stop that a broken row asks for, as far as can be told: one of an account that cannot be named is a pause, or
    a hold, of all."""
    match kind:
        case CommandKind.PAUSE | CommandKind.HALT:
            return CommandKind(kind)
        case CommandKind.SET_ACCOUNT if _UNREADABLE in note or stops_account(note):
            return CommandKind.PAUSE
        case CommandKind.EXITS if _UNREADABLE in note or holds_exits(note):
            return CommandKind.EXITS
    return None


def _faults(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns of the row that no command of this version has like that."""
    readable = {name: isinstance(row[name], str) for name in ("id", "who", "target", "note")}
    readable["kind"] = isinstance(row["kind"], str) and row["kind"] in _KINDS
    readable["at"] = _instant(row["at"]) is not None
    readable["saw_cycle"] = row["saw_cycle"] is None or isinstance(row["saw_cycle"], int)
    return tuple(name for name, good in readable.items() if not good)


def _command(row: Mapping[str, Any]) -> Command:
    """The command of a row without faults."""
    at, kind = instant_of(row["at"]), CommandKind(row["kind"])
    return Command(row["id"], kind, row["who"], at, row["saw_cycle"], row["target"], row["note"])


def _record(row: Mapping[str, Any]) -> CommandRecord | None:
    finished = None if row["finished_at"] is None else _instant(row["finished_at"])
    known = isinstance(row["text"], str) and row["state"] in list(CommandState)
    if _faults(row) or not known or (finished is None and row["finished_at"] is not None):
        return None
    return CommandRecord(_command(row), CommandState(row["state"]), row["text"], finished)


def _instant(value: object) -> datetime | None:
    """The instant that a text says, None when it says none."""
    try:
        found = instant_of(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return None if found is None or found.tzinfo is None else found


def _mended(seq: int, row: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """What to put for the columns that cannot be read, so that every page of the history can read the row."""
    put = {"id": f"row {seq}", "at": at, "saw_cycle": None}
    return {name: put.get(name, _shown(row[name])) for name in _faults(row)}


def _shown(value: object) -> str:
    """A value of a broken row for a person; what is no text is replaced."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else "" if value is None else str(value)
