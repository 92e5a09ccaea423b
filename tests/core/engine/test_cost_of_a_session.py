"""What a session that nobody watches costs the engine, in what can be counted: seconds would depend on the machine."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine.default import DefaultDialect

from core.runtime.intervals import Intervals
from core.simulator.in_process.attention import unwatched_s
from tests.support.sqlite_on_the_loop import Disk
from tests.support.world import World, account, calendar_around, in_world

STATEMENTS, COMMITS, CALLBACKS = 800, 170, 7000
"""The most of each in a lived session, its night included. It was 861, 170 and 8,600 before these were counted."""
LEAD_S = 6.0


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    found: Counter[str] = Counter()
    execute, run, call = DefaultDialect.do_execute, Disk.run, asyncio.Handle._run

    def statement(dialect: DefaultDialect, *given: object) -> object:
        found["statements"] += 1
        return execute(dialect, *given)  # type: ignore[arg-type]

    def on_disk(disk: Disk, function: object, sql: str) -> object:
        found["commits"] += sql == "COMMIT"
        return run(disk, function, sql)  # type: ignore[arg-type]

    def callback(handle: asyncio.Handle) -> None:
        found["callbacks"] += 1
        call(handle)

    monkeypatch.setattr(DefaultDialect, "do_execute", statement)
    monkeypatch.setattr(Disk, "run", on_disk)
    monkeypatch.setattr(asyncio.Handle, "_run", callback)
    return found


def test_a_lived_session_costs_no_more_than_it_must(tmp_path: Path, counted: Counter[str]) -> None:
    sessions: list[Counter[str]] = []

    async def two_sessions(world: World) -> None:
        world.intervals = Intervals.for_lived_days()
        feed = world.broker.market_data
        feed.idle_s, feed.closed_s, world.broker.alerts.max_wait_s = 2.0, 3600.0, 3600.0
        feed.unwatched_s = lambda: _unwatched_s(world)
        await world.start()
        day = world.day
        for _ in range(2):
            before = counted.copy()
            following = calendar_around(day.year).next_after(day)
            await world.clock.sleep((following.open - timedelta(minutes=5) - world.clock.now()).total_seconds())
            sessions.append(counted - before)
            (entry,) = await world.records.entries.of_day(day)
            assert entry.fills, "a session with an entry that filled"
            day = following.day
        await world.stop()

    in_world(two_sessions, tmp_path, accounts=[account(cash="100000")])
    for session in sessions:
        assert session["statements"] <= STATEMENTS, session
        assert session["commits"] <= COMMITS, session
        assert session["callbacks"] <= CALLBACKS, session
        assert session["commits"] > 100, "it counts"


def _unwatched_s(world: World) -> float:
    return unwatched_s(world.clock.now(), watched=world.engine.runner.in_cycle, lead_s=LEAD_S)
