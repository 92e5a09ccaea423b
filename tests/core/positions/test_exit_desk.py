"""What comes next for a trident is done once, whatever is lost, late or filled meanwhile (rules 15.4, 15.7)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.domain.operation.reasons import Reason, Refusal
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import TimeInForce
from core.domain.positions.actions import (
    Cancel,
    CancelWhy,
    End,
    LeaveToDesk,
    MarkSettling,
    MarkSplit,
    PlaceClose,
    PlaceTargets,
    Prove,
    Wait,
)
from core.domain.positions.exits import Exit
from core.domain.positions.plans import target_plan
from core.domain.positions.refusals import refused_at
from core.domain.positions.targets import target_price
from core.domain.positions.tridents import HandsOff, Phase
from core.domain.positions.units import UnitState
from core.domain.reporting.alerts import AlertKind
from core.domain.reporting.exit_alerts import PROOF_S, ExitFacts, TridentFacts, due_exit_alerts
from core.domain.trident.trident import Action as LegAction
from core.positions.complete_reads import CompleteRead
from core.positions.exit_desk import AFTER_A_REFUSAL_S, Done
from core.positions.proofs import PROOF_READ_S
from core.simulator.exchange.faults import FaultKind
from tests.support.exit_room import CALL, FAR, LIVE_AFTER_S, PUT_1, PUT_2, Room, room_of, time_exit, with_a_trident
from tests.support.world import ACCOUNT, World, in_world

ORDERS = f"/accounts/{ACCOUNT}/orders"
PUTS = (PUT_1, PUT_2)
WHOLE, CLOSED = UnitState.WHOLE, UnitState.CLOSED


def closes(world: World) -> list[str]:
    """The identifiers of the closing orders that left, in their order."""
    return [posted.request.identifier for posted in world.broker.posted if posted.request.closes]


def test_targets_rest_at_the_rules_prices_each_strict_and_until_cancelled(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        targets = await room.targets(entry)
        trident = (await room.view(entry)).trident
        assert [one.units for one in targets] == [(PUT_1,), (PUT_2,), (CALL,)]
        for one, unit in zip(targets, trident.units, strict=True):
            percent = trident.rules.targets[unit.name]
            assert unit.credit is not None
            assert percent is not None
            assert one.debit == target_price(unit.credit, percent, trident.ticks)
            assert (one.basis, one.cap, one.sent_at is not None) == (unit.credit, None, True)
        for posted in world.broker.posted[1:]:
            request = posted.request
            assert (request.strict, request.time_in_force, request.closes) == (True, TimeInForce.GTC, True)
            assert [(leg.action, leg.quantity) for leg in request.legs] == [
                (LegAction.BUY_TO_CLOSE, 1),
                (LegAction.SELL_TO_CLOSE, 1),
            ]
            assert request.identifier.startswith("senexit-")
        assert isinstance(await room.due(entry), Wait)
        await world.stop()

    in_world(day, tmp_path)


def test_a_time_exit_cancels_proves_and_places_what_is_left(tmp_path: Path) -> None:
    """A target fills as it starts: what is left of the trident is one order of its own shape."""

    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        targets = await room.targets(entry)
        await room.closing(entry)
        await world.clock.sleep(LIVE_AFTER_S)
        world.broker.arm(FaultKind.ORDERS_FILL_AFTER_CANCEL, count=1)
        assert await room.cancelled(entry, *reversed(targets)) == Done()
        assert (await room.due(entry)).__class__ is Prove
        await room.follow(entry)
        assert await room.units(entry) == (WHOLE, WHOLE, CLOSED)
        assert {(await room.now(one)).released_at is not None for one in targets} == {True}
        placed = await room.place(entry, PUTS)
        assert isinstance(placed, Exit)
        assert [(leg.action, leg.quantity) for leg in placed.request.legs] == [
            (LegAction.BUY_TO_CLOSE, 2),
            (LegAction.SELL_TO_CLOSE, 2),
        ]
        assert (placed.request.time_in_force, placed.request.strict) == (TimeInForce.DAY, True)
        assert (placed.cap, placed.mid, placed.natural) == (Decimal("0.50"), FAR.mid, FAR.natural)
        assert len(closes(world)) == 4
        await world.stop()

    in_world(day, tmp_path)


def test_the_cancel_is_on_record_with_its_reason_before_the_broker_hears_of_it(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        [target, *_] = await room.targets(entry)
        cancel, seen = world.broker.cancel, []

        async def looked(number: str, order_id: str) -> None:
            seen.append(await room.now(target))
            await cancel(number, order_id)

        world.broker.cancel = looked  # type: ignore[method-assign]
        await room.cancelled(entry, target, why=CancelWhy.STEP)
        [before] = seen
        assert (before.cancel_why, before.state) == (CancelWhy.STEP.value, OrderState.WORKING)
        await world.stop()

    in_world(day, tmp_path)


def test_nothing_is_sent_for_units_before_the_end_of_their_order_is_proved(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        targets = await room.targets(entry)
        await room.closing(entry)
        await room.cancelled(entry, *targets)
        await world.clock.sleep(5)  # the alerts have told of the ends
        assert {(await room.now(one)).state for one in targets} == {OrderState.CANCELLED}
        refused = await room.place(entry)
        assert isinstance(refused, Refusal)
        assert refused.reason is Reason.NOT_CLAIMED
        assert len(closes(world)) == 3
        assert await room.proved(entry, *targets) == Done()
        assert isinstance(await room.place(entry), Exit)
        await world.stop()

    in_world(day, tmp_path)


def test_the_proof_is_a_read_that_began_after_the_end_was_shown(tmp_path: Path) -> None:
    """A read under way when the order's end is shown proves nothing: it may be of before the last fill."""

    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        [target, *others] = await room.targets(entry)
        await room.cancelled(entry, target)
        order, positions = world.broker.order, world.broker.positions
        shown: list[float] = []
        began: list[float] = []
        under_way: list[asyncio.Task[CompleteRead]] = []

        async def shows(number: str, order_id: str) -> Any:
            early = asyncio.create_task(room.reads.within(ACCOUNT, 0))  # it begins before the answer has come
            while not began:
                await world.clock.sleep(0.001)
            report = await order(number, order_id)
            shown.append(world.clock.monotonic())
            under_way.append(early)
            return report

        async def reads(number: str) -> Any:
            began.append(world.clock.monotonic())
            return await positions(number)

        world.broker.order, world.broker.positions = shows, reads  # type: ignore[method-assign]
        assert await room.proved(entry, target) == Done()
        assert len(shown) == 1
        assert len(began) == 2
        assert began[0] < shown[0] <= began[1]
        proofs = [seen for seen in await world.records.exits.evidence(target.id) if seen.kind == "positions"]
        assert [(seen.complete, seen.detail["order"]) for seen in proofs] == [(True, target.order_id)]
        assert others
        await world.stop()

    in_world(day, tmp_path)


