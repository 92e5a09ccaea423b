"""The rows of health of a running engine: what is well, what is not, since when, and what ends it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import CommandKind
from core.engine.health_rows import COUNT_EVERY_S, exits_row
from core.simulator.exchange.faults import FaultKind
from core.snapshot import ExitsView
from core.snapshot.health import Finding, HealthRow
from core.views.exits import BLOCKED, HELD, ON
from tests.support.world import World, in_world

NAMES = [
    "broker", "login", "clock", "feed", "alerts", "reconcile", "entries", "records", "positions", "exits", "breakers",
    "mail", "phone", "redis", "ping",
]  # fmt: skip


def rows(world: World) -> dict[str, HealthRow]:
    """The rows now, by name."""
    snapshot = world.snapshot()
    assert all(row.todo for row in snapshot.health if row.finding in (Finding.WARN, Finding.FAIL))
    return {row.name: row for row in snapshot.health}


def test_each_part_has_a_row_with_since_when(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        started = world.clock.now()
        await world.engine.gate.until_reconciled(60)
        await world.clock.sleep(2 * COUNT_EVERY_S)
        found = rows(world)
        assert list(found) == NAMES
        assert {row.finding for row in found.values()} == {Finding.OK, Finding.SKIP}
        assert found["broker"].found == "answers; market open"
        assert found["feed"].found.endswith(" events a second")
        assert not found["feed"].found.startswith("0 symbols")
        assert found["reconcile"].found.startswith("reconciled with the broker (")
        assert found["login"].found == "main: the broker takes its token"
        assert found["positions"].found == "0 tridents open, as the broker holds them"
        assert [name for name, row in found.items() if row.finding is Finding.SKIP] == [
            "clock", "exits", "mail", "phone", "redis", "ping",
        ]  # fmt: skip
        for row in found.values():
            assert row.since is not None
            assert started - timedelta(seconds=60) <= row.since <= world.clock.now()
        await world.stop()

    in_world(day, tmp_path)


def test_what_is_in_trouble_says_so_until_it_is_over(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.market_data.idle_s = 1.0
        await world.start()
        await world.engine.gate.until_reconciled(60)
        await world.clock.sleep(30)
        before = rows(world)
        world.broker.arm(FaultKind.DXLINK_SILENCE, seconds=60)
        await world.clock.sleep(20)
        assert (rows(world)["feed"].finding, rows(world)["feed"].found) == (Finding.WARN, "silent")
        await world.clock.sleep(30)
        silent = rows(world)["feed"]
        assert (silent.finding, silent.todo) == (Finding.FAIL, BreakerKind.FEED.reset)
        assert "breakers" not in rows(world), "it is open, and told in the row of the feed"
        assert silent.since is not None
        assert before["feed"].since is not None
        assert silent.since > before["feed"].since
        await world.clock.sleep(60)
        over = rows(world)["feed"]
        assert over.finding is Finding.OK
        assert over.since is not None
        assert over.since > silent.since
        world.engine.reconciliation.want("a test")
        assert rows(world)["feed"] == over
        await world.clock.sleep(1)
        waits = rows(world)["reconcile"]
        assert "a test" in waits.found
        await world.engine.gate.until_reconciled(60)
        await world.clock.sleep(2)
        done = rows(world)["reconcile"]
        assert (done.finding, done.found) == (Finding.OK, "reconciled with the broker (a test)")
        await world.engine.breakers.open(BreakerKind.INCIDENT, "5WT00001", "order 1: its legs are not those asked for")
        await world.clock.sleep(2)
        stopped = rows(world)
        assert "breakers" not in stopped
        [breaker] = [row for name, row in stopped.items() if name.startswith("breaker ")]
        assert (breaker.finding, breaker.todo) == (Finding.FAIL, BreakerKind.INCIDENT.reset)
        assert "5WT00001" not in breaker.name
        await world.stop()

    in_world(day, tmp_path)


def test_a_pause_and_a_halt_have_a_row_with_who_why_and_what_ends_it(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.engine.gate.until_reconciled(60)
        await world.clock.sleep(2)
        assert (rows(world)["entries"].finding, rows(world)["entries"].found) == (Finding.OK, "automation is on")
        await world.answer(CommandKind.PAUSE, note="lunch")
        await world.clock.sleep(2)
        paused = rows(world)["entries"]
        assert (paused.finding, paused.todo) == (Finding.WARN, "{pause} or `senex resume` resumes")
        assert paused.found.startswith("PAUSED by ")
        assert paused.found.endswith(": lunch")
        await world.answer(CommandKind.HALT, note="fire")
        await world.clock.sleep(2)
        halted = rows(world)["entries"]
        assert halted.finding is Finding.FAIL
        assert halted.found.startswith("HALTED by ")
        assert "`senex reset halt`" in halted.todo
        await world.stop()

    in_world(day, tmp_path)


def test_a_file_halts_and_its_row_says_which(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.engine.gate.until_reconciled(60)
        world.engine.gate.kill_file.touch()
        await world.clock.sleep(2)
        halted = rows(world)["entries"]
        assert halted.finding is Finding.FAIL
        assert halted.found.startswith("HALTED: ")
        assert str(world.engine.gate.kill_file) in halted.found
        assert halted.todo == "remove it to go on"
        await world.stop()

    in_world(day, tmp_path)


@pytest.mark.parametrize(("word", "finding"), [(ON, Finding.OK), (HELD, Finding.WARN), (BLOCKED, Finding.WARN)])
def test_the_row_of_exits_says_what_rests_whatever_becomes_of_them(word: str, finding: Finding) -> None:
    orders = tuple(str(number) for number in range(27))
    row = exits_row(ExitsView(word, "by ada" if word == HELD else "no quotes", orders, 27, 9))
    assert row.finding is finding
    assert row.found.endswith("27 targets of 9 tridents rest at the broker")


def test_what_changes_all_the_time_makes_no_new_rows_with_every_quote(tmp_path: Path) -> None:
    """A recording of the day, and a watcher, get each change of the snapshot."""

    async def day(world: World) -> None:
        world.broker.market_data.idle_s = 1.0
        await world.start()
        await world.engine.gate.until_reconciled(60)
        await world.clock.sleep(30)
        seen = set()
        for _ in range(100):
            snapshot = world.snapshot()
            seen.add(id(snapshot.health))
            kept = snapshot.health  # so that no other tuple gets its id
            await world.clock.sleep(COUNT_EVERY_S / 50)
        assert kept
        assert len(seen) <= 4, "two counts lie in that time"
        await world.stop()

    in_world(day, tmp_path)
