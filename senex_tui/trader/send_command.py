"""Sends one command from another shell, through the inbox, and waits for its answer (rules 10)."""

from __future__ import annotations

from contextlib import suppress
from socket import gethostname
from typing import TYPE_CHECKING

from core.domain.operation.commands import COMMAND_LIFETIME_S, Bars, Command, CommandKind, CommandState, stop_of
from core.domain.positions.trident_commands import CANCEL_WAITS_S, cancels_exits
from core.runtime.clock import SystemClock
from core.runtime.clock_file import noted_clock
from core.runtime.ids import RandomIds
from core.runtime.user import system_user
from senex_tui.support.report import Answer
from senex_tui.trader.place import Place, with_records

if TYPE_CHECKING:
    from pathlib import Path

    from core.records.records import CommandRecord, Records

WAIT_S = 10.0
_LOOK_EVERY_S = 0.1
DONE, REFUSED, EXPIRED, NO_ANSWER, NO_CONSOLE = 0, 3, 4, 5, 6
_EXIT_CODES = {CommandState.DONE: DONE, CommandState.REFUSED: REFUSED, CommandState.EXPIRED: EXPIRED}


async def send(place: Place, kind: CommandKind, *, target: str = "", note: str = "", wait_s: float = WAIT_S) -> Answer:
    """Sends the command to the console that trades there and waits `wait_s` wall seconds at most for its answer: longer
    where the console waits for orders on their way.

    When no console runs, pause, halt, reset, allow-reentry, an account's settings, holding exits and what an operator
    attests of what is held are carried out here, under the trader's own lock; any other command is answered with
    NO_CONSOLE. A stop is first kept in a file that a console of this machine obeys at once, so that it holds also while
    the records cannot be written. Raises Refused when there are no records yet, RecordsError.
    """
    place.need_records()
    if kind is CommandKind.EXITS and cancels_exits(note):
        wait_s += CANCEL_WAITS_S
    clock = noted_clock(place.records_file.parent)
    command = Command(RandomIds().new(), kind, f"{system_user()} at a shell", clock.now(), target=target, note=note)
    if stop_of(command) is None:
        return await _sent(place, command, wait_s)
    return await _stopped(place, command, wait_s)


async def _stopped(place: Place, command: Command, wait_s: float) -> Answer:
    from core.guards.stop_files import StopFiles
    from core.records.store.errors import RecordsError

    files = StopFiles(place.stops_folder)
    file: Path | None = None
    with suppress(OSError):  # a full disk, or another user's folder: what remains is the row
        file = files.write(command)
    try:
        answer = await _sent(place, command, wait_s, file)
    except RecordsError as error:
        if file is None or await _sees_no_file(place):
            files.remove(command.id)
            raise
        stopped = f"{_stopped_by(command)} are stopped by {file}"
        if place.database is not None:
            stopped = f"a console on this machine makes no {_stopped_by(command)} while {file} is there"
        text = f"{stopped}; the records could not be written ({error}); the console records it when that is possible."
        return Answer(DONE if place.database is None else NO_ANSWER, text)
    if answer.exit_code != NO_ANSWER or await _sees_no_file(place):
        files.remove(command.id)  # the row is recorded, and says the same
    return answer


async def _sees_no_file(place: Place) -> bool:
    """Whether the console, if one runs, is on another machine, which sees no file of this one. False in doubt."""
    from core.locks.folder_lock import LockRefused
    from core.records.store.errors import RecordsError

    if place.database is None:
        return False
    try:
        holder = await place.holder()
    except (RecordsError, LockRefused):
        return False
    return holder is None or holder.host != gethostname()


async def _sent(place: Place, command: Command, wait_s: float, file: Path | None = None) -> Answer:
    from core.commands.offline import is_possible
    from core.records.store.errors import RecordsError

    if is_possible(command):
        try:
            record = await _done_here(place, command)
        except RecordsError:
            if place.database is None or stop_of(command) is None:
                raise
            return await _left_for_the_next(place, command)
        if record is not None:
            return answer_of(record)
    elif await place.holder() is None:
        what = "exits cancel" if command.kind is CommandKind.EXITS else command.kind.words
        needs = f"{what} needs one"
        return Answer(NO_CONSOLE, f"no console is running in {place.mode.value} mode; {needs}.")
    return await with_records(place, lambda records: _posted(records, place, command, wait_s, file))


async def _done_here(place: Place, command: Command) -> CommandRecord | None:
    """Carries the command out under the trader's own lock; None when a trader has the lock and must do it itself."""
    from core.commands.offline import carry_out_without_engine
    from core.guards.stop_files import StopFiles
    from core.guards.stops import Stops
    from core.locks.folder_lock import LockRefused
    from core.records.records import Records
    from core.snapshot import Mode
    from senex_tui.trader.locks import take_locks, this_trader

    try:
        lock = await take_locks(place, "no broker is asked")
    except LockRefused:
        return None
    try:
        records = await Records.open(place.url, holder=this_trader(place).to_text(), session=lock.session)
        try:
            clock, stops = noted_clock(place.records_file.parent), Stops(StopFiles(place.stops_folder))
            return await carry_out_without_engine(records, command, clock, stops, live=place.mode is Mode.LIVE)
        finally:
            await records.close()
    finally:
        lock.release()


async def _left_for_the_next(place: Place, command: Command) -> Answer:
    """Posts a stop that this database user may not carry out: the next console starts with it (rules 10). Raises
    RecordsError."""
    await with_records(place, lambda records: records.inbox.post(command))
    text = f"{command.kind.words}: recorded; no console is running, and the next one starts with it."
    return Answer(DONE, text, command.id)


async def _posted(records: Records, place: Place, command: Command, wait_s: float, file: Path | None) -> Answer:
    from core.guards.kill_files import halt_all_file

    await records.inbox.post(command)
    wall = SystemClock()
    until = wall.monotonic() + wait_s
    while wall.monotonic() < until:
        record = await records.inbox.get(command.id)
        if record is not None and record.state is not CommandState.PENDING:
            return answer_of(record)
        await wall.sleep(_LOOK_EVERY_S)
    text = f"{command.kind.words}: posted, and not answered within {wait_s:g} s; "
    if stop_of(command) is None:
        text += f"the console still may do it until it is {COMMAND_LIFETIME_S:g} s old."
    elif file is not None and place.database is None:
        one = "exit is sent" if _stopped_by(command) == "exits" else "entry is made"
        text += f"no {one} while the file {file} is there, and the console removes it once it has recorded it."
    else:
        what = _stopped_by(command)
        halts = halt_all_file(place.halt_file) if what == "exits" else place.halt_file
        text += f"the console does it as soon as it can. To stop {what} at once, create the file {halts}."
    return Answer(NO_ANSWER, text, command.id)


def _stopped_by(command: Command) -> str:
    """What the stop stops, in a word."""
    stop = stop_of(command)
    return "exits" if stop is not None and stop.bars is Bars.EXITS else "entries"


def answer_of(record: CommandRecord) -> Answer:
    """The answer of a command that is done, refused or expired."""
    word = "" if record.state is CommandState.DONE else f" {record.state.value}"
    return Answer(_EXIT_CODES[record.state], f"{record.command.kind.words}{word}: {record.text}", record.command.id)
