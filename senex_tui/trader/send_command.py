"""Sends one command from another shell, through the inbox, and waits for its answer (rules 10)."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

from core.domain.operation.commands import COMMAND_LIFETIME_S, Command, CommandKind, CommandState
from core.runtime.clock import SystemClock
from core.runtime.clock_file import noted_clock
from core.runtime.ids import RandomIds
from senex_tui.support.report import Answer
from senex_tui.trader.place import Place, with_records

if TYPE_CHECKING:
    from core.records.records import CommandRecord, Records

WAIT_S = 10.0
_LOOK_EVERY_S = 0.1
DONE, REFUSED, EXPIRED, NO_ANSWER, NO_CONSOLE = 0, 3, 4, 5, 6
_EXIT_CODES = {CommandState.DONE: DONE, CommandState.REFUSED: REFUSED, CommandState.EXPIRED: EXPIRED}


async def send(place: Place, kind: CommandKind, *, target: str = "", note: str = "", wait_s: float = WAIT_S) -> Answer:
    """Sends the command to the console that trades there and waits `wait_s` wall seconds at most for its answer.

    When no console runs, pause, halt, reset, allow-reentry and an account's settings are carried out here, under the
    trader's own lock; any other command is answered with NO_CONSOLE. Raises Refused when there are no records yet,
    RecordsError.
    """
    from core.commands.offline import POSSIBLE

    place.need_records()
    clock = noted_clock(place.records_file.parent)
    command = Command(RandomIds().new(), kind, f"{getpass.getuser()} at a shell", clock.now(), target=target, note=note)
    if kind in POSSIBLE:
        record = await _done_here(place, command)
        if record is not None:
            return answer_of(record)
    elif await place.holder() is None:
        return Answer(NO_CONSOLE, f"no console is running in {place.mode.value} mode; `senex {kind.value}` needs one.")
    return await with_records(place, lambda records: _posted(records, place, command, wait_s))


async def _done_here(place: Place, command: Command) -> CommandRecord | None:
    """Carries the command out under the trader's own lock; None when a trader has the lock and must do it itself."""
    from core.commands.offline import carry_out_without_engine
    from core.locks.folder_lock import LockRefused
    from core.records.records import Records
    from senex_tui.trader.locks import take_locks, this_trader

    try:
        lock = await take_locks(place, "no broker is asked")
    except LockRefused:
        return None
    try:
        records = await Records.open(place.url, holder=this_trader(place).to_text(), session=lock.session)
        try:
            return await carry_out_without_engine(records, command, noted_clock(place.records_file.parent))
        finally:
            await records.close()
    finally:
        lock.release()


async def _posted(records: Records, place: Place, command: Command, wait_s: float) -> Answer:
    await records.inbox.post(command)
    wall = SystemClock()
    until = wall.monotonic() + wait_s
    while wall.monotonic() < until:
        record = await records.inbox.get(command.id)
        if record is not None and record.state is not CommandState.PENDING:
            return answer_of(record)
        await wall.sleep(_LOOK_EVERY_S)
    text = (
        f"{command.kind.words}: posted, and not answered within {wait_s:g} s; "
        f"the console still may do it until it is {COMMAND_LIFETIME_S:g} s old."
    )
    if command.kind in (CommandKind.PAUSE, CommandKind.HALT):
        text += f" To stop entries whatever it does, create the file {place.halt_file}."
    return Answer(NO_ANSWER, text, command.id)


def answer_of(record: CommandRecord) -> Answer:
    """The answer of a command that is done, refused or expired."""
    word = "" if record.state is CommandState.DONE else f" {record.state.value}"
    return Answer(_EXIT_CODES[record.state], f"{record.command.kind.words}{word}: {record.text}", record.command.id)
