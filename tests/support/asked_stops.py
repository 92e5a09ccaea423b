"""Stops as keys and shells ask for them, and what bars an account then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from core.domain.operation.commands import Command, CommandKind
from core.domain.operation.reasons import Reason
from core.guards.stop_files import StopFiles
from core.records.records import RecordsError
from tests.support.world import ACCOUNT, LOGIN, World

IN_THE_CYCLE = "09:45:01"
"""The cycle of 09:45 has passed its guards then, and has sent nothing."""


@dataclass(frozen=True)
class Asked:
    """A stop, and what bars the account from then on."""

    kind: CommandKind
    reason: Reason
    target: str = ""
    note: str = ""

    def __str__(self) -> str:
        return self.note.split()[0] if self.note else self.kind.value


_processes: set[asyncio.Future[None]] = set()
"""The shells that still run."""
STOPS = (
    Asked(CommandKind.PAUSE, Reason.PAUSED),
    Asked(CommandKind.HALT, Reason.HALTED),
    Asked(CommandKind.SET_ACCOUNT, Reason.SKIP_TODAY, "0001", "skip today"),
    Asked(CommandKind.SET_ACCOUNT, Reason.ACCOUNT_DISABLED, "…0001", "automation off"),
)


def command_of(world: World, asked: Asked) -> Command:
    return Command(world.ids.new(), asked.kind, "anna", world.clock.now(), None, asked.target, asked.note)


Ask = Callable[[World, Asked], str]


def from_a_key(world: World, asked: Asked) -> str:
    command = command_of(world, asked)
    world.engine.accept(command)
    return command.id


def from_a_shell(world: World, asked: Asked) -> str:
    """What `senex pause` does: its file is there before its row, and its process does not wait for the engine."""
    command = command_of(world, asked)
    StopFiles(world.stops_folder).write(command)
    _processes.add(process := asyncio.ensure_future(post_from_elsewhere(world, command)))
    process.add_done_callback(_processes.discard)
    return command.id


async def post_from_elsewhere(world: World, command: Command) -> None:
    records = await world.open_records(trader=False)
    try:
        with suppress(RecordsError):
            await records.inbox.post(command)
    finally:
        await records.close()
    world.engine.commands.check()


def bar(world: World) -> Reason | None:
    barred = world.engine.gate.account_refusal(ACCOUNT, LOGIN)
    return None if barred is None else barred.reason


def bars(world: World) -> set[Reason]:
    """All that bars the account, also what comes after a start's reconciliation."""
    gate = world.engine.gate
    barred = [*gate.account_refusals(ACCOUNT, LOGIN), gate.switched_off(ACCOUNT)]
    return {one.reason for one in barred if one is not None}


async def recorded(world: World) -> Reason | None:
    """What the records themselves bar the account by."""
    state = (await world.records.trading.read()).state
    if state != "active":
        return Reason.HALTED if state == "halted" else Reason.PAUSED
    [account] = await world.records.accounts.all()
    if not account.enabled:
        return Reason.ACCOUNT_DISABLED
    return Reason.SKIP_TODAY if account.skip_day == world.day else None
