"""Pause, resume, the kill file and forced cycles (rules 3, 9, 10)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.domain.operation.commands import CommandKind, CommandState
from core.domain.operation.outcomes import Outcome
from core.domain.operation.reasons import Refusal
from core.domain.orders.order_states import OrderState
from tests.support.invariants import assert_nothing_forbidden_happened
from tests.support.world import MONDAY, World, account, et, in_world

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


@pytest.mark.parametrize("kind", ["a file", "a link to nothing", "a folder"])
def test_whatever_is_named_halt_halts(tmp_path: Path, kind: str) -> None:
    async def day(world: World) -> None:
        await world.start()
        if kind == "a file":
            world.kill_file.touch()
        elif kind == "a folder":
            world.kill_file.mkdir()
        else:
            world.kill_file.symlink_to(tmp_path / "nothing")
        await world.until("09:46")
        assert [(s.state, s.reason_code) for s in await world.slots()] == [("missed", "kill_file")]
        assert world.engine.gate.halting_file == str(world.kill_file)
        assert world.broker.posted == []
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
        assert (answer.state, answer.text) == (CommandState.DONE, "cycle 2 starts now")
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
        answer = await world.command(CommandKind.RECONCILE, older_by_s=30.5)
        assert answer.state is CommandState.EXPIRED
        assert (await world.command(CommandKind.RECONCILE, older_by_s=29.0)).state is CommandState.DONE
        for kind in (CommandKind.PAUSE, CommandKind.HALT):
            assert (await world.command(kind, older_by_s=7200.0)).state is CommandState.DONE, "a stop never expires"
        await world.stop()

    in_world(day, tmp_path)


def test_a_command_from_before_the_clock_was_set_back_expires(tmp_path: Path) -> None:
    """Its time lies ahead of the clock's, so the clock alone would let it live for as long."""

    async def day(world: World) -> None:
        await world.start()
        answer = await world.command(CommandKind.FORCE, older_by_s=-3600.0)
        assert answer.state is CommandState.EXPIRED
        await world.stop()

    in_world(day, tmp_path)


def test_a_pause_between_decision_and_send_sends_nothing(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:45:01")
        assert (await world.command(CommandKind.PAUSE)).state is CommandState.DONE
        await world.until("09:46")
        entry = await world.entry()
        assert (entry.state, entry.holds_day, entry.sent_at) == (OrderState.NOT_SENT, False, None)
        assert entry.detail == "automation is paused"
        assert [(c.outcome, c.reason_code) for c in await world.cycles()] == [("skipped", "paused")]
        assert world.broker.posted == []
        assert world.exchange.orders(world.accounts[0]) == []
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path)


ONE, TWO, OFF = "5WT00001", "5WT00002", "5WT00003"


def test_a_cycle_forced_for_one_account_asks_no_other_and_says_so(tmp_path: Path) -> None:
    """Not asked is neither skipped nor counted. That holds for a switched-off account too: the cycle was not for it."""

    async def day(world: World) -> None:
        await world.start()
        await world.answer(CommandKind.SET_ACCOUNT, OFF, "automation off")
        answer = await world.command(CommandKind.FORCE, target="0002")
        assert (answer.state, answer.text) == (CommandState.DONE, "cycle 1 starts now for …0002 alone")
        await world.until("09:51:30")
        assert [entry.account for entry in await world.entries()] == [TWO]
        runs = {run.account: run for run in (await world.records.results.recorded(world.day, world.day)).runs}
        assert {number: (run.outcome, run.reason) for number, run in runs.items()} == {
            ONE: (Outcome.NOT_ASKED, "not_asked"),
            TWO: (Outcome.SUCCEEDED, ""),
            OFF: (Outcome.NOT_ASKED, "not_asked"),
        }
        told = (await world.records.told_cycles.of_day(world.day))[1]
        assert (told.told.word, sum(told.totals.values())) == ("filled", 1)
        [cycle] = await world.cycles()
        assert (cycle.totals["processed"], cycle.totals["skipped"]) == (1, 0)
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path, start=et(MONDAY, "09:50"), accounts=(account(ONE), account(TWO), account(OFF)))


@pytest.mark.parametrize(
    ("target", "said"),
    [("0003", "automation is off for this account"), ("99", "'99' names no known account; give one of …0001, …0002")],
)
def test_no_cycle_is_forced_for_an_account_that_is_off_or_not_known(tmp_path: Path, target: str, said: str) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.answer(CommandKind.SET_ACCOUNT, OFF, "automation off")
        answer = await world.command(CommandKind.FORCE, target=target)
        assert answer.state is CommandState.REFUSED
        assert said in answer.text
        assert await world.cycles() == ()
        await world.stop()

    in_world(day, tmp_path, start=et(MONDAY, "09:50"), accounts=(account(ONE), account(TWO), account(OFF)))
