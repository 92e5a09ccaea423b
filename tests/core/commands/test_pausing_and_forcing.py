"""Pause, resume, the kill file and forced cycles (rules 3, 9, 10)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.domain.operation.commands import CommandKind, CommandState
from core.domain.operation.reasons import Refusal
from core.domain.orders.order_states import EntryState
from tests.support.invariants import assert_nothing_forbidden_happened
from tests.support.world import World, et, in_world

pytestmark = pytest.mark.usefixtures("store")


def test_a_pause_misses_the_slot_and_survives_a_restart(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        answer = await world.command(CommandKind.PAUSE)
        assert answer.state is CommandState.DONE
        await world.until("09:45:30")
        await world.stop()
        await world.start()
        assert (await world.records.trading.read()).state == "paused"
        await world.until("10:01")
        slots = await world.slots()
        assert [(s.state, s.reason_code) for s in slots] == [("missed", "paused")] * 2
        assert await world.cycles() == ()
        assert world.broker.posted == []
        await world.stop()

    in_world(day, tmp_path)


def test_resuming_does_not_run_the_missed_slot_but_the_next(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.command(CommandKind.PAUSE)
        await world.until("09:45:10")
        assert (await world.command(CommandKind.RESUME)).state is CommandState.DONE
        await world.until("09:59")
        assert [(s.state, s.reason_code) for s in await world.slots()] == [("missed", "paused")]
        assert world.broker.posted == []
        await world.until("10:01")
        assert [(s.state, s.outcome) for s in await world.slots()] == [("missed", ""), ("done", "succeeded")]
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path)


def test_the_kill_file_misses_slots_until_it_is_gone(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        world.kill_file.touch()
        await world.until("09:46")
        assert [(s.state, s.reason_code) for s in await world.slots()] == [("missed", "kill_file")]
        forced = await world.command(CommandKind.FORCE)
        assert forced.state is CommandState.REFUSED
        assert "HALT" in forced.text
        world.kill_file.unlink()
        await world.until("10:01")
        assert (await world.slots())[-1].outcome == "succeeded"
        await world.stop()

    in_world(day, tmp_path)


def test_a_forced_cycle_enters_between_slots(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.no_connection = 1
        await world.start()
        await world.until("09:50")
        answer = await world.command(CommandKind.FORCE, saw_cycle=1)
        assert (answer.state, answer.text) == (CommandState.DONE, "a cycle starts now")
        await world.until("09:51")
        assert [(c.forced, c.slot is None, c.outcome) for c in await world.cycles()] == [
            (False, False, "failed"),
            (True, True, "succeeded"),
        ]
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path)


def test_a_forced_cycle_is_refused_before_the_first_slot(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        answer = await world.command(CommandKind.FORCE)
        assert (answer.state, answer.text) == (CommandState.REFUSED, "entries start at 09:45 ET")
        assert await world.cycles() == ()
        await world.stop()

    in_world(day, tmp_path, start=et("2026-03-02", "09:44"))


def test_a_forced_cycle_is_refused_in_the_last_quarter_hour(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("15:44:50")
        assert (await world.command(CommandKind.FORCE)).state is CommandState.DONE
        await world.until("15:45:05")
        answer = await world.command(CommandKind.FORCE)
        assert (answer.state, answer.text) == (CommandState.REFUSED, "entries end at 15:45 ET")
        await world.stop()

    in_world(day, tmp_path, start=et("2026-03-02", "15:40"))


def test_a_forced_cycle_is_refused_while_one_runs(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:45:01")
        answer = await world.command(CommandKind.FORCE)
        assert (answer.state, answer.text) == (CommandState.REFUSED, "another cycle is running")
        await world.until("09:46")
        assert len(await world.cycles()) == 1
        await world.stop()

    in_world(day, tmp_path)


def test_two_forced_at_once_make_one_cycle(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.no_connection = 9
        await world.start()
        await world.until("09:50")
        results = await asyncio.gather(world.engine.force("ada"), world.engine.force("bert"))
        refused = [r for r in results if isinstance(r, Refusal)]
        assert [r.code for r in refused] == ["cycle_running"]
        assert len(await world.cycles()) == 2
        await world.stop()

    in_world(day, tmp_path)


def test_a_forced_cycle_is_refused_while_paused(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        await world.command(CommandKind.PAUSE)
        answer = await world.command(CommandKind.FORCE)
        assert (answer.state, answer.text) == (CommandState.REFUSED, "automation is paused")
        await world.stop()

    in_world(day, tmp_path)


def test_a_command_from_an_outdated_screen_is_refused(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        answer = await world.command(CommandKind.FORCE, saw_cycle=0)
        assert answer.state is CommandState.REFUSED
        assert answer.text == "the console showed another state when the key was pressed"
        await world.stop()

    in_world(day, tmp_path)


def test_a_command_older_than_thirty_seconds_expires(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        answer = await world.command(CommandKind.PAUSE, older_by_s=30.5)
        assert answer.state is CommandState.EXPIRED
        assert (await world.records.trading.read()).state == "active"
        assert (await world.command(CommandKind.PAUSE, older_by_s=29.0)).state is CommandState.DONE
        await world.stop()

    in_world(day, tmp_path)


def test_a_pause_between_decision_and_send_sends_nothing(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:45:01")
        assert (await world.command(CommandKind.PAUSE)).state is CommandState.DONE
        await world.until("09:46")
        entry = await world.entry()
        assert (entry.state, entry.holds_day, entry.sent_at) == (EntryState.NOT_SENT, False, None)
        assert entry.detail == "automation is paused"
        assert [(c.outcome, c.reason_code) for c in await world.cycles()] == [("skipped", "paused")]
        assert world.broker.posted == []
        assert world.exchange.orders(world.accounts[0]) == []
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path)
