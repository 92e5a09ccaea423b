"""A stop bars entries from the moment it is asked, wherever it comes from and whatever the records do (rules 9, 10)."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.commands.inbox import Done
from core.domain.operation.commands import Command, CommandKind, CommandState
from core.domain.operation.reasons import Reason
from core.guards.stop_files import StopFiles
from core.records.records import RecordsError
from core.records.search.history import HistoryFilter, HistoryKind
from core.snapshot import Automation
from tests.support.sqlite_on_the_loop import Disk
from tests.support.world import ACCOUNT, LOGIN, MONDAY, World, et, in_world

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


@pytest.mark.parametrize("disk", ["fine", "slow", "full"])
@pytest.mark.parametrize("asks", [from_a_key, from_a_shell])
@pytest.mark.parametrize("asked", STOPS, ids=str)
def test_nothing_leaves_once_a_stop_is_asked(tmp_path: Path, asked: Asked, asks: Ask, disk: str) -> None:
    store = Disk()

    async def day(world: World) -> None:
        await world.start()
        await world.until(IN_THE_CYCLE)
        store.full, store.slow_s = disk == "full", 70.0 if disk == "slow" else 0.0
        asks(world, asked)
        assert bar(world) is asked.reason, "it bars before anything is awaited"
        if asked.kind is not CommandKind.SET_ACCOUNT:
            shown = Automation.HALTED if asked.kind is CommandKind.HALT else Automation.PAUSED
            assert world.engine.gate.automation is shown
            assert world.engine.gate.automation_detail.count("anna") == 1
        await world.clock.sleep(90.0)
        assert bar(world) in (asked.reason, Reason.BREAKER_OPEN)
        store.full, store.slow_s = False, 0.0
        await world.until("09:59")
        assert await recorded(world) is asked.reason
        await world.until("10:01")
        assert world.broker.posted == []
        assert [file.name for file in world.stops_folder.glob("*")] == []
        assert not world.engine.gate.stopped_here
        await world.stop()

    in_world(day, tmp_path, disk=store)


# Rows that are no commands

BAD_ROWS = {
    "of a newer version": {"kind": "hold"},
    "with a zero byte": {"kind": "for\0ce"},
    "without an instant": {"kind": "force", "at": "yesterday"},
    "with an instant without a zone": {"kind": "force", "at": "2026-03-02T14:44:30"},
    "whose sender is no text": {"kind": "force", "who": "CAST(X'61ff' AS TEXT)"},
    "whose target is bytes": {"kind": "cancel", "target": "X'00ff'"},
    "whose id is bytes": {"kind": "force", "id": "X'00ff'"},
    "with a word for a number": {"kind": "force", "saw_cycle": "three"},
    "whose setting stops nothing": {"kind": "set_account", "note": "width 5", "at": ""},
}
BAD_STOPS = {
    "a pause without an instant": ({"kind": "pause", "at": "yesterday"}, Reason.PAUSED),
    "a pause of a sender who is no text": ({"kind": "pause", "who": "CAST(X'ff' AS TEXT)"}, Reason.PAUSED),
    "a halt with bytes for a reason": ({"kind": "halt", "note": "X'ff'"}, Reason.HALTED),
    "a skip without an instant": ({"kind": "set_account", "note": "skip today", "at": "0"}, Reason.PAUSED),
    "a setting that cannot be read": ({"kind": "set_account", "note": "CAST(X'ff' AS TEXT)"}, Reason.PAUSED),
}


def insert(world: World, **columns: str) -> int:
    """Writes a row as another program would; a value that begins with X' or CAST is SQL. Returns its number."""
    row = {"id": world.ids.new(), "who": "mallory", "at": "2026-03-02T14:44:30.000000Z", "target": "", "note": ""}
    row |= {"state": "pending", "text": ""} | columns
    literals = [value if value.startswith(("X'", "CAST")) else "?" for value in row.values()]
    values = [value for value in row.values() if not value.startswith(("X'", "CAST"))]
    with closing(sqlite3.connect(world.records_file)) as aside, aside:
        cursor = aside.execute(f"INSERT INTO commands ({', '.join(row)}) VALUES ({', '.join(literals)})", values)
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def answers(world: World) -> dict[int, tuple[str, str]]:
    with closing(sqlite3.connect(world.records_file)) as aside:
        return {seq: (state, text) for seq, state, text in aside.execute("SELECT seq, state, text FROM commands")}


