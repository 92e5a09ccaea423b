"""Reads everything recorded about one cycle, entry or slot, as one consistent view (rules 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BindParameter, and_, bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.broker.port import DryRunAnswer
from core.domain.operation.commands import CommandKind, CommandState
from core.domain.operation.events import Event
from core.domain.orders.orders import Entry
from core.records.repositories.cycles import cycle_of
from core.records.repositories.entry_rows import (
    entries_where,
    read_entries,
    read_entry,
    shows_reentry_allowed,
)
from core.records.repositories.inbox import command_records
from core.records.repositories.intent_rows import read_changes, read_evidence
from core.records.repositories.journal import event_of
from core.records.repositories.rows import CommandRecord, CycleRecord, EvidenceRecord, IntentChange, SuggestionRecord
from core.records.search.told_cycles import CycleTold, told_of
from core.records.store.database import Database
from core.records.store.one_of import one_of
from core.records.store.tables import breakers, commands, cycles, dry_runs, entries, events, suggestions

ASKED_BEFORE = timedelta(minutes=1)
"""How long before a cycle a command may have been given that led to it; a command lives 30 s."""

LOOK_BACK, LOOK_ON = timedelta(days=4), timedelta(hours=12)
"""How far around a missed slot its cause is looked for: back over a long weekend, on to the next start of that day."""

_number: BindParameter[int] = bindparam("number")
_CYCLE = select(cycles).where(cycles.c.number == _number)
_BEGAN = (
    select(cycles.c.number)
    .where(cycles.c.began_at >= bindparam("since"), cycles.c.began_at < bindparam("until"))
    .order_by(cycles.c.began_at)
)
_EVENTS = select(events).where(events.c.cycle == _number).order_by(events.c.seq)
_ENTRIES = entries_where(entries.c.cycle == _number)
_SUGGESTIONS = select(suggestions).where(suggestions.c.cycle == _number).order_by(suggestions.c.at, suggestions.c.id)
_DRY_RUNS = select(dry_runs).where(one_of(dry_runs.c.suggestion_id, "ids")).order_by(dry_runs.c.seq)
_COMMANDS = (
    select(commands.c.seq)
    .where(
        or_(
            and_(commands.c.at >= bindparam("since"), commands.c.at <= bindparam("until")),
            one_of(commands.c.target, "targets"),
        )
    )
    .order_by(commands.c.seq)
)
_COMMANDS_WITHIN = (
    select(commands.c.seq)
    .where(commands.c.at >= bindparam("since"), commands.c.at <= bindparam("until"))
    .order_by(commands.c.seq)
)
_SWITCHES = (CommandKind.PAUSE, CommandKind.RESUME, CommandKind.HALT, CommandKind.RESET)
_LAST_SWITCH = (
    select(commands.c.seq)
    .where(
        commands.c.at <= bindparam("until"),
        commands.c.kind.in_([kind.value for kind in _SWITCHES]),
        commands.c.state == CommandState.DONE.value,
    )
    .order_by(commands.c.seq.desc())
    .limit(1)
)
_BREAKERS_AT = (
    select(breakers)
    .where(
        breakers.c.opened_at <= bindparam("at"),
        or_(breakers.c.closed_at.is_(None), breakers.c.closed_at >= bindparam("at")),
    )
    .order_by(breakers.c.id)
)
_AROUND = (
    select(events)
    .where(
        events.c.at >= bindparam("since"),
        events.c.at <= bindparam("until"),
        events.c.cycle.is_(None),
        events.c.kind.not_like("slot.%"),
        events.c.kind.not_like("command.%"),
    )
    .order_by(events.c.at, events.c.seq)
)


@dataclass(frozen=True, slots=True)
class EntryDetails:
    """An entry, every state it went through, and everything that was seen of it, oldest first."""

    entry: Entry
    changes: tuple[IntentChange, ...]
    evidence: tuple[EvidenceRecord, ...]

    @property
    def reentry_allowed(self) -> bool:
        """Whether an operator has allowed another entry after this one."""
        return any(shows_reentry_allowed(seen.detail) for seen in self.evidence)


@dataclass(frozen=True, slots=True)
class CycleDetails:
    """Everything about a cycle, and what it came to. `dry_runs` is by suggestion id.

    `commands` are those given shortly before the cycle or while it ran, and those that name one of its entries.
    """

    cycle: CycleRecord
    told: CycleTold
    events: tuple[Event, ...]
    suggestions: tuple[SuggestionRecord, ...]
    dry_runs: Mapping[str, DryRunAnswer]
    entries: tuple[EntryDetails, ...]
    commands: tuple[CommandRecord, ...]


@dataclass(frozen=True, slots=True)
class SlotSurroundings:
    """The circumstances of a slot that did not run.

    `commands` are those of the days before it, and the last one that switched the automation, however old. `events` are
    those of no cycle. `breakers` are those open at the slot: when each opened, and why.
    """

    commands: tuple[CommandRecord, ...]
    events: tuple[Event, ...]
    breakers: tuple[tuple[datetime, str], ...]


class CycleSearch:
    """Reads for the details of a cycle, entry or slot. Raises RecordsError when the store fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_cycle(self, number: int) -> CycleDetails | None:
        """Everything about the cycle; None when there is no such cycle."""
        async with self._database.read() as connection:
            row = (await connection.execute(_CYCLE, {"number": number})).one_or_none()
            if row is None:
                return None
            cycle = cycle_of(row)
            happened = tuple(event_of(e) for e in await connection.execute(_EVENTS, {"number": number}))
            made = await connection.execute(_SUGGESTIONS, {"number": number})
            found = tuple(SuggestionRecord(**one) for one in made.mappings())
            kept = await read_entries(connection, _ENTRIES, {"number": number})
            return CycleDetails(
                cycle=cycle,
                told=(await told_of(connection, [cycle]))[number],
                events=happened,
                suggestions=found,
                dry_runs=await _dry_runs(connection, [s.id for s in found]),
                entries=tuple([await _entry_details(connection, entry) for entry in kept]),
                commands=await _commands(connection, cycle, kept),
            )

    async def of_entry(self, entry_id: str) -> EntryDetails | None:
        """Everything about the entry with our id; None when there is no such entry."""
        async with self._database.read() as connection:
            entry = await read_entry(connection, entry_id)
            return None if entry is None else await _entry_details(connection, entry)

    async def began_within(self, since: datetime, until: datetime) -> tuple[int, ...]:
        """The numbers of the cycles that began at `since` or later and before `until`, earliest first."""
        async with self._database.read() as connection:
            rows = await connection.execute(_BEGAN, {"since": since, "until": until})
            return tuple(rows.scalars())

    async def around(self, slot: datetime) -> SlotSurroundings:
        """The circumstances of the slot, apart from cycles."""
        async with self._database.read() as connection:
            last = await connection.execute(_LAST_SWITCH, {"until": slot})
            older = await command_records(connection, last.scalars().all())
            given = await connection.execute(_COMMANDS_WITHIN, {"since": slot - LOOK_BACK, "until": slot})
            recent = await command_records(connection, given.scalars().all())
            happened = await connection.execute(_AROUND, {"since": slot - LOOK_BACK, "until": slot + LOOK_ON})
            opened = await connection.execute(_BREAKERS_AT, {"at": slot})
            return SlotSurroundings(
                commands=(*(one for one in older if one not in recent), *recent),
                events=tuple(event_of(row) for row in happened),
                breakers=tuple((row.opened_at, row.why) for row in opened),
            )


async def _entry_details(connection: AsyncConnection, entry: Entry) -> EntryDetails:
    return EntryDetails(entry, await read_changes(connection, entry.id), await read_evidence(connection, entry.id))


async def _dry_runs(connection: AsyncConnection, ids: list[str]) -> dict[str, DryRunAnswer]:
    if not ids:
        return {}
    return {
        row.suggestion_id: DryRunAnswer(row.buying_power_change, row.new_buying_power, row.fees, tuple(row.warnings))
        for row in await connection.execute(_DRY_RUNS, {"ids": ids})
    }


async def _commands(
    connection: AsyncConnection, cycle: CycleRecord, kept: tuple[Entry, ...]
) -> tuple[CommandRecord, ...]:
    named = [entry.id for entry in kept] + [entry.order_id for entry in kept if entry.order_id is not None]
    rows = await connection.execute(
        _COMMANDS,
        {
            "since": cycle.began_at - ASKED_BEFORE,
            "until": cycle.ended_at or cycle.began_at + ASKED_BEFORE,
            "targets": named,
        },
    )
    return await command_records(connection, rows.scalars().all())
