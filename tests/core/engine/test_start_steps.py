"""The seconds of a start are told as steps, and a start that fails says at which (rules 13)."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from pathlib import Path

from core.domain.operation.commands import CommandKind
from core.engine.engine import Engine
from core.engine.host import EngineHost
from core.engine.start_progress import FEED, LONGEST_S, RECONCILE, StartProgress
from core.records.records import Records
from core.records.store.errors import RecordsError
from core.runtime.ids import RandomIds
from core.simulator.exchange.faults import FaultKind
from core.snapshot import EngineState, Mode, StartState, StartStep
from tests.support.world import World, in_world

ORDER = ["setup", "broker", "records", "login", "accounts", "market", "feed", "reconcile"]


def running(steps: tuple[StartStep, ...]) -> list[str]:
    return [step.name for step in steps if step.state is StartState.NOW]


def test_each_step_is_told_while_it_runs_and_none_once_the_start_is_over(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_DELAY_BEFORE, path="/customers/me/accounts", seconds=4)
        world.broker.arm(FaultKind.REST_DELAY_BEFORE, path="/market-time", seconds=4, count=10)
        starting = asyncio.create_task(world.start())
        seen: list[str] = []
        steps: tuple[StartStep, ...] = ()
        while not starting.done():
            await world.clock.sleep(0.25)
            with suppress(RuntimeError):  # its records are not open yet
                steps = world.engine.starting.steps()
            assert [step.name for step in steps] in ([], ORDER)
            seen += [name for name in running(steps) if name not in seen]
        assert seen == [name for name in ORDER if name in seen], "in their order"
        assert "login" in seen
        await world.engine.gate.until_reconciled(60)
        await world.clock.sleep(10)
        snapshot = world.snapshot()
        assert snapshot.status.start == ()
        await world.stop()

    in_world(day, tmp_path)


def test_a_start_that_only_waits_for_the_feed_is_over_after_a_minute(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        progress = StartProgress(world.clock)
        progress.begin(FEED, RECONCILE)
        await world.clock.sleep(2)
        progress.done(RECONCILE)
        assert running(progress.steps()) == ["feed"]
        await world.clock.sleep(LONGEST_S - 2)
        (feed,) = (step for step in progress.steps() if step.name == "feed")
        assert (feed.state, feed.seconds) == (StartState.NOW, int(LONGEST_S))
        await world.clock.sleep(1)
        assert progress.steps() == ()

    in_world(day, tmp_path)


def nobody_answers(host: EngineHost) -> str:
    """Why there is nobody to ask, which a command is told too."""

    async def question(_: Records) -> None:
        return None

    why = str(host.look_up(question).exception(1))
    host.send(CommandKind.RECONCILE)
    assert host.snapshot().commands[-1].text == f"{why}; nothing was done"
    return why


def test_a_host_tells_the_step_that_failed_and_keeps_saying_so() -> None:
    let_go = threading.Event()

    async def open_engine() -> Engine:
        await asyncio.to_thread(let_go.wait, 10)
        raise RecordsError("the records cannot be opened")

    host = EngineHost(open_engine, Mode.DEMO, "tester", RandomIds(), str)
    assert {step.state for step in host.snapshot().status.start} == {StartState.TODO}
    host.start()
    while not running(host.snapshot().status.start):
        threading.Event().wait(0.01)
    assert running(host.snapshot().status.start) == ["setup"]
    assert nobody_answers(host) == "the engine is starting"
    let_go.set()
    while host.running:
        threading.Event().wait(0.01)
    status = host.snapshot().status
    assert (status.engine, status.failure) == (EngineState.FAILED, "the records cannot be opened")
    assert (status.start[0].state, status.start[0].detail) == (StartState.FAILED, "the records cannot be opened")
    assert host.snapshot().status == status
    assert nobody_answers(host) == "the engine is not running"
