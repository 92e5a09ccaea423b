"""What comes next, read from the records alone, is what the running console tells (rules 9, 13.8)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from core.domain.market.sessions import SlotTimes
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import CommandKind
from core.domain.operation.events import masked
from core.domain.operation.outcomes import Outcome
from core.domain.operation.reasons import Reason, refuse
from core.domain.orders.next_step import Next, NextStep, next_step, overall
from core.records.records import Records
from core.simulator.exchange.faults import FaultKind
from core.simulator.in_process.values import order_body
from core.snapshot import Mode
from core.views.standing_reads import read_standings
from tests.support.world import ACCOUNT, MONDAY, World, account, calendar_around, et, in_world

SECOND = "5WT00002"
ORDERS = f"/accounts/{ACCOUNT}/orders"


async def from_records(world: World, *, console: bool = True) -> Mapping[str, NextStep]:
    """What comes next for each account, read as another process reads it."""
    records = await world.open_records(trader=False)
    try:
        return await _read(world, records, console=console)
    finally:
        await records.close()


async def _read(world: World, records: Records, *, console: bool) -> Mapping[str, NextStep]:
    now = world.clock.now()
    found = await read_standings(
        records,
        world.settings.schedule.slot_times,
        calendar_around(now.year),
        now,
        console=console,
        kill_file=str(world.kill_file) if world.kill_file.exists() else "",
        sends=world.sends,
        speed=world.clock.speed,
    )
    return {masked(standing.number): next_step(standing) for standing in found}


async def both_tell(world: World, kind: Next, *, of: str = ACCOUNT) -> NextStep:
    """Waits until the console has read its records again, and returns what both tell of the account."""
    await world.clock.sleep(2 * world.intervals.snapshot_s)
    return await both_tell_now(world, kind, of=of)


async def both_tell_now(world: World, kind: Next, *, of: str = ACCOUNT) -> NextStep:
    snapshot = world.snapshot()
    told = await from_records(world)
    assert told == {view.account: view.step for view in snapshot.next_steps}
    assert overall(list(told.values())) == snapshot.overall
    step = told[masked(of)]
    assert step.kind is kind, step
    return step


def lived(
    folder: Path, script: Callable[[World], Coroutine[Any, Any, None]], at: str = "09:40", on: str = MONDAY, **more: Any
) -> None:
    """Runs the script in a world that begins at this exchange time."""

    async def whole(world: World) -> None:
        await world.start()
        await script(world)
        await world.stop()

    in_world(whole, folder, start=et(on, at), **more)


def test_before_the_open_the_first_slot_is_free(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        step = await both_tell(world, Next.FREE)
        assert (step.words, step.enters_at) == ("free to enter at 09:45", et(MONDAY, "09:45"))

    lived(tmp_path, day, "08:00")


def test_at_the_weekend_the_market_is_closed_until_monday(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        step = await both_tell(world, Next.CLOSED)
        assert step.words == "market closed until Mon 9 Mar 09:30, first slot 09:45"
        assert (step.enters_at, step.next_day) == (None, et("2026-03-09", "09:45"))

    lived(tmp_path, day, "12:00", on="2026-03-07")


def test_after_the_last_slot_the_next_session_is_told_with_its_date(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        step = await both_tell(world, Next.CLOSED)
        assert (step.enters_at, step.next_day) == (None, et("2026-03-03", "09:45"))
        assert step.words == "no slot is left today; the next is Tue 3 Mar 09:45"

    lived(tmp_path, day, "16:30")


def test_a_running_cycle_a_working_and_a_filled_entry(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.until("09:45")
        await world.clock.sleep(1)
        await both_tell_now(world, Next.RUNNING)
        await world.until("09:47")
        assert (await both_tell(world, Next.WORKING)).words.startswith("an order works: working ")
        world.exchange.fill_plan = "immediate"
        await world.until("10:10")

    lived(tmp_path, day)


def test_a_filled_entry_ends_the_day_also_while_paused(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.until("10:05")
        step = await both_tell(world, Next.DONE)
        assert step.words.startswith("done today (filled ")
        assert step.next_day == et("2026-03-03", "09:45")
        await world.command(CommandKind.PAUSE, note="lunch")
        assert (await both_tell(world, Next.DONE)).words == step.words

    lived(tmp_path, day)


def test_a_pause_a_halt_and_the_kill_file(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.command(CommandKind.PAUSE, note="lunch")
        step = await both_tell(world, Next.PAUSED)
        assert (step.who, step.why, step.ends) == ("operator", "lunch", "`senex resume`")
        assert (step.enters_at, step.misses_at) == (None, et(MONDAY, "09:45"))
        await world.command(CommandKind.HALT, note="a fault")
        assert (await both_tell(world, Next.HALTED)).why == "a fault"
        world.kill_file.touch()
        assert (await both_tell(world, Next.HALTED)).why == str(world.kill_file)

    lived(tmp_path, day, "09:30:30")


def test_breakers_of_one_account_and_of_all(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.engine.breakers.open(BreakerKind.MISMATCH, ACCOUNT, "the positions differ")
        step = await both_tell(world, Next.BREAKER)
        assert step.why == "the positions differ"
        await both_tell(world, Next.FREE, of=SECOND)
        await world.engine.breakers.open(BreakerKind.CLOCK, "", "the clock is 4 s off")
        assert (await both_tell_now(world, Next.BREAKER, of=SECOND)).why == "the clock is 4 s off"

    lived(tmp_path, day, "09:30:30", accounts=(account(), account(SECOND)))


def test_accounts_that_are_off_and_that_skip_today(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.command(CommandKind.SET_ACCOUNT, target=SECOND, note="skip today")
        await both_tell(world, Next.SKIPPED, of=SECOND)
        await world.command(CommandKind.SET_ACCOUNT, target=SECOND, note="automation off")
        await both_tell(world, Next.OFF, of=SECOND)
        await both_tell(world, Next.FREE)
        await world.command(CommandKind.SET_ACCOUNT, target=ACCOUNT, note="automation off")
        step = await both_tell(world, Next.OFF)
        assert (step.enters_at, step.misses_at) == (None, None)

    lived(tmp_path, day, "09:30:30", accounts=(account(), account(SECOND)))


def test_an_unknown_entry_holds_the_day_until_two_reads(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_DROP_REQUEST, path=ORDERS, method="POST")
        await world.until("09:46")
        step = await both_tell(world, Next.HELD)
        proof = step.settling
        assert proof is not None
        assert (proof.first_read, proof.second_due) == (None, None)
        read: datetime | None = None
        while read is None:
            await world.clock.sleep(world.intervals.settlement_s)
            told = await from_records(world)
            reads = told[masked(ACCOUNT)].settling
            read = None if reads is None else reads.first_read
            assert world.clock.now() < et(MONDAY, "09:55"), "no first read"
        assert reads is not None
        assert reads.second_due is not None

    lived(tmp_path, day)


def test_a_cancelled_entry_frees_the_day_by_two_reads(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.until("09:47")
        [entry] = await world.entries()
        await world.command(CommandKind.CANCEL, target=entry.id)
        step = await both_tell(world, Next.HELD)
        assert step.ends == f"`senex allow-reentry {entry.id[:8]}`"
        await world.command(CommandKind.ALLOW_REENTRY, target=entry.id)
        step = await both_tell(world, Next.FREEING)
        assert step.settling is not None
        assert step.settling.next_due is not None
        assert step.enters_at is None
        await world.until("09:57")
        assert (await both_tell(world, Next.FREE)).enters_at == et(MONDAY, "10:00")

    lived(tmp_path, day)


def test_a_dry_run_is_done_once_its_suggestion_is_validated(tmp_path: Path) -> None:
    async def whole(world: World) -> None:
        world.mode, world.sends = Mode.DRY_RUN, False
        await world.start()
        assert (await both_tell(world, Next.FREE)).words == "free to validate at 09:45 (dry run)"
        await world.until("10:05")
        await both_tell(world, Next.VALIDATED)
        await world.stop()

    in_world(whole, tmp_path, start=et(MONDAY, "09:40"), preflight=True)


def test_an_account_that_the_broker_does_not_answer_for_reconciles_alone(tmp_path: Path) -> None:
    async def whole(world: World) -> None:
        world.broker.arm(FaultKind.REST_5XX_HTML, path=ORDERS, method="GET", count=None)
        await world.start()
        step = await both_tell(world, Next.RECONCILING)
        assert step.words.startswith("reconciling with the broker: ")
        await both_tell(world, Next.FREE, of=SECOND)
        await world.stop()

    in_world(whole, tmp_path, start=et(MONDAY, "09:30:30"), accounts=(account(), account(SECOND)))


def test_without_a_console_no_slot_is_counted_down_to(tmp_path: Path) -> None:
    async def whole(world: World) -> None:
        await world.start()
        await world.stop()
        told = await from_records(world, console=False)
        [step] = told.values()
        assert (step.kind, step.enters_at) == (Next.NO_CONSOLE, None)
        assert step.words == "no console is running; the 09:45 slot will be missed"
        [step] = (await from_records(world)).values()
        assert step.kind is Next.STARTING, "the engine that holds the lock has not told yet that it started"

    in_world(whole, tmp_path, start=et(MONDAY, "09:40"))


@pytest.mark.parametrize(
    ("now", "slot", "next_day"),
    [
        ("2026-03-02T09:00", "2026-03-02T09:45", "2026-03-03T09:45"),
        ("2026-03-02T09:45", "2026-03-02T10:00", "2026-03-03T09:45"),
        ("2026-03-06T14:45", None, "2026-03-09T09:45"),
        ("2026-03-07T12:00", None, "2026-03-09T09:45"),
        ("2026-11-27T12:40", "2026-11-27T12:45", "2026-11-30T09:45"),
        ("2026-11-27T12:46", None, "2026-11-30T09:45"),
    ],
)
def test_what_lies_ahead_by_the_calendar(now: str, slot: str | None, next_day: str) -> None:
    ahead = calendar_around(2026).ahead(et(*now.split("T")), SlotTimes())
    assert ahead.slot == (None if slot is None else et(*slot.split("T")))
    assert ahead.next_day == et(*next_day.split("T"))


@pytest.mark.parametrize("seen", ["alert", "look", "cycle"])
def test_a_trident_of_somebody_else_holds_the_day_for_as_long_as_it_may_fill(tmp_path: Path, seen: str) -> None:
    """Every cycle is refused for it, so nothing may say that the next slot enters."""

    async def day(world: World) -> None:
        await world.command(CommandKind.SET_ACCOUNT, target=SECOND, note="automation off")
        await world.until("09:46")
        request = replace((await world.entry()).request, identifier="")
        world.exchange.fill_plan = "never"
        if seen != "alert":
            world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        by_hand = replace(order_body(request), external_identifier=None)
        placed = world.exchange.submit(SECOND, by_hand, world.clock.now(), by="ana")
        await world.command(CommandKind.SET_ACCOUNT, target=SECOND, note="automation on")
        if seen == "look":
            await world.command(CommandKind.RECONCILE)
        await world.until("10:01" if seen == "cycle" else "09:48")
        step = await both_tell(world, Next.HELD, of=SECOND)
        assert step.words == f"held by order {placed.id} at the broker, a trident that is not of this console"
        # It may have filled: then it never ends without a fill, and only this command leads out.
        assert f"`senex attest {placed.id}` adopts it" in step.ends
        assert step.enters_at is None
        await world.until("10:16")
        [seen_by_cycle] = [each for each in world.engine.runner.progresses if each.account == SECOND]
        assert (seen_by_cycle.outcome, seen_by_cycle.refusal) == (
            Outcome.SKIPPED,
            refuse(Reason.ALREADY_AT_BROKER, order_id=str(placed.id)),
        )
        world.exchange.cancel(SECOND, placed.id, world.clock.now())
        await world.until("10:19")
        assert (await both_tell(world, Next.FREE, of=SECOND)).words == "free to enter at 10:30"
        assert [order.id for order in world.exchange.orders(SECOND)] == [placed.id]

    lived(tmp_path, day, accounts=(account(), account(SECOND)))
