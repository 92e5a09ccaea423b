"""The engine cancels an entry that works for too long, when the settings say so (rules 9)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.broker.port import BrokerError, BrokerFault
from core.config.settings import TradingSettings
from core.domain.operation.commands import CommandKind
from core.domain.orders.fate import fate_of, fate_words
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import OrderReport
from core.runtime.clock import exchange_time
from core.simulator.exchange.faults import FaultKind
from core.simulator.exchange.orders import SimOrder
from core.simulator.in_process import values
from tests.support.invariants import assert_nothing_forbidden_happened
from tests.support.world import ACCOUNT, World, in_world

pytestmark = pytest.mark.usefixtures("store")

AFTER_TEN = TradingSettings(cancel_after_minutes=10)


@pytest.mark.parametrize(
    ("how", "frees"),
    [
        ("the engine", True),
        ("the engine, and its answer is lost", False),
        ("the engine, and the broker refuses", False),
        ("the operator here", False),
        ("our own user there", False),
        ("another user there", False),
        ("the broker's staff", False),
    ],
)
def test_only_the_engines_own_acknowledged_cancel_frees_a_day_by_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, frees: bool
) -> None:
    """Every other cancel is a person's word that this account is done for the day, or may be one."""
    by_engine = how.startswith("the engine")

    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        cancel = world.broker.cancel

        async def unacknowledged(account: str, order_id: str) -> None:
            await cancel(account, order_id)
            lost = how.endswith("lost")
            raise BrokerError(BrokerFault.UNREACHABLE if lost else BrokerFault.REFUSED, "it cannot be cancelled")

        if by_engine and not frees:
            monkeypatch.setattr(world.broker, "cancel", unacknowledged)
        await world.start()
        await world.until("09:46")
        order_id, now = int((await world.entry()).order_id or ""), world.clock.now()
        match how:
            case "the operator here":
                assert (await world.answer(CommandKind.CANCEL)).startswith("done")
            case "our own user there":
                world.exchange.cancel(ACCOUNT, order_id, now)
            case "another user there":
                world.exchange.cancel(ACCOUNT, order_id, now, by="bert")
            case "the broker's staff":
                world.exchange.back_office.remove(ACCOUNT, order_id, now)
        await world.until("09:59:30" if by_engine else "09:51")
        entry = await world.entry()
        assert entry.state is OrderState.CANCELLED
        assert (entry.engine_cancel_at is not None, entry.holds_day) == (frees, not frees)
        await world.stop()

    in_world(day, tmp_path, trading=AFTER_TEN if by_engine else TradingSettings())


async def _cancel_texts(world: World) -> list[str]:
    return [event.text for event in await world.events(1, "order.cancel_late")]


def test_it_is_cancelled_after_its_minutes_and_by_nobody_so_proof_may_free_the_day(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("09:54:50")
        assert (await world.entry()).state is OrderState.WORKING
        assert await _cancel_texts(world) == []
        await world.until("09:56:00")
        entry = await world.entry()
        assert (entry.state, entry.cancel_requested_by) == (OrderState.CANCELLED, "")
        assert entry.engine_cancel_at is not None
        assert entry.sent_at is not None
        assert entry.terminal_at is not None
        assert 600 <= (entry.terminal_at - entry.sent_at).total_seconds() < 640
        [told] = await _cancel_texts(world)
        assert "working for 10 minutes; its cancel is asked" in told
        await world.until("10:00:20")
        first, second = await world.entries()
        assert (first.holds_day, second.holds_day) == (False, True)
        assert exchange_time(second.prepared_at).hour == 10
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path, trading=AFTER_TEN)


@pytest.mark.parametrize("how", ["refused", "lost"])
def test_a_cancel_that_the_broker_refused_or_never_answered_frees_no_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Refused, the order had ended before: somebody else ended it. Lost, nobody knows whose cancel it was."""

    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        cancel = world.broker.cancel

        async def unacknowledged(account: str, order_id: str) -> None:
            await cancel(account, order_id)
            fault = BrokerFault.REFUSED if how == "refused" else BrokerFault.UNREACHABLE
            raise BrokerError(fault, "it cannot be cancelled")

        monkeypatch.setattr(world.broker, "cancel", unacknowledged)
        await world.start()
        await world.until("10:02")
        entry = await world.entry()
        assert (entry.state, entry.engine_cancel_at, entry.holds_day) == (OrderState.CANCELLED, None, True)
        assert (await world.answer(CommandKind.ALLOW_REENTRY, entry.id)).startswith("done")
        await world.until("10:05")
        assert not (await world.entry()).holds_day
        await world.stop()

    in_world(day, tmp_path, trading=AFTER_TEN)


def test_a_cancel_that_somebody_else_made_meanwhile_needs_an_operators_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker took this console's cancel too, and says that another user ended the order."""

    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        ours = values.order_report

        def by_bert(order: SimOrder) -> OrderReport:
            return replace(ours(order), cancelled_by="bert" if order.status == "Cancelled" else "")

        monkeypatch.setattr(values, "order_report", by_bert)
        await world.start()
        await world.until("10:05")
        entry = await world.entry()
        assert (entry.state, entry.cancelled_by, entry.holds_day) == (OrderState.CANCELLED, "bert", True)
        assert entry.engine_cancel_at is not None
        assert fate_words(fate_of(entry)) == "CANCELLED at the broker by bert"
        await world.stop()

    in_world(day, tmp_path, trading=AFTER_TEN)


