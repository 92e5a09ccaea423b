"""What the running cycle shows of itself: whose refusal, which underlying first, which entry, when it tries again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.cycle.progress import CycleProgress
from core.domain.operation.commands import CommandKind
from core.domain.operation.outcomes import Outcome
from core.domain.operation.reasons import Reason, refuse
from core.domain.orders.order_states import OrderState
from core.records.store.errors import RecordsError
from core.simulator.exchange.faults import FaultKind
from core.snapshot import SpreadSlice
from tests.support.invariants import assert_nothing_forbidden_happened
from tests.support.world import ACCOUNT, World, account, in_world

ORDERS = f"/accounts/{ACCOUNT}/orders"
OTHER = "5WT00002"
MORNING = datetime(2026, 3, 2, 14, 45, tzinfo=UTC)


async def _end(world: World) -> None:
    await assert_nothing_forbidden_happened(world, world.records)
    await world.stop()


def _progress(world: World) -> CycleProgress:
    progress = world.engine.progress
    assert progress is not None
    return progress


def _shown_spread(world: World) -> SpreadSlice:
    snapshot = world.snapshot()
    assert snapshot.spread is not None
    return snapshot.spread


def test_nothing_says_that_it_is_tried_again_when_nothing_is() -> None:
    """Not when another underlying passed, not after the last attempt, and not when the run was broken off."""

    def told(*refused: Reason | None, broken_off: bool = False) -> list[str]:
        progress = CycleProgress(1, None, True, 0.0, ACCOUNT)
        for attempt, reason in enumerate(refused, 1):
            for symbol in ("QQQ", "SPX"):
                progress.attempt_started(attempt, symbol, MORNING)
                progress.attempt_ended(symbol, None if reason is None and symbol == "SPX" else refuse(Reason.FEED_DOWN))
        if broken_off:
            progress.retries(5.0)
            progress.ended_with(Outcome.FAILED, refuse(Reason.INTERRUPTED), 1.0)
        return [one.result for one in progress.attempts]

    down = Reason.FEED_DOWN
    assert told(down) == ["RETRY", "RETRY"]
    assert told(down, None) == ["RETRY", "RETRY", "REFUSED", "PASS"]
    assert told(down, down, down) == ["RETRY"] * 4 + ["REFUSED"] * 2
    assert told(down, down, broken_off=True) == ["RETRY", "RETRY", "REFUSED", "REFUSED"]


def test_an_entry_whose_answer_was_lost_is_shown_by_its_record_and_stays_quoted(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        world.broker.arm(FaultKind.REST_DROP_RESPONSE, path=ORDERS, method="POST")
        world.broker.arm(FaultKind.ORDERS_LISTING_LAG, seconds=140)
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        await world.start()
        await world.until("09:46:10")
        entry = await world.entry()
        spread = _progress(world).spread
        assert spread is not None
        assert (entry.state, spread.entry_id) == (OrderState.UNKNOWN, entry.id)
        assert world.engine.legs.keeps(entry.id), "an order that may work must stay quoted"
        shown = _shown_spread(world)
        assert (shown.verdict, shown.live) == ("unknown", True)
        world.exchange.fill_plan = "immediate"
        await world.until("09:48:30")
        assert (await world.entry()).state is OrderState.FILLED
        assert _shown_spread(world).verdict == "filled"
        await _end(world)

    in_world(day, tmp_path)


def test_an_entry_whose_record_broke_after_sending_is_shown_by_its_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def day(world: World) -> None:
        engine = await world.start()

        async def broken(*_: object) -> None:
            raise RecordsError("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(engine.tracker, "acknowledged", broken)
            await world.until("09:45:20")
        assert _progress(world).refusal is not None
        entry = await world.entry()
        spread = _progress(world).spread
        assert spread is not None
        assert spread.entry_id == entry.id
        await world.until("09:46")
        assert (await world.entry()).state is OrderState.FILLED
        assert _shown_spread(world).verdict == "filled"
        await _end(world)

    in_world(day, tmp_path)


def test_a_rejected_order_is_shown_by_its_record_and_one_that_never_left_by_its_refusal(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.refuse_orders = 1
        await world.start()
        await world.until("09:46")
        assert _shown_spread(world).verdict == "rejected"
        world.broker.no_connection = 1
        await world.until("10:01")
        shown, entry = _shown_spread(world), (await world.entries())[-1]
        assert (entry.state, shown.verdict) == (OrderState.NOT_SENT, "refused")
        assert shown.reason.startswith("the order never left")
        await _end(world)

    in_world(day, tmp_path)


def test_every_underlying_shows_its_own_refusal_and_the_deciding_one_is_first(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.MARKET_CROSSED, symbol=".*", seconds=120)
        await world.start()
        await world.until("09:46:30")
        progress = _progress(world)
        assert progress.refusal is not None
        assert (progress.refusal.underlying, progress.shown_first) == ("QQQ", "QQQ")
        for symbol, spread in progress.spreads.items():
            assert spread.trident.underlying == symbol
            assert spread.reason.startswith(f".{symbol}"), f"{symbol} shows: {spread.reason}"
        assert set(progress.spreads) == {"QQQ", "SPX"}
        shown = _shown_spread(world)
        assert shown.underlying == "QQQ"
        assert shown.reason.startswith(".QQQ")
        await _end(world)

    in_world(day, tmp_path)


def test_the_underlying_that_was_traded_is_shown_first(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.MARKET_CROSSED, symbol=".QQQ*", seconds=120)
        await world.start()
        await world.until("09:46:30")
        progress = _progress(world)
        assert (await world.entry()).underlying == progress.shown_first == "SPX"
        assert progress.spreads["QQQ"].entry_id is None
        assert progress.spreads["QQQ"].verdict == "refused"
        assert _shown_spread(world).verdict == "filled"
        await _end(world)

    in_world(day, tmp_path)


def test_a_wait_for_the_next_attempt_is_said_and_can_be_counted_down(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.MARKET_CROSSED, symbol=".*", seconds=38)  # until 09:45:08
        await world.start()
        await world.until("09:45:08")
        progress = _progress(world)
        assert progress.retry_at is not None
        assert 0 < progress.retry_at - world.clock.monotonic() <= 5
        (said,) = await world.events(1, "attempt.retry")
        assert said.text == "attempt 1 of 3 found nothing to enter; retrying in 5 s"
        await world.until("09:46")
        assert progress.retry_at is None
        assert len(await world.events(1, "attempt.retry")) == 1
        await _end(world)

    in_world(day, tmp_path)


def test_the_progress_of_every_account_is_kept(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:45:01")
        runner = world.engine.runner
        assert [p.account for p in runner.progresses] == [ACCOUNT, OTHER]
        assert runner.runs
        await world.until("09:46")
        assert not runner.runs
        entries = {e.account: e.id for e in await world.entries()}
        assert {p.account: p.spread.entry_id for p in runner.progresses if p.spread is not None} == entries
        assert [a.account for p in runner.progresses for a in p.attempts] == ["…0001", "…0002"]
        await _end(world)

    in_world(day, tmp_path, accounts=(account(), account(OTHER)))


def test_an_account_that_had_ended_keeps_its_result_when_the_cycle_is_broken_off(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.command(CommandKind.SET_ACCOUNT, target=OTHER, note="skip today")
        await world.until("09:45:02")
        await world.stop()
        records = await world.reopened()
        runs = (await records.results.recorded(world.day, world.day)).runs
        assert {r.account: r.reason for r in runs} == {ACCOUNT: "interrupted", OTHER: "skip_today"}
        await records.close()

    in_world(day, tmp_path, accounts=(account(), account(OTHER)))
