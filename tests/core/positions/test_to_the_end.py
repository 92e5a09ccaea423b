"""A trident to its end, on the real engine and a simulated broker: targets, time exit, and what comes between (rules
15)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core.broker.port import Metrics
from core.domain.operation.account_settings import AccountField
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import CommandKind
from core.domain.operation.events import Event, Severity
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import TimeInForce
from core.domain.positions.exits import ExitKind
from core.domain.positions.tridents import HandsOff, Phase
from core.domain.positions.units import Ended, UnitName, UnitState, left_of
from core.guards.kill_files import halt_all_file
from core.simulator.exchange.faults import Fault, FaultKind, FaultMatch
from core.simulator.in_process.broker import InProcessBroker
from tests.support.trident_world import (
    CALL,
    EARLY,
    PUT_1,
    PUT_2,
    exits_of,
    fill,
    held,
    off_until,
    opened_again,
    percent_of,
    set_account,
    targets_placed,
    targets_rest,
    trident,
    until,
    working,
)
from tests.support.world import ACCOUNT, World, account, et, in_world

"""What is foreign is known before the first entry: that takes two reads 30 s apart."""
ALL = tuple(UnitName)
OTHER = "5WT00002"
CENT = Decimal("0.01")


def test_targets_rest_seconds_after_the_fill_and_one_that_fills_leaves_the_others(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        targets = await targets_placed(world)
        record = await trident(world)
        for name, percent in ((PUT_1, 40), (PUT_2, 60), (CALL, 40)):
            one = targets[name]
            assert one.debit == percent_of(record.trident, name, percent)
            assert (one.request.time_in_force, one.request.strict) == (TimeInForce.GTC, True)
            assert one.sent_at is not None
            assert 5 <= (one.sent_at - record.trident.filled_at).total_seconds() < 10
        fill(world, targets[PUT_2])
        rest = await targets_rest(world, (PUT_1, CALL))
        assert [rest[name].order_id for name in (PUT_1, CALL)] == [targets[name].order_id for name in (PUT_1, CALL)]
        states = {unit.name: unit.state for unit in (await trident(world)).trident.units}
        assert states == {PUT_1: UnitState.WHOLE, PUT_2: UnitState.CLOSED, CALL: UnitState.WHOLE}
        assert await world.answer(CommandKind.RECONCILE) == "done: reconciliation starts; entries wait for it"
        await world.clock.sleep(120)
        assert world.engine.gate.not_reconciled() == ""
        assert world.engine.breakers.open_now == (), "a filled target is no mismatch"
        await world.stop()

    in_world(day, tmp_path, start=EARLY)


@pytest.mark.parametrize("seen_by", ["its alert", "the next look"])
@pytest.mark.parametrize("kind", [ExitKind.TARGET, ExitKind.TIME])
def test_a_close_that_the_broker_refuses_and_has_all_the_same_is_an_incident_and_no_other_follows(
    tmp_path: Path, kind: ExitKind, seen_by: str
) -> None:
    def contradicts(world: World) -> None:
        if seen_by == "the next look":
            world.broker.arm(FaultKind.ALERTS_LOST, count=30)
        world.broker.arm(FaultKind.REST_REFUSED_AFTER, method="POST", path=f"/accounts/{ACCOUNT}/orders")

    async def weeks(world: World) -> None:
        if kind is ExitKind.TIME:
            await targets_placed(world)
            await off_until(world, "09:59:30", "2026-04-10")
            await world.until("09:59:59.9", "2026-04-10")
            contradicts(world)
            await world.until("10:30", "2026-04-10")
        else:
            world.exits = None
            await world.start()
            await world.until("09:45:10")
            contradicts(world)
            await world.until("10:30")
        [record] = await world.records.tridents.newest(10)
        found = [one for one in await exits_of(world, record.id) if one.kind is kind]
        [incident] = [one for one in found if one.state is OrderState.INCIDENT]
        assert incident.holds_units
        others = [one for one in found if one is not incident]
        assert not {name for one in others for name in one.units} & set(incident.units)
        theirs = [one for one in world.exchange.orders(ACCOUNT) if one.external_identifier == incident.identifier]
        assert [one.id for one in theirs] == [int(incident.order_id or 0)]
        await world.stop()

    in_world(weeks, tmp_path, start=EARLY)


def test_of_many_tridents_one_asks_for_the_dividend_and_the_turns_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[datetime] = []

    async def days(world: World) -> None:
        entry = await held(world)
        await targets_rest(world)
        await opened_again(world, entry)
        await off_until(world, "09:29", "2026-03-03")
        said: list[Event] = []
        world.engine.bus.listen(said.append)
        began = world.clock.now()
        await world.until("09:45", "2026-03-03")
        assert len(await world.records.tridents.held_of(ACCOUNT)) == 2
        assert [event.text for event in said if event.severity is Severity.CRITICAL] == []
        of_turns = [at for at in asked if began <= at < et("2026-03-03", "09:44")]
        assert len(of_turns) == 1, "cycles ask later, for their own needs"
        await world.stop()

    read = InProcessBroker.metrics

    async def counted(broker: InProcessBroker, symbols: Sequence[str]) -> tuple[Metrics, ...]:
        asked.append(broker.clock.now())
        return await read(broker, symbols)

    monkeypatch.setattr(InProcessBroker, "metrics", counted)
    in_world(days, tmp_path, start=EARLY)


def test_a_console_that_starts_again_takes_a_target_that_filled_for_no_difference(tmp_path: Path) -> None:
    """Until its first complete read it looked for all that the entry had opened, and stopped the account's entries."""

    async def day(world: World) -> None:
        await held(world)
        fill(world, (await targets_rest(world))[PUT_2])
        await targets_rest(world, (PUT_1, CALL))
        await world.stop()
        await world.until("18:00")  # no account is read completely while the exchange is closed
        await world.start()
        await world.clock.sleep(600)
        assert world.engine.gate.not_reconciled() == ""
        assert world.engine.breakers.open_now == ()
        assert await world.records.journal.newest_of_kind("positions.compared") == ()
        await world.stop()

    in_world(day, tmp_path, start=EARLY)


