"""A restart, a kill, a takeover or a watcher changes nothing of what is told about the day (rules 4, 13.8)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.cycle.progress import CycleProgress
from core.domain.market.judgement import Judgement
from core.domain.operation.commands import CommandKind
from core.domain.operation.events import Step
from core.domain.orders.fate import FateKind
from core.domain.orders.next_step import Next
from core.engine.day_book import DayBook
from core.records.store.errors import RecordsError
from core.remote.kept_day import KeptDay
from core.simulator.exchange.faults import FaultKind
from core.snapshot import (
    AttemptView,
    Health,
    Level,
    Mode,
    ReadingState,
    SlotState,
    Snapshot,
    SpreadSlice,
    without_engine_yet,
)
from core.views.rebuilt import rebuilt
from tests.support.world import ACCOUNT, MONDAY, World, account, calendar_around, et, in_world

pytestmark = pytest.mark.usefixtures("store")

SECOND = "5WT00002"
ORDERS = f"/accounts/{ACCOUNT}/orders"
QQQ_OPTIONS = ".QQQ*"
Script = Callable[[World], Coroutine[Any, Any, None]]

PANELS: dict[str, Callable[[Snapshot], object]] = {
    "cycle": lambda s: s.cycle,
    "spread": lambda s: None if s.spread is None else _steady(s.spread),
    "judgements": lambda s: s.judgements,
    "attempts": lambda s: s.attempts,
    "orders": lambda s: tuple(replace(o, age_s=0, settling=None, evidence="") for o in s.orders),
    "schedule": lambda s: s.schedule,
    "next steps": lambda s: tuple((v.account, replace(v.step, settling=None)) for v in s.next_steps),
    "overall": lambda s: None if s.overall is None else replace(s.overall, settling=None),
    "day": lambda s: (s.day, s.reading.state),
}


def _steady(spread: SpreadSlice) -> SpreadSlice:
    """Live quotes move from one moment to the next; those of an entry that has ended stay."""
    if not spread.live:
        return spread
    moves = dict.fromkeys(("natural", "mid", "max_risk_natural", "max_risk_mid"))
    return replace(
        spread, legs=tuple(replace(leg, bid=None, ask=None, mid=None, age_s=None) for leg in spread.legs), **moves
    )


async def shown(world: World) -> Snapshot:
    """What the screen shows once the records have been read."""
    builder = world.engine.builder
    await builder.read_now()
    builder.refresh()
    assert builder.snapshot is not None
    return builder.snapshot


def same_after_restart(
    folder: Path, script: Script, *, kill: bool = False, dry_run: bool = False, **more: Any
) -> Snapshot:
    """Runs the script, restarts, and compares each panel. Returns what is shown."""

    async def day(world: World) -> Snapshot:
        if dry_run:
            world.sends = False
        await world.start()
        await script(world)
        before = await shown(world)
        remembered = world.engine.runner.progresses
        await (world.crash() if kill else world.stop())
        await world.start()
        await world.engine.gate.until_reconciled(60)
        await world.clock.sleep(3)  # the feed is live again
        after = await shown(world)
        for name, panel in PANELS.items():
            assert panel(after) == panel(before), f"the panel {name} tells something else after the restart"
        for progress in remembered:
            assert_the_same_run(progress, world)
        watched = await from_the_records_alone(world)
        for name, panel in PANELS.items():
            if name != "spread" or not (after.spread is not None and after.spread.live):
                assert panel(watched) == panel(after), f"the panel {name} tells a watcher something else"
        assert watched.status.engine.tells_day
        assert watched.status.automation is after.status.automation
        assert (watched.overall, watched.next_steps) == (after.overall, after.next_steps)
        await world.stop()
        return after

    return in_world(day, folder, **more)


async def from_the_records_alone(world: World) -> Snapshot:
    """What a watcher shows to which nothing is published."""

    async def console_runs() -> bool:
        return True

    calendar = calendar_around(world.clock.now().year)  # a thread that loads it would let virtual time run on
    day = KeptDay(world.settings.schedule.slot_times, console_runs, world.kill_file, world.sends, calendar)
    records = await world.open_records(trader=False)
    try:
        return await day.shown(
            records, without_engine_yet(Mode.DEMO, "no trader"), world.clock.now(), world.clock.speed
        )
    finally:
        await records.close()


def assert_the_same_run(live: CycleProgress, world: World) -> None:
    """What the records give back of a run is what the run had in memory when it ended."""
    book = world.engine.builder.book
    (again,) = (p for p in rebuilt(book.known.records, live.number, world.clock.speed) if p.account == live.account)
    assert (again.steps, again.details, again.attempt) == (live.steps, live.details, live.attempt)
    assert [_timeless(a) for a in again.attempts] == [_timeless(a) for a in live.attempts]
    assert {symbol: _unrounded(j) for symbol, j in again.judgements.items()} == {
        symbol: _unrounded(j) for symbol, j in live.judgements.items()
    }
    assert again.shown_first == live.shown_first
    assert list(again.spreads) == list(live.spreads)
    for symbol, spread in live.spreads.items():
        found = again.spreads[symbol]
        assert (found.verdict, found.reason, found.entry_id) == (spread.verdict, spread.reason, spread.entry_id)
        assert found.entry_price == spread.entry_price
        assert found.trident.strikes() == spread.trident.strikes()
        assert [leg.symbols.streamer for leg in found.trident.legs] == [
            leg.symbols.streamer if spread.pricing is not None else "" for leg in spread.trident.legs
        ]
        assert [(leg.bid, leg.ask) for leg in getattr(found.pricing, "legs", ())] == [
            (leg.bid, leg.ask) for leg in getattr(spread.pricing, "legs", ())
        ]


def _timeless(attempt: AttemptView) -> AttemptView:
    return replace(attempt, at=et(MONDAY))


def _unrounded(judgement: Judgement) -> Judgement:
    """The records keep the stress to a whole number, as its factor shows it."""
    stress = judgement.stress
    return replace(judgement, stress=None if stress is None else round(stress))


def test_a_filled_entry(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "immediate"
        await world.until("10:01")

    told = same_after_restart(tmp_path, day)
    assert told.cycle is not None
    assert told.cycle.told is not None
    assert (told.cycle.number, told.cycle.told.word) == (1, "filled"), "the next one only met its entry"
    assert told.cycle.newest == 2
    assert told.spread is not None
    assert told.spread.fate is not None
    assert (told.spread.cycle, told.spread.fate.kind) == (1, FateKind.FILLED)
    assert [(v.told.word, v.cycle) for v in told.schedule if v.told is not None][:2] == [("filled", 1), ("held", 2)]
    assert {v.state for v in told.schedule[2:]} == {SlotState.HELD}
    assert [a.traded for a in told.attempts] == [True]
    assert told.overall is not None
    assert (told.overall.kind, told.overall.enters_at) == (Next.DONE, None)


def test_an_entry_that_still_works_and_its_live_legs(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.until("09:50")

    told = same_after_restart(tmp_path, day)
    assert told.spread is not None
    assert told.spread.live


def test_an_order_that_the_broker_rejects_later(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "reject"
        await world.until("09:50")

    told = same_after_restart(tmp_path, day)
    assert told.cycle is not None
    assert told.cycle.told is not None
    assert told.cycle.told.fate is FateKind.REJECTED
    send = told.cycle.steps[list(Step).index(Step.SEND)]
    assert send.detail == "rejected"
    assert told.schedule[0].told == told.cycle.told


def test_an_order_whose_answer_was_lost_and_that_is_found(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_DROP_RESPONSE, path=ORDERS, method="POST")
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        world.broker.arm(FaultKind.ORDERS_LISTING_LAG, seconds=30)  # else a look finds it before its answer is given up
        world.exchange.fill_plan = "immediate"
        await world.until("09:55")

    told = same_after_restart(tmp_path, day)
    critical = [m for m in told.messages if m.level is Level.CRITICAL]
    assert any("is unknown" in m.text for m in critical), "what was said of it stays among the messages"
    assert all(m.number <= 0 for m in critical), "numbered as said before this start: no console rings for it again"
    assert [m.number for m in told.messages] == sorted({m.number for m in told.messages})
    assert told.messages[-1].number > 0, "what this start says is new"
    assert told.cycle is not None
    assert told.cycle.told is not None
    assert (told.cycle.told.word, told.cycle.told.fate) == ("filled", FateKind.FILLED)
    assert told.spread is not None
    assert told.spread.fate is not None
    assert told.spread.fate.kind is FateKind.FILLED


def test_a_day_without_a_trade_shows_each_refusal_beside_its_own_underlying(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.MARKET_CROSSED, symbol=".*", seconds=1_000)
        await world.until("09:50")

    told = same_after_restart(tmp_path, day)
    assert [(a.attempt, a.result) for a in told.attempts] == [
        (n, "REFUSED" if n == 3 else "RETRY") for n in (1, 2, 3) for _ in ("QQQ", "SPX")
    ]
    assert {a.underlying for a in told.attempts} == {"QQQ", "SPX"}
    assert told.spread is not None
    assert told.spread.underlying == "QQQ"
    assert "QQQ" in told.spread.reason
    assert any(leg.crossed and leg.mid is None for leg in told.spread.legs)
    assert told.judgements[0].symbol == told.spread.underlying


def test_the_underlying_that_was_traded_comes_first(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.MARKET_CROSSED, symbol=QQQ_OPTIONS, seconds=38)
        world.exchange.fill_plan = "immediate"
        await world.until("09:50")

    told = same_after_restart(tmp_path, day)
    assert told.spread is not None
    assert told.spread.underlying == "SPX"
    assert [j.symbol for j in told.judgements] == ["SPX", "QQQ"]
    assert [(a.underlying, a.result, a.traded) for a in told.attempts] == [
        ("QQQ", "REFUSED", False),
        ("SPX", "PASS", True),
    ], "the other passed, so it is not tried again"


def test_a_suggestion_that_a_dry_run_validated(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.until("10:01")

    told = same_after_restart(tmp_path, day, dry_run=True)
    assert told.spread is not None
    assert (told.spread.verdict, told.spread.fate, told.spread.cycle) == ("validated", None, 1)
    assert [v.told.word for v in told.schedule if v.told is not None][:2] == ["validated", "held"]
    assert told.overall is not None
    assert told.overall.kind is Next.VALIDATED


def test_two_accounts_of_which_one_is_filled_and_one_is_refused(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "immediate"
        await world.until("09:50")

    told = same_after_restart(tmp_path, day, accounts=(account(cash="500.00"), account(SECOND)))
    assert told.cycle is not None
    assert {(each.account, each.told.word) for each in told.cycle.accounts} == {
        ("…0001", "skipped"),
        ("…0002", "filled"),
    }
    assert told.spread is not None
    assert told.spread.account == "…0002", "the account that traded is shown"
    assert {a.account for a in told.attempts} == {"…0001", "…0002"}
    assert [v.step.kind for v in told.next_steps] == [Next.FREE, Next.DONE]


def test_an_operators_cancel_and_the_reads_that_free_the_day(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.until("09:47")
        entry = await world.entry()
        await world.command(CommandKind.CANCEL, target=entry.id)
        await world.until("09:48:30")
        await world.command(CommandKind.ALLOW_REENTRY, target=entry.id)
        told = await shown(world)
        (order,) = told.orders
        assert order.settling is not None
        assert order.settling.first_due is not None
        assert "due in" in order.evidence

    told = same_after_restart(tmp_path, day)
    assert told.overall is not None
    assert told.overall.kind is Next.FREEING


def test_a_cycle_that_a_kill_interrupted_while_its_order_was_under_way(tmp_path: Path) -> None:
    async def day(world: World) -> Snapshot:
        world.exchange.fill_plan = "immediate"
        world.broker.arm(FaultKind.REST_DELAY_AFTER, path=ORDERS, method="POST", seconds=5)
        await world.start()
        while not await world.entries():
            await world.clock.sleep(0.2)
        await world.clock.sleep(1)
        await world.crash()
        await world.clock.sleep(10)
        await world.start()
        await world.until("09:55")
        first = await shown(world)
        await world.stop()
        await world.start()
        await world.clock.sleep(3)
        second = await shown(world)
        for name, panel in PANELS.items():
            assert panel(second) == panel(first), name
        await world.stop()
        return second

    told = in_world(day, tmp_path)
    assert told.cycle is not None
    assert told.cycle.told is not None
    assert told.orders[0].fate is not None
    assert told.cycle.told.fate is told.orders[0].fate.kind
    assert not told.cycle.running
    assert "NOW" not in {a.result for a in told.attempts}


def test_a_kill_tells_the_same_as_an_orderly_end(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "immediate"
        await world.until("09:50")

    same_after_restart(tmp_path, day, kill=True)


def test_after_midnight_the_panels_are_the_new_days(tmp_path: Path) -> None:
    async def days(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("10:01")
        before = await shown(world)
        assert before.spread is not None
        assert before.spread.dte > 0
        assert {quote.day for quote in before.quotes} == {None}
        await world.until("23:59")
        await world.clock.sleep(180)
        unread = world.snapshot()
        now = await shown(world)
        for told in (unread, now):
            assert str(told.day) == "2026-03-03"
            assert (told.spread, told.judgements, told.attempts) == (None, (), ())
            assert told.cycle is not None
            assert told.cycle.number == 0
            assert {str(quote.day) for quote in told.quotes} == {MONDAY}, "the range and the change are yesterday's"
            assert all(v.state in (SlotState.TO_COME, SlotState.NEXT) for v in told.schedule)
        assert now.reading.state is ReadingState.KNOWN
        assert {str(o.day) for o in now.orders} <= {MONDAY}, "what is still open of yesterday says so"
        await world.stop()

    in_world(days, tmp_path, poll_s=60)


def test_nothing_is_read_while_nothing_changes(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "immediate"
        await world.start()
        await world.until("09:50")
        await shown(world)
        calls = 0
        read = world.records.database.read

        def counted() -> Any:
            nonlocal calls
            calls += 1
            return read()

        world.records.database.read = counted  # type: ignore[method-assign]
        panels = world.engine.builder.book.panels
        for _ in range(20):
            await shown(world)
        assert calls == 0
        assert world.engine.builder.book.panels is panels
        world.records.database.read = read  # type: ignore[method-assign]
        await world.stop()

    in_world(day, tmp_path)


def test_records_that_cannot_be_read_are_shown_as_old_and_read_again(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "immediate"
        await world.start()
        await world.until("09:50")
        known = await shown(world)
        (entry,) = await world.entries()
        of_day = world.records.entries.of_day

        async def fails(_: object) -> Any:
            raise RecordsError("the disk is gone")

        world.records.entries.of_day = fails  # type: ignore[assignment]
        await world.records.entries.add_evidence(
            entry.id, "listing", who="engine", complete=True, detail={}, at=world.clock.now()
        )
        old = await shown(world)
        assert (old.reading.state, old.reading.why) == (ReadingState.OLD, "the disk is gone")
        assert old.reading.at == known.reading.at
        assert old.orders == known.orders
        world.records.entries.of_day = of_day  # type: ignore[method-assign]
        await world.clock.sleep(3)
        assert (await shown(world)).reading.state is ReadingState.KNOWN
        await world.stop()

    in_world(day, tmp_path)


def test_the_money_of_a_rebuilt_spread_is_exact(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "immediate"
        await world.until("09:50")

    told = same_after_restart(tmp_path, day)
    assert told.spread is not None
    assert told.spread.fill_credit is not None
    assert told.orders[0].fill_credit == told.spread.fill_credit
    assert told.spread.max_risk_fill == Decimal(100) * (2 * told.spread.width - told.spread.fill_credit)


def next_kind(world: World) -> Next:
    """What comes next for the console by what is read now, without reading anything."""
    builder = world.engine.builder
    builder.refresh()
    assert builder.snapshot is not None
    assert builder.snapshot.overall is not None
    return builder.snapshot.overall.kind


async def nothing(_: DayBook) -> None:
    """Reads nothing."""


def test_no_slot_is_counted_down_to_before_the_end_of_a_cycle_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: object) -> Any:
        raise RecordsError("the disk is gone")

    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("09:44:59")
        with monkeypatch.context() as reading:
            reading.setattr(DayBook, "catch_up", nothing)
            await world.until("09:45:30")
            assert (await world.entry()).holds_day
            assert not world.engine.builder.runner.in_cycle
            assert next_kind(world) is Next.RUNNING
        with monkeypatch.context() as disk:
            disk.setattr(world.records.entries, "of_day", fails)
            await world.clock.sleep(3)
            told = await shown(world)
            assert told.overall is not None
            assert (told.overall.kind, told.overall.enters_at) == (Next.UNREAD, None)
            assert "the disk is gone" in told.overall.words
            assert told.status.records.health is Health.TROUBLE
        await world.clock.sleep(3)
        read_again = (await shown(world)).overall
        assert read_again is not None
        assert read_again.kind is Next.WORKING
        await world.stop()

    in_world(day, tmp_path)


def test_a_cycle_whose_end_could_not_be_recorded_runs_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> Any:
        raise RecordsError("the disk is full")

    async def day(world: World) -> None:
        world.exchange.fill_plan = "reject"
        await world.start()
        await world.until("09:44:59")
        with monkeypatch.context() as disk:
            disk.setattr(world.records.cycles, "end", fails)
            await world.until("09:46")
        await world.until("09:47")
        assert not world.engine.builder.runner.in_cycle
        assert (await shown(world)).reading.state is ReadingState.KNOWN
        assert next_kind(world) is not Next.RUNNING
        await world.stop()

    in_world(day, tmp_path)


def test_a_forced_cycle_stands_among_the_slots_with_what_it_came_to(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "reject"
        await world.until("09:50")
        world.exchange.fill_plan = "immediate"
        await world.command(CommandKind.FORCE)
        await world.until("10:16")

    told = same_after_restart(tmp_path, day)
    first, forced, *held = [view for view in told.schedule if view.told is not None]
    assert [view.told.word for view in (first, forced) if view.told is not None] == ["rejected", "filled"]
    assert (first.forced, forced.forced, forced.cycle) == (False, True, 2)
    assert et(MONDAY, "09:50") <= forced.at < et(MONDAY, "09:51")
    assert sum(not view.forced for view in told.schedule) == 21
    assert {view.state for view in held[2:]} == {SlotState.HELD}
    assert told.cycle is not None
    assert told.cycle.number == 2, "those that only met its entry do not take its place"
    assert told.cycle.previous.startswith("09:45 REJECTED"), "the slot before the one shown"


def test_a_cycle_forced_while_every_account_is_off_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "immediate"
        await world.until("09:50")
        before = await shown(world)
        await world.command(CommandKind.SET_ACCOUNT, target=ACCOUNT, note="automation off")
        assert await world.answer(CommandKind.FORCE) == (
            "refused: automation is on for no account; `senex accounts` lists them"
        )
        assert await world.answer(CommandKind.FORCE, target=ACCOUNT) == ("refused: automation is off for this account")
        after = await shown(world)
        assert [cycle.number for cycle in await world.cycles()] == [1]
        assert (after.cycle, after.attempts, after.orders[0].fate) == (
            before.cycle,
            before.attempts,
            before.orders[0].fate,
        )
        assert after.spread is not None
        assert before.spread is not None
        assert (after.spread.cycle, after.spread.fate) == (1, before.spread.fate)

    same_after_restart(tmp_path, day)
