"""What an operator can ask while no trader runs: done at once, under the trader's own lock (SPEC 9, 10)."""

from __future__ import annotations

from core.commands.inbox import CommandDesk
from core.commands.local_handlers import LocalHandlers
from core.domain.operation.commands import Command, CommandKind
from core.guards.breakers import Breakers
from core.records.records import CommandRecord, Records
from core.runtime.bus import Bus
from core.runtime.clock import Clock

POSSIBLE = frozenset(
    {
        CommandKind.PAUSE,
        CommandKind.HALT,
        CommandKind.RESET,
        CommandKind.ALLOW_REENTRY,
        CommandKind.ACKNOWLEDGE,
        CommandKind.SET_ACCOUNT,
    }
)
"""What stops entries, or what the next start acts on: it reconciles before any entry, whatever was said. And what
concerns no broker, or is only kept for the next cycle."""


async def carry_out_without_engine(records: Records, command: Command, clock: Clock) -> CommandRecord:
    """Posts the command, carries it out and returns its record. The caller has the data folder's lock and opened the
    records as their trader. Raises KeyError for a kind that is not in POSSIBLE, RecordsError."""
    bus = Bus(records.journal.append, clock)
    breakers = Breakers(records, bus, clock)
    await breakers.load()
    desk = CommandDesk(records, bus, clock, LocalHandlers(records, breakers, clock, running=False).handlers)
    await records.inbox.post(command)
    await desk.carry_out(command)
    record = await records.inbox.get(command.id)
    if record is None:
        raise RuntimeError(f"command {command.id} was posted and is not there")
    return record