def test_the_time_exit_begins_at_ten_of_the_seventh_day_though_nobody_ran_a_console_for_weeks(tmp_path: Path) -> None:
    async def weeks(world: World) -> None:
        targets = await targets_placed(world)
        await off_until(world, "09:50", "2026-04-10")
        await world.until("09:59:50", "2026-04-10")
        resting = await working(world)
        assert {one.order_id for one in resting.values()} == {one.order_id for one in targets.values()}, "they rest on"
        await until(world, lambda: _works(world, ExitKind.TIME))
        record = await trident(world)
        assert (record.trident.phase, record.closing_since) == (Phase.CLOSING, et("2026-04-10", "10:00"))
        (close,) = (await working(world)).values()
        assert close.sent_at is not None
        assert close.sent_at < et("2026-04-10", "10:01")
        assert (close.kind, close.units, close.request.time_in_force) == (ExitKind.TIME, ALL, TimeInForce.DAY)
        assert close.cap is not None
        assert close.mid is not None
        assert close.cap == record.credit, "E at seven days"
        assert close.debit == min(close.cap, max(CENT, close.mid.quantize(CENT, rounding="ROUND_UP")))
        for one in (await exits_of(world, record.id))[:3]:
            assert (one.state, one.kind) == (OrderState.CANCELLED, ExitKind.TARGET)
            assert one.released_at is not None
            assert one.released_at <= close.prepared_at, "proved over before"
        fill(world, close)
        await until(world, lambda: _ended(world))
        units = (await trident(world)).trident.units
        assert [(unit.state, unit.how) for unit in units] == [(UnitState.CLOSED, Ended.TIME)] * 3
        assert await world.records.exits.open_of(ACCOUNT) == ()
        await world.stop()

    in_world(weeks, tmp_path, start=EARLY)