def test_one_listing_shows_the_ends_of_many(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        targets = await room.targets(entry)
        await room.cancelled(entry, *targets)
        await world.clock.sleep(LIVE_AFTER_S)  # the cancels are carried out
        asked: list[str] = []
        order = world.broker.order

        async def counted(number: str, order_id: str) -> Any:
            asked.append(order_id)
            return await order(number, order_id)

        world.broker.order = counted  # type: ignore[method-assign]
        assert await room.proved(entry, *targets) == Done()
        assert asked == []
        await world.stop()

    in_world(day, tmp_path)


def test_an_order_that_is_not_listed_any_more_is_read_by_its_id(tmp_path: Path) -> None:
    """That it is missing from a listing never proves its end."""

    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        targets = await room.targets(entry)
        await room.cancelled(entry, *targets)
        await world.clock.sleep(LIVE_AFTER_S)  # the cancels are carried out
        asked: list[str] = []
        order, live = world.broker.order, world.broker.live_orders

        async def counted(number: str, order_id: str) -> Any:
            asked.append(order_id)
            return await order(number, order_id)

        async def short(number: str) -> Any:
            return tuple(report for report in await live(number) if report.order_id != targets[1].order_id)

        world.broker.order, world.broker.live_orders = counted, short  # type: ignore[method-assign]
        assert await room.proved(entry, *targets) == Done()
        assert asked == [targets[1].order_id]
        await world.stop()

    in_world(day, tmp_path)


@pytest.mark.parametrize("lost", [FaultKind.REST_DROP_REQUEST, FaultKind.REST_DROP_RESPONSE])
def test_a_lost_cancel_is_read_and_asked_again_only_where_the_order_works(tmp_path: Path, lost: FaultKind) -> None:
    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        targets = await room.targets(entry)
        target = targets[0]
        await room.closing(entry)
        deletes: list[str] = []
        cancel = world.broker.cancel

        async def counted(number: str, order_id: str) -> None:
            deletes.append(order_id)
            await cancel(number, order_id)

        world.broker.cancel = counted  # type: ignore[method-assign]
        world.broker.arm(lost, method="DELETE", path=ORDERS)
        done = await room.cancelled(entry, target)
        assert "nobody knows whether the cancel" in done.why
        assert len(closes(world)) == 3
        await room.follow(entry)
        ended = await room.now(target)
        assert (ended.state, ended.released_at is not None) == (OrderState.CANCELLED, True)
        assert deletes.count(target.order_id or "") == (2 if lost is FaultKind.REST_DROP_REQUEST else 1)
        await world.stop()

    in_world(day, tmp_path)


def test_an_order_that_fills_while_its_cancel_is_on_the_way_is_closed_and_nothing_else_is(tmp_path: Path) -> None:
    """The cancel arrives late and finds the order filled: no second order is sent for its unit."""

    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        targets = await room.targets(entry)
        await room.closing(entry)
        earlier = await room.view(entry)
        await world.clock.sleep(LIVE_AFTER_S)
        world.broker.arm(FaultKind.REST_DELAY_BEFORE, method="DELETE", path=ORDERS, seconds=8.0)
        cancelling = asyncio.create_task(room.cancelled(entry, targets[2]))
        await room.fill(targets[2])
        assert await cancelling == Done()
        assert (await room.now(targets[2])).state is OrderState.FILLED
        await room.cancelled(entry, *targets[:2])
        await room.follow(entry)
        assert await room.units(entry) == (WHOLE, WHOLE, CLOSED)
        refused = await room.placing.place(earlier, time_exit(earlier.trident.units))
        assert isinstance(refused, Refusal)
        assert "call is closed" in refused.sentence()
        assert isinstance(await room.place(entry, PUTS), Exit)
        assert len(closes(world)) == 4
        await world.stop()

    in_world(day, tmp_path)


def test_an_end_without_proof_keeps_its_units_and_is_told_after_two_minutes(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        [target, *_] = await room.targets(entry)
        await room.cancelled(entry, target)
        world.broker.arm(FaultKind.REST_5XX_HTML, count=None, path=f"/accounts/{ACCOUNT}/positions")
        told: list[bool] = []
        for _ in range(75):
            done = await room.proved(entry, target)
            assert done.again_s == PROOF_READ_S, done
            view, waits_s = await room.view(entry), room.proofs.waits_s([target.id])
            facts = TridentFacts(ACCOUNT, view, room.moment(entry), Wait(None, done.why), proof_waits_s=waits_s)
            alerts = [one.kind for one in due_exit_alerts(ExitFacts((facts,)))]
            assert waits_s is not None
            assert (AlertKind.EXIT_NO_PROOF in alerts) is (waits_s >= PROOF_S)
            told.append(AlertKind.EXIT_NO_PROOF in alerts)
            await world.clock.sleep(done.again_s or 0.0)
        assert (told[0], told[-1]) == (False, True)
        assert (await room.now(target)).released_at is None
        world.broker.faults.clear()
        assert await room.proved(entry, target) == Done()
        await world.stop()

    in_world(day, tmp_path)


def test_a_process_that_died_before_its_cancel_left_has_it_asked_by_the_next(tmp_path: Path) -> None:
    async def days(world: World) -> None:
        entry, room = await with_a_trident(world)
        [target, *_] = await room.targets(entry)
        await world.records.exits.ask_cancel(target.id, "this console", CancelWhy.STEP.value, world.clock.now())
        await world.crash()
        await world.start()
        await world.clock.sleep(5)
        room = room_of(world)
        await room.ready()
        assert isinstance(await room.due(entry), Prove)
        assert "is working" in (await room.proved(entry, target)).why
        await world.clock.sleep(2)
        assert await room.proved(entry, target) == Done()
        ended = await room.now(target)
        assert (ended.state, ended.cancel_why) == (OrderState.CANCELLED, CancelWhy.STEP.value)
        await world.stop()

    in_world(days, tmp_path)


def test_a_fill_that_the_positions_show_late_is_waited_for(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        await room.closing(entry)
        placed = await room.place(entry, PUTS)
        assert isinstance(placed, Exit)
        world.broker.arm(FaultKind.POSITIONS_LAG, count=None, seconds=9.0)
        await room.fill(placed, 1)
        await room.cancelled(entry, placed)
        await world.clock.sleep(LIVE_AFTER_S)
        done = await room.proved(entry, placed)
        assert "do not agree yet" in done.why
        assert (await room.now(placed)).released_at is None
        waited = room.proofs.waits_s([placed.id])
        assert waited is not None
        assert 0 < waited < 9
        refused = await room.place(entry, (PUT_2,))
        assert isinstance(refused, Refusal)
        assert isinstance(await room.follow(entry), Wait)
        assert room.proofs.waits_s([placed.id]) is None
        ended = await room.now(placed)
        assert (ended.state, ended.released_at is not None) == (OrderState.CANCELLED, True)
        assert await room.units(entry) == (CLOSED, WHOLE, WHOLE), "put-1 is closed first"
        rest = await room.place(entry, (PUT_2, CALL))
        assert isinstance(rest, Exit)
        assert [leg.quantity for leg in rest.request.legs] == [1, 1, 1, 1]
        await world.stop()

    in_world(day, tmp_path)


def test_two_that_place_on_one_unit_at_once_send_one_order(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        await room.closing(entry)
        placed = await asyncio.gather(room.place(entry), room.place(entry, PUTS), room.place(entry, (CALL,)))
        exits = [one for one in placed if isinstance(one, Exit)]
        held = [name for one in exits for name in one.units]
        assert len(held) == len({*held}) > 0
        assert {one.reason for one in placed if isinstance(one, Refusal)} == {Reason.NOT_CLAIMED}
        assert sorted(closes(world)) == sorted(one.identifier for one in exits)
        await world.stop()

    in_world(day, tmp_path)


Step = Callable[[Room], tuple[object, str]]
_STEPS: dict[str, Step] = {
    "prepared": lambda room: (room.engine.parts.records.exits, "prepare"),
    "guarded": lambda room: (room.placing.guards, "refusal"),
    "marked sent": lambda room: (room.engine.parts.records.exits, "mark_sent"),
    "sent": lambda room: (room.engine.parts.broker, "send"),
    "acknowledged": lambda room: (room.engine.tracker, "acknowledged"),
}


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("step", _STEPS)
def test_a_kill_between_a_commit_and_the_request_sends_no_second_order(
    tmp_path: Path, step: str, *, before: bool
) -> None:
    """The next process goes on from what is recorded: what did not leave is free again, what may have left is not."""

    async def days(world: World) -> None:
        entry, room = await with_a_trident(world)
        await room.closing(entry)
        reached = asyncio.Event()
        on, name = _STEPS[step](room)
        real: Callable[..., Coroutine[Any, Any, object]] = getattr(on, name)

        async def killed(*given: Any, **more: Any) -> object:
            if not before:
                await real(*given, **more)
            reached.set()
            return await asyncio.Event().wait()

        setattr(on, name, killed)
        placing = asyncio.create_task(room.place(entry, PUTS))
        await reached.wait()
        setattr(on, name, real)
        await world.crash()
        placing.cancel()
        left = len(closes(world))
        await world.start()
        await world.clock.sleep(5)
        room = room_of(world)
        await room.ready()
        exits = (await room.view(entry)).exits
        assert len(exits) == (0 if (step, before) == ("prepared", True) else 1)
        may_be_there = {OrderState.UNKNOWN, OrderState.WORKING}
        if left:
            assert exits[0].state is OrderState.WORKING
        second = await room.place(entry, PUTS)
        if exits and exits[0].state in may_be_there:
            assert isinstance(second, Refusal)
            assert second.reason is Reason.NOT_CLAIMED
            assert len(closes(world)) == left <= 1
        else:
            assert left == 0
            assert {one.state for one in exits} <= {OrderState.NOT_SENT}
            assert isinstance(second, Exit), second
            assert len(closes(world)) == 1
        await world.stop()

    in_world(days, tmp_path)


def test_three_refusals_of_the_broker_are_counted_from_the_records(tmp_path: Path) -> None:
    """Of several targets the first refusal ends the turn: it counts as one. The next process knows it too."""

    async def days(world: World) -> None:
        entry, room = await with_a_trident(world)
        world.broker.refuse_orders = 3
        for count in (1, 2, 3):
            view = replace(await room.view(entry), refused_at=())
            plans = tuple(target_plan(unit, Decimal("0.70")) for unit in view.trident.units)
            action = await room.due(entry)
            assert isinstance(action, PlaceTargets), (action, plans)
            done = await room.desk.do(view, action)
            assert done.again_s == AFTER_A_REFUSAL_S
            assert "the broker refused the order" in done.why
            assert len(refused_at((await room.view(entry)).exits, world.day)) == count
        await world.crash()
        await world.start()
        room = room_of(world)
        await room.ready()
        refused = refused_at((await room.view(entry)).exits, world.day)
        assert len(refused) == 3
        assert {one.released_at is not None for one in (await room.view(entry)).exits} == {True}
        await world.stop()

    in_world(days, tmp_path)


def test_an_unknown_answer_holds_its_units_and_lets_the_others_go_on(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        await room.closing(entry)
        world.broker.arm(FaultKind.REST_DROP_REQUEST, method="POST", path=ORDERS)
        refused = await room.place(entry, PUTS)
        assert isinstance(refused, Refusal)
        assert refused.reason is Reason.OUTCOME_UNKNOWN
        again = await room.place(entry, PUTS)
        assert isinstance(again, Refusal)
        assert again.reason is Reason.NOT_CLAIMED
        assert isinstance(await room.place(entry, (CALL,)), Exit)
        await world.stop()

    in_world(day, tmp_path)


def test_what_is_marked_is_recorded_and_told(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        await room.closing(entry)
        await room.do(entry, MarkSplit())
        record = await world.records.tridents.get(entry.id)
        assert (record.trident.phase, record.trident.split) == (Phase.CLOSING, True)
        await room.do(entry, LeaveToDesk())
        record = await world.records.tridents.get(entry.id)
        assert (record.trident.hands_off, record.desk_day) == (HandsOff.DESK, world.day)
        refused = await room.place(entry)
        assert isinstance(refused, Refusal)
        assert "left" in refused.sentence() or "desk" in refused.sentence()
        await room.do(entry, MarkSettling())
        assert (await world.records.tridents.get(entry.id)).trident.phase is Phase.SETTLING
        told = [event.kind for event in await world.records.journal.newest(50) if event.kind.startswith("trident.")]
        assert {"trident.closing", "trident.split", "trident.hands_off", "trident.settling"} <= {*told}
        await world.stop()

    in_world(day, tmp_path)


def test_a_trident_ends_with_its_last_unit(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        await room.closing(entry)
        placed = await room.place(entry)
        assert isinstance(placed, Exit)
        await room.fill(placed)
        await world.clock.sleep(10)
        assert await room.due(entry) == End()
        assert await room.do(entry, End()) == Done()
        assert (await world.records.tridents.get(entry.id)).trident.phase is Phase.ENDED
        await world.stop()

    in_world(day, tmp_path)


def test_a_cancel_goes_while_nothing_may_be_sent(tmp_path: Path) -> None:
    """It needs the lock and the login alone."""

    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        [target, *_] = await room.targets(entry)
        (world.folder / "HALT-ALL").touch()
        units = tuple(unit for unit in (await room.view(entry)).trident.units if unit.name is CALL)
        done = await room.do(entry, PlaceClose(time_exit(units)))
        assert "HALT-ALL" in done.why
        assert await room.do(entry, Cancel((target.id,), CancelWhy.LEFT_ALONE)) == Done()
        await world.clock.sleep(LIVE_AFTER_S)
        assert await room.proved(entry, target) == Done()
        assert (await room.now(target)).state is OrderState.CANCELLED
        assert len((await room.view(entry)).exits) == 3, "what is barred leaves no intent behind"
        await world.stop()

    in_world(day, tmp_path)