@pytest.mark.parametrize("after_s", [15, 45])
def test_a_cancel_that_the_broker_took_and_did_not_carry_out_frees_no_day(tmp_path: Path, after_s: int) -> None:
    """Then the owner cancels by hand, as the same user: only the times tell that it was not this console's cancel."""

    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        world.broker.arm(FaultKind.ORDERS_CANCEL_IGNORED)
        await world.start()
        while not await _cancel_texts(world):
            await world.clock.sleep(0.5)
        await world.clock.sleep(after_s)
        entry = await world.entry()
        assert entry.state is OrderState.WORKING
        world.exchange.cancel(ACCOUNT, int(entry.order_id or ""), world.clock.now())
        await world.until("10:05")
        entry = await world.entry()
        assert (entry.state, entry.holds_day) == (OrderState.CANCELLED, True)
        assert fate_of(entry).needs_word
        assert (await world.answer(CommandKind.ALLOW_REENTRY, entry.id)).startswith("done")
        await world.until("10:10")
        assert not (await world.entries())[0].holds_day
        await world.stop()

    in_world(day, tmp_path, trading=AFTER_TEN)


def test_a_second_cancel_of_the_console_that_is_carried_out_frees_the_day(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        world.broker.arm(FaultKind.ORDERS_CANCEL_IGNORED)
        await world.start()
        await world.until("09:59:30")
        entry = await world.entry()
        assert (entry.state, entry.cancelled_by, entry.holds_day) == (OrderState.CANCELLED, "", False)
        assert len(await _cancel_texts(world)) == 2
        await world.stop()

    in_world(day, tmp_path, trading=AFTER_TEN)


def test_a_cancel_that_came_too_late_says_how_the_order_ended(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        world.broker.arm(FaultKind.REST_DELAY_BEFORE, method="DELETE", seconds=8)
        await world.start()
        while not await _cancel_texts(world):
            await world.clock.sleep(0.5)
        entry = await world.entry()
        world.exchange.cancel(ACCOUNT, int(entry.order_id or ""), world.clock.now(), by="bert")
        await world.clock.sleep(30)
        told = (await _cancel_texts(world))[1]
        assert told.endswith(": it was cancelled before the cancel arrived")
        assert (await world.entry()).holds_day
        await world.stop()

    in_world(day, tmp_path, trading=AFTER_TEN)


def test_by_default_it_is_left_working(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("09:57")
        assert (await world.entry()).state is OrderState.WORKING
        assert await _cancel_texts(world) == []
        await world.stop()

    in_world(day, tmp_path)


def test_a_filled_entry_is_left_alone(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:57")
        assert (await world.entry()).state is OrderState.FILLED
        assert await _cancel_texts(world) == []
        await world.stop()

    in_world(day, tmp_path, trading=AFTER_TEN)


def test_a_cancel_whose_answer_is_lost_is_asked_again_a_minute_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        asked: list[str] = []
        cancel = world.broker.cancel

        async def lost_once(account: str, order_id: str) -> None:
            asked.append(f"{exchange_time(world.clock.now()):%H:%M}")
            if len(asked) == 1:
                raise BrokerError(BrokerFault.UNREACHABLE, "no answer within 10 s")
            await cancel(account, order_id)

        monkeypatch.setattr(world.broker, "cancel", lost_once)
        await world.start()
        await world.until("09:55:50")
        assert (await world.entry()).state is OrderState.WORKING
        assert len(asked) == 1
        await world.until("09:57")
        assert (await world.entry()).state is OrderState.CANCELLED
        assert asked == ["09:55", "09:56"]
        assert "not acknowledged (no answer within 10 s)" in (await _cancel_texts(world))[1]
        await world.stop()

    in_world(day, tmp_path, trading=AFTER_TEN)


@pytest.mark.parametrize("asked_by", ["the engine", "an operator"])
def test_a_cancel_that_comes_after_the_fill_says_that_the_order_was_filled_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked_by: str
) -> None:
    """The broker's refusal comes before any alert: the order itself is read for what became of it."""

    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        cancel = world.broker.cancel

        async def late(account: str, order_id: str) -> None:
            world.broker.arm(FaultKind.ALERTS_LOST, count=None)
            world.exchange.fill_plan = "immediate"
            while not all(order.terminal for order in world.exchange.live_orders(account, world.clock.now())):
                await world.clock.sleep(0.5)
            await cancel(account, order_id)

        monkeypatch.setattr(world.broker, "cancel", late)
        await world.start()
        await world.until("09:46")
        if asked_by == "an operator":
            told = await world.answer(CommandKind.CANCEL)
            assert told == "refused: nothing is cancelled: the order was filled before the cancel arrived"
        else:
            await world.until("10:02")
            assert (await _cancel_texts(world))[1].endswith(": it was filled before the cancel arrived")
        assert (await world.entry()).state is OrderState.FILLED
        await world.stop()

    in_world(day, tmp_path, trading=AFTER_TEN, poll_s=60)