@pytest.mark.parametrize("row", BAD_ROWS)
@pytest.mark.parametrize("asked", STOPS, ids=str)
def test_a_row_that_cannot_be_read_is_refused_alone(tmp_path: Path, row: str, asked: Asked) -> None:
    async def day(world: World) -> None:
        await world.start()
        before = insert(world, **BAD_ROWS[row])
        world.engine.accept(command_of(world, asked))
        after = insert(world, **BAD_ROWS[row] | ({"id": "X'01ff'"} if "id" in BAD_ROWS[row] else {}))
        world.engine.commands.check()
        await world.clock.sleep(2.0)
        assert bar(world) is asked.reason
        assert await recorded(world) is asked.reason
        told = answers(world)
        assert {told.pop(before)[0], told.pop(after)[0]} == {"refused"}
        assert [state for state, _ in told.values()] == ["done"]
        said = [e.text for e in await world.records.journal.newest(50) if e.kind == "command.unreadable.refused"]
        assert len(said) == 2
        assert all("nothing was done" in text for text in said)
        if BAD_ROWS[row] == {"kind": "hold"}:
            assert 'this version cannot do "hold": a newer senex posted it; nothing was done' in said[0]
        await world.until("10:01")
        assert world.broker.posted == []
        kinds = {record.command.kind for record in await world.records.inbox.newest(9)}
        assert asked.kind in kinds
        page = await world.records.history.page(HistoryKind.COMMANDS, HistoryFilter(), 9)
        assert len(page) == 3, "the history shows every row"
        await world.stop()

    in_world(day, tmp_path)


@pytest.mark.parametrize("row", BAD_STOPS)
def test_a_stop_whose_row_cannot_be_read_stops_all(tmp_path: Path, row: str) -> None:
    columns, reason = BAD_STOPS[row]

    async def day(world: World) -> None:
        await world.start()
        number = insert(world, **columns)
        world.engine.commands.check()
        await world.clock.sleep(2.0)
        assert bar(world) is reason
        assert await recorded(world) is reason
        state, text = answers(world)[number]
        assert (state, "taken as a" in text) == ("done", True), text
        if reason is Reason.PAUSED:
            assert (await world.command(CommandKind.RESUME)).state is CommandState.DONE
            assert bar(world) is None
        await world.stop()

    in_world(day, tmp_path)


# Commands that fail


