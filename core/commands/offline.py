"""Commands while no trader runs: carried out at once, under the lock a trader would hold (rules 9, 10)."""

from __future__ import annotations

from core.commands.inbox import CommandDesk
from core.commands.local_handlers import LocalHandlers
from core.domain.operation.commands import Command, CommandKind
from core.domain.positions.attest_words import is_about_positions
from core.domain.positions.trident_commands import cancels_exits
from core.guards.breakers import Breakers
from core.guards.stops import Stops
from core.records.records import CommandRecord, Records
from core.runtime.bus import Bus
from core.runtime.clock import Clock

_POSSIBLE = frozenset(
    {
        CommandKind.PAUSE,
        CommandKind.HALT,
        CommandKind.RESET,
        CommandKind.ALLOW_REENTRY,
        CommandKind.ACKNOWLEDGE,
        CommandKind.SET_ACCOUNT,
    }
)
"""Commands that stop entries, that the next start acts on (it reconciles before any entry), that concern no
broker, or that are only kept for the next cycle."""


def is_possible(command: Command) -> bool:
    """Whether the command can be carried out while no trader runs. Of attestations those are that need no broker, of
    exits all but their cancel."""
    if command.kind is CommandKind.EXITS:
        return not cancels_exits(command.note)
    return command.kind in _POSSIBLE or (command.kind is CommandKind.ATTEST and is_about_positions(command.note))


async def carry_out_without_engine(
    records: Records, command: Command, clock: Clock, stops: Stops, *, live: bool
) -> CommandRecord:
    """Posts the command, carries it out and returns its record; a stop's file is removed once it is recorded. The
    caller holds the lock of the data folder and has opened the records as their trader. `live`: they are those of real
    money.

    Raises RecordsError, and KeyError for a kind that is never possible.
    """
    bus = Bus(records.journal.append, clock)
    breakers = Breakers(records, bus, clock)
    await breakers.load()
    handlers = LocalHandlers(records, breakers, clock, running=False, live=live).handlers
    desk = CommandDesk(records, bus, clock, handlers, stops)
    await records.inbox.post(command)
    await desk.carry_out(command)
    record = await records.inbox.get(command.id)
    if record is None:
        raise RuntimeError(f"command {command.id} was posted and is not there")
    return record
