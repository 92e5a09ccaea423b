"""A stop that is not in the records is kept in a file beside them, and outlives its process (rules 9, 10)."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from core.domain.operation.commands import Command, CommandKind, CommandState
from core.domain.operation.reasons import Reason
from core.guards.stop_files import StopFiles
from tests.support.asked_stops import (
    IN_THE_CYCLE,
    STOPS,
    Asked,
    bar,
    bars,
    command_of,
    from_a_key,
    recorded,
)
from tests.support.sqlite_on_the_loop import Disk
from tests.support.world import LOGIN, MONDAY, World, account, et, in_world


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
        held = await world.records.exit_switch.held("5WT00001")
        assert held is not None, "it may have been a hold"
        assert held.why == f"{file} cannot be read"
        assert (await world.command(CommandKind.RESUME)).state is CommandState.DONE
        assert world.engine.exits.exit_gate.held("5WT00001") is not None
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


def test_one_picture_of_the_screen_reads_the_folder_of_the_stops_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many accounts there are. Whoever decides about an entry reads it anew."""
    accounts = tuple(account(f"5WT0000{number}") for number in range(1, 5))

    async def day(world: World) -> None:
        await world.start()
        await world.clock.sleep(5.0)
        looked: list[Path] = []
        kept = StopFiles.kept
        monkeypatch.setattr(StopFiles, "kept", lambda files: (looked.append(files.folder), kept(files))[1])
        world.engine.builder.refresh()
        assert len(looked) == 1
        assert world.engine.gate.account_refusal("5WT00001", LOGIN) is None
        assert len(looked) > 1
        world.stops_folder.mkdir(exist_ok=True)
        StopFiles(world.stops_folder).write(command_of(world, STOPS[0]))
        assert world.engine.gate.account_refusal("5WT00001", LOGIN) is not None, "a stop of this moment"
        await world.stop()

    in_world(day, tmp_path, start=et(MONDAY, "09:30"), accounts=accounts)


def test_a_command_that_waits_for_the_records_is_named_as_people_name_it(tmp_path: Path) -> None:
    store = Disk()

    async def day(world: World) -> None:
        await world.start()
        at = world.clock.now()
        await world.records.inbox.post(
            Command(world.ids.new(), CommandKind.SET_ACCOUNT, "ana", at, None, "5WT00001", "skip today")
        )
        store.full = True
        world.engine.commands.check()
        await world.clock.sleep(3.0)
        snapshot = world.snapshot()
        told = [message.text for message in snapshot.messages]
        assert any(text.startswith("set account") for text in told), told
        assert not any("set_account" in text for text in told)
        store.full = False
        await world.stop()

    in_world(day, tmp_path, disk=store)