def test_a_command_that_hangs_hides_no_stop(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        never = asyncio.get_running_loop().create_future()

        async def hang(_: Command) -> Done:
            await never
            return Done("")

        world.engine.commands.handlers = {**world.engine.commands.handlers, CommandKind.RECONCILE: hang}
        world.engine.accept(command_of(world, Asked(CommandKind.RECONCILE, Reason.PAUSED)))
        await world.until(IN_THE_CYCLE)
        await post_from_elsewhere(world, command_of(world, STOPS[0]))
        await world.clock.sleep(0.5)
        assert bar(world) is Reason.PAUSED
        await world.until("10:01")
        assert world.broker.posted == []
        never.set_result(None)
        await world.clock.sleep(1.0)
        assert await recorded(world) is Reason.PAUSED
        await world.stop()

    in_world(day, tmp_path)


def test_a_command_that_fails_is_refused_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def day(world: World) -> None:
        await world.start()

        async def fail(_: Command) -> Done:
            raise ZeroDivisionError

        world.engine.commands.handlers = {**world.engine.commands.handlers, CommandKind.RECONCILE: fail}
        refused = await world.answer(CommandKind.RECONCILE)
        assert refused.startswith("refused: it failed: ")
        assert (await world.command(CommandKind.PAUSE)).state is CommandState.DONE
        await world.stop()

    in_world(day, tmp_path)
    assert "a command failed" in caplog.text


def test_a_stop_whose_handler_fails_stays_in_force(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()

        async def fail(_: Command) -> Done:
            raise ZeroDivisionError

        world.engine.commands.handlers = {**world.engine.commands.handlers, CommandKind.PAUSE: fail}
        from_a_shell(world, STOPS[0])
        await world.until("10:01")
        assert (bar(world), world.broker.posted) == (Reason.PAUSED, [])
        await world.stop()

    in_world(day, tmp_path)


# Resuming


def test_a_resume_asked_before_a_pause_does_not_lift_it(tmp_path: Path) -> None:
    store = Disk()

    async def day(world: World) -> None:
        await world.start()
        store.slow_s = 20.0
        world.engine.accept(command_of(world, Asked(CommandKind.RESUME, Reason.PAUSED)))
        await world.clock.sleep(0.5)
        world.engine.accept(command_of(world, STOPS[0]))
        for _ in range(200):
            await world.clock.sleep(1.0)
            assert bar(world) is Reason.PAUSED
        store.slow_s = 0.0
        await world.until("10:01")
        assert (await recorded(world), world.broker.posted) == (Reason.PAUSED, [])
        await world.stop()

    in_world(day, tmp_path, disk=store)


def test_a_resume_asked_after_a_pause_lifts_it_also_when_it_is_recorded_first(tmp_path: Path) -> None:
    store = Disk()

    async def day(world: World) -> None:
        await world.start()
        await world.clock.sleep(5.0)
        store.full = True
        paused = from_a_key(world, STOPS[0])
        await world.clock.sleep(0.3)
        store.full = False
        assert (await world.command(CommandKind.RESUME)).state is CommandState.DONE
        assert bar(world) is None
        await world.clock.sleep(3.0)
        answer = await world.records.inbox.get(paused)
        assert answer is not None
        assert (answer.state, answer.text) == (CommandState.REFUSED, "automation was resumed after it was asked")
        assert await recorded(world) is None
        await world.stop()

    in_world(day, tmp_path, disk=store)


def test_nothing_reopens_entries_while_the_console_ends(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        engine = await world.start()
        await world.until(IN_THE_CYCLE)
        engine.stop()
        world.engine.accept(command_of(world, Asked(CommandKind.RESUME, Reason.PAUSED)))
        await world.ended()
        assert world.broker.posted == []

    in_world(day, tmp_path)


# Files


@pytest.mark.parametrize("asked", STOPS, ids=str)
def test_a_stop_survives_the_process_that_could_not_record_it(tmp_path: Path, asked: Asked) -> None:
    store = Disk()

    async def day(world: World) -> None:
        await world.start()
        store.full = True
        from_a_key(world, asked)
        await world.clock.sleep(0.5)
        await world.crash()
        store.full = False
        await world.start()
        assert asked.reason in bars(world), "it bars before the first slot can come"
        await world.clock.sleep(3.0)
        assert await recorded(world) is asked.reason
        await world.until("10:01")
        assert world.broker.posted == []
        await world.stop()

    in_world(day, tmp_path, disk=store)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("commit", [1, 2, 3, 4])
@pytest.mark.parametrize("asked", STOPS, ids=str)
def test_a_stop_of_a_shell_survives_a_kill_at_every_commit(
    tmp_path: Path, asked: Asked, commit: int, after: bool
) -> None:
    store = Disk()

    async def day(world: World) -> None:
        await world.start()
        await world.clock.sleep(5.0)
        command = command_of(world, asked)
        StopFiles(world.stops_folder).write(command)
        store.die_at_commit, store.die_after = commit, after
        world.engine.commands.check()
        await world.clock.sleep(3.0)
        assert store.gone, "its row, what it asks, its answer and its event are a commit each"
        await world.crash()
        store.gone = False
        await world.start()
        assert asked.reason in bars(world)
        await world.clock.sleep(3.0)
        assert await recorded(world) is asked.reason
        assert [*world.stops_folder.glob("*")] == []
        await world.stop()

    in_world(day, tmp_path, disk=store)


def test_a_stop_asked_while_the_console_starts_is_in_force_when_it_runs(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        engine = await world.build()
        engine.accept(command_of(world, STOPS[0]))
        assert Reason.PAUSED in bars(world)
        world.running = asyncio.create_task(engine.run())
        await engine.ready.wait()
        await world.until("10:01")
        assert (await recorded(world), bar(world), world.broker.posted) == (Reason.PAUSED, Reason.PAUSED, [])
        assert [*world.stops_folder.glob("*")] == []
        await world.stop()

    in_world(day, tmp_path)


def test_a_stop_whose_posting_is_cut_off_by_the_end_is_the_next_consoles(tmp_path: Path) -> None:
    store = Disk()

    async def day(world: World) -> None:
        engine = await world.start()
        store.slow_s = 20.0
        world.engine.accept(command_of(world, Asked(CommandKind.RECONCILE, Reason.PAUSED)))  # has the turn to write
        await world.clock.sleep(0.1)
        posting = asyncio.ensure_future(engine.commands.post(command_of(world, STOPS[0])))
        await world.clock.sleep(0.1)
        posting.cancel()
        store.slow_s = 0.0
        await world.crash()
        await world.start()
        assert Reason.PAUSED in bars(world)
        await world.clock.sleep(3.0)
        assert await recorded(world) is Reason.PAUSED
        await world.stop()

    in_world(day, tmp_path, disk=store)


def test_a_stop_asked_while_the_console_ends_is_the_next_ones(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.stop()
        world.engine.accept(command_of(world, STOPS[0]))
        await world.start()
        assert bar(world) is Reason.PAUSED
        await world.clock.sleep(1.0)
        assert await recorded(world) is Reason.PAUSED
        await world.stop()

    in_world(day, tmp_path)


_WORDS = {"kind": "pause", "who": "a", "at": "2026-03-02T14:44:30+00:00", "target": "", "note": ""}
UNREADABLE_FILES = {
    "half.json": b'{"kind": "pa',
    "list.json": b"[]",
    "bytes.json": b"\xff\xfe",
    "hold.json": json.dumps(_WORDS | {"kind": "hold"}).encode(),
    "zone.json": json.dumps(_WORDS | {"at": "2026-03-02T14:44"}).encode(),
    "number.json": json.dumps(_WORDS | {"note": 5}).encode(),
}


@pytest.mark.parametrize("name", UNREADABLE_FILES)
def test_a_file_that_cannot_be_read_stops_all_until_resumed(tmp_path: Path, name: str) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until(IN_THE_CYCLE)
        world.stops_folder.mkdir()
        file = world.stops_folder / name
        file.write_bytes(UNREADABLE_FILES[name])
        assert bar(world) is Reason.PAUSED
        assert str(file) in world.engine.gate.stopped_here
        await world.until("09:46")
        world.engine.commands.check()
        await world.clock.sleep(2.0)
        state = await world.records.trading.read()
        assert (state.state, file.exists(), world.broker.posted) == ("paused", False, [])
        assert f"{file} cannot be read" in state.why
        assert (await world.command(CommandKind.RESUME)).state is CommandState.DONE
        assert bar(world) is None
        await world.stop()

    in_world(day, tmp_path)


def test_a_folder_that_cannot_be_read_stops_all(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.clock.sleep(5.0)
        world.stops_folder.write_text("no folder")
        assert bar(world) is Reason.PAUSED
        world.stops_folder.unlink()
        assert bar(world) is None
        await world.stop()

    in_world(day, tmp_path, start=et(MONDAY, "09:30"))


def test_a_stop_is_asked_once_though_its_file_outlives_it(tmp_path: Path) -> None:
    """The process died between the answer and the removal of the file."""

    async def day(world: World) -> None:
        await world.start()
        command = command_of(world, STOPS[0])
        world.engine.accept(command)
        await world.clock.sleep(1.0)
        assert (await world.command(CommandKind.RESUME)).state is CommandState.DONE
        await world.crash()
        file = StopFiles(world.stops_folder).write(command)
        await world.start()
        await world.clock.sleep(1.0)
        assert (file.exists(), world.engine.gate.stopped_here, await recorded(world)) == (False, "", None)
        await world.stop()

    in_world(day, tmp_path, start=et(MONDAY, "09:30"))
