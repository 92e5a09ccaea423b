"""A stop bars entries from the moment it is asked, wherever it comes from and whatever the records do (rules 9, 10)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.commands.inbox import Done
from core.domain.operation.commands import Command, CommandKind, CommandState
from core.domain.operation.reasons import Reason
from core.snapshot import Automation
from tests.support.asked_stops import (
    IN_THE_CYCLE,
    STOPS,
    Ask,
    Asked,
    bar,
    command_of,
    from_a_key,
    from_a_shell,
    post_from_elsewhere,
    recorded,
)
from tests.support.sqlite_on_the_loop import Disk
from tests.support.world import World, in_world


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