def test_what_stops_exits_is_obeyed_at_once_and_its_end_too(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exits = None
        await world.start()
        assert await world.answer(CommandKind.EXITS, "", "hold because lunch") == "done: exits are held"
        await held(world, running=True)
        await world.clock.sleep(60)
        halts_all = halt_all_file(world.kill_file)
        halts_all.touch()
        assert (await world.answer(CommandKind.EXITS, "", "on")) == "done: exits are on"
        await world.clock.sleep(60)
        assert await exits_of(world, (await trident(world)).id) == ()
        (standing,) = world.engine.exits.turns.standings(ACCOUNT)
        assert str(halts_all) in standing.view.blocked
        halts_all.unlink()
        began = world.clock.now()
        targets = await targets_rest(world)
        sent = [one.sent_at for one in targets.values() if one.sent_at is not None]
        assert max(sent) < began + timedelta(seconds=5)
        await world.stop()

    in_world(day, tmp_path, start=EARLY)


def test_a_close_by_hand_survives_the_end_of_its_process(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        targets = await targets_placed(world)
        record = await trident(world)
        short = record.id[:8]
        assert (await world.answer(CommandKind.CLOSE, short, "unit=puts limit=9.99")).startswith(
            "refused: nothing is closed: a close of put-1, put-2 is worth at most"
        )
        answer = await world.answer(CommandKind.CLOSE, short, "unit=puts limit=0.02")
        orders = f"put-1 (order {targets[PUT_1].order_id}), put-2 (order {targets[PUT_2].order_id})"
        assert answer.endswith(
            f"the close of put-1, put-2 is sent at 0.02, for this session; cancelled first: {orders}"
        )
        await world.crash()
        await world.start()
        await until(world, lambda: _works(world, ExitKind.MANUAL))
        works = await working(world)
        assert set(works) == {"put-1+put-2", CALL}
        close = works["put-1+put-2"]
        assert (close.debit, close.request.time_in_force) == (Decimal("0.02"), TimeInForce.DAY)
        refused = await world.answer(CommandKind.CLOSE, short, "unit=put-1 walk")
        assert refused == (
            f"refused: nothing is closed: put-1, put-2 are being closed at 0.02 (order {close.order_id}); "
            "cancel it first"
        )
        fill(world, close)
        rest = await targets_rest(world, (CALL,))
        assert rest[CALL].order_id == targets[CALL].order_id
        released = await world.answer(CommandKind.RELEASE, short)
        assert "it is yours for good" in released
        await until(world, lambda: _nothing_works(world))
        assert (await trident(world)).trident.hands_off is HandsOff.RELEASED
        await world.clock.sleep(60)
        assert await world.records.exits.open_of(ACCOUNT) == ()
        await world.stop()

    in_world(day, tmp_path, start=EARLY)


def test_new_targets_come_with_the_settings_of_the_account(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await held(world)
        before = await targets_rest(world)
        record = await trident(world)
        await set_account(world, AccountField.TARGET_CALL, 20)
        await set_account(world, AccountField.TARGET_PUT_2, "off")
        assert await targets_rest(world) == before, "a trident keeps what it was filled under"
        answer = await world.answer(CommandKind.RETARGET, record.id)
        assert answer.startswith("done: ")
        after = await targets_rest(world, (PUT_1, CALL))
        assert after[CALL].debit == percent_of(record.trident, CALL, 20)
        assert after[PUT_1].debit == before[PUT_1].debit
        assert not {one.id for one in after.values()} & {one.id for one in before.values()}
        await world.stop()

    in_world(day, tmp_path, start=EARLY)


def test_an_assignment_while_targets_rest_breaks_its_unit_alone(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await held(world)
        before = await targets_rest(world)
        await world.clock.sleep(60)  # the shares of before are known
        short = (await trident(world)).trident.units[0].short
        world.exchange.back_office.assign(ACCOUNT, short, 1, world.clock.now())
        await until(world, lambda: _is_broken(world, PUT_2))

        async def counted_again() -> bool:
            return (await targets_rest(world, (PUT_1, CALL)))[PUT_1].order_id != before[PUT_1].order_id

        await until(world, counted_again)
        after = await targets_rest(world, (PUT_1, CALL))
        assert after[CALL].order_id == before[CALL].order_id
        assert after[PUT_1].debit == before[PUT_1].debit
        units = {unit.name: (unit.state, unit.how) for unit in (await trident(world)).trident.units}
        assert units[PUT_2] == (UnitState.BROKEN, Ended.ASSIGNED)
        assert units[PUT_1][0] is units[CALL][0] is UnitState.WHOLE
        assert BreakerKind.ASSIGNED in {one.kind for one in world.engine.breakers.open_now}
        await world.stop()

    in_world(day, tmp_path, start=EARLY, accounts=[account(cash="100000")])


def test_two_tridents_of_the_same_legs_are_closed_apart(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry = await held(world)
        first = await targets_rest(world)
        second = await opened_again(world, entry)
        await until(world, lambda: _count_works(world, 6))
        of_second = {"+".join(one.units): one for one in await exits_of(world, second.id)}
        fill(world, of_second[PUT_1])
        fill(world, first[CALL])
        await until(world, lambda: _count_works(world, 4))
        await world.answer(CommandKind.RECONCILE)
        await world.clock.sleep(120)
        assert BreakerKind.MISMATCH not in {one.kind for one in world.engine.breakers.open_now}
        both = await world.records.tridents.held_of(ACCOUNT)
        left = {one.id: [unit.name for unit in left_of(one.trident.units)] for one in both}
        assert left == {entry.id: [PUT_1, PUT_2], second.id: [PUT_2, CALL]}
        closed = await world.answer(CommandKind.CLOSE, second.id, "unit=all limit=0.03")
        assert closed.startswith("done: ")
        await until(world, lambda: _works(world, ExitKind.MANUAL))
        (close,) = (await working(world, ExitKind.MANUAL)).values()
        assert (close.trident_id, close.units) == (second.id, (PUT_2, CALL))
        assert {one.order_id for one in await exits_of(world, entry.id) if one.may_fill} == {
            first[PUT_1].order_id,
            first[PUT_2].order_id,
        }
        fill(world, close)
        await until(world, lambda: _count_works(world, 2))
        assert (await world.records.tridents.get(second.id)).trident.phase is Phase.ENDED
        await world.stop()

    in_world(day, tmp_path, start=EARLY, accounts=[account(cash="100000")])


def test_a_trident_of_before_is_managed_only_once_its_exits_are_switched_on(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await held(world, running=True)
        await world.clock.sleep(60)
        before = await trident(world)
        assert before.managed_since is None
        assert world.engine.exits.reads.newest(ACCOUNT) is None, "with exits off nobody asks for it"
        assert world.engine.exits.services() == {}
        await world.stop()
        world.exits = None
        await world.start()
        await world.clock.sleep(90)
        assert await exits_of(world, before.id) == ()
        answer = await world.answer(CommandKind.EXITS, ACCOUNT, "on")
        assert answer == f"done: exits of …0001 are on; 1 trident adopted ({before.id[:8]})"
        targets = await targets_rest(world)
        assert targets[PUT_1].debit == percent_of(before.trident, PUT_1, 40)
        await world.stop()

    in_world(day, tmp_path, start=EARLY)


def test_an_account_that_cannot_be_read_delays_no_other(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exits = None
        await world.start()
        await until(world, lambda: _both_hold(world))  # before 5 s have passed
        world.exchange.fill_plan = "never"
        unread = Fault(FaultKind.REST_5XX_HTML, None, match=FaultMatch(path=f"/accounts/{OTHER}/positions"))
        world.broker.faults.arm(unread, world.clock.now(), world.clock.monotonic())
        await until(world, lambda: _count_works(world, 3))
        (one,) = await world.records.tridents.held_of(ACCOUNT)
        (other,) = await world.records.tridents.held_of(OTHER)
        sent = [target.sent_at for target in await exits_of(world, one.id) if target.sent_at is not None]
        assert max(sent) < one.trident.filled_at + timedelta(seconds=10)
        assert await exits_of(world, other.id) == ()
        world.broker.faults.clear()
        await until(world, lambda: _count_works(world, 3, OTHER))
        await world.stop()

    in_world(day, tmp_path, start=EARLY, accounts=[account(), account(OTHER)])


async def _both_hold(world: World) -> bool:
    return [one.state for one in await world.entries()] == [OrderState.FILLED] * 2


async def _count_works(world: World, count: int, number: str = ACCOUNT) -> bool:
    return sum(one.state is OrderState.WORKING for one in await world.records.exits.open_of(number)) == count


async def _works(world: World, kind: ExitKind) -> bool:
    return bool(await working(world, kind))


async def _nothing_works(world: World) -> bool:
    return not await world.records.exits.open_of(ACCOUNT)


async def _is_broken(world: World, name: UnitName) -> bool:
    return any(unit.name is name and unit.state is UnitState.BROKEN for unit in (await trident(world)).trident.units)


async def _ended(world: World) -> bool:
    return (await trident(world)).trident.phase is Phase.ENDED
