"""What others do to a trident while the console runs, on the real engine and a simulated broker (rules 15.5)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from core.domain.operation.breakers import BreakerKind
from core.domain.orders.order_states import OrderState
from core.domain.positions.tridents import HandsOff, Phase
from core.domain.positions.units import Ended, UnitName, UnitState
from tests.support.trident_world import (
    CALL,
    PUT_1,
    PUT_2,
    close_by_hand,
    closes_sent,
    exits_of,
    nothing_opened,
    targets_placed,
    targets_rest,
    trident,
    until,
    working,
)
from tests.support.world import ACCOUNT, MONDAY, World, account, et, in_world

EARLY = et(MONDAY, "09:43:30")


async def states(world: World) -> dict[UnitName, tuple[UnitState, Ended | None]]:
    return {unit.name: (unit.state, unit.how) for unit in (await trident(world)).trident.units}


@pytest.mark.parametrize("off_meanwhile", [False, True], ids=["running", "restarted"])
def test_a_unit_closed_by_hand_between_two_reads_loses_its_order_and_the_others_rest(
    tmp_path: Path, off_meanwhile: bool
) -> None:
    async def day(world: World) -> None:
        targets = await targets_placed(world)
        sent = closes_sent(world)
        if off_meanwhile:
            await world.stop()
        close_by_hand(world, "C")
        if off_meanwhile:
            await world.clock.sleep(30)
            await world.start()

        async def gone() -> bool:
            return (await states(world))[CALL] == (UnitState.GONE, Ended.HAND)

        await until(world, gone)
        rest = await targets_rest(world, (PUT_1, PUT_2))
        assert [rest[name].id for name in (PUT_1, PUT_2)] == [targets[name].id for name in (PUT_1, PUT_2)]
        assert closes_sent(world) == sent, "and nothing more was sent"
        assert (await trident(world)).trident.hands_off is HandsOff.NONE
        assert BreakerKind.MISMATCH not in {one.kind for one in world.engine.breakers.open_now}
        assert nothing_opened(world)
        await world.stop()

    in_world(day, tmp_path, start=EARLY)


def test_the_alert_of_a_close_by_hand_has_the_account_read_at_once(tmp_path: Path) -> None:
    """It carries no identifier. Two reads that show the same 30 s apart make it believed, and the next regular one is a
    minute away."""

    async def day(world: World) -> None:
        await targets_placed(world)

        async def just_read() -> bool:
            newest = world.engine.exits.reads.newest(ACCOUNT)
            return newest is not None and world.clock.boottime() - newest.began_s < 2

        await until(world, just_read)
        close_by_hand(world, "C")
        await world.clock.sleep(5)  # positions follow a fill by up to 3 s
        assert world.engine.exits.changes.others_traded(ACCOUNT)
        await world.clock.sleep(55)
        assert (await states(world))[CALL] == (UnitState.GONE, Ended.HAND)
        await world.stop()

    in_world(day, tmp_path, start=EARLY)


def test_a_unit_closed_by_hand_is_seen_after_the_close_of_the_session_and_halts_nothing(tmp_path: Path) -> None:
    """No console runs when it is closed; the next one starts in the evening, when positions are read only on demand."""

    async def day(world: World) -> None:
        await targets_placed(world)
        await world.stop()
        await world.until("15:58")
        close_by_hand(world, "C")
        await world.until("16:30")
        await world.start()

        async def gone() -> bool:
            return (await states(world))[CALL] == (UnitState.GONE, Ended.HAND)

        await until(world, gone, within_s=120)
        await world.clock.sleep(120)
        assert BreakerKind.MISMATCH not in {one.kind for one in world.engine.breakers.open_now}
        await world.stop()

    in_world(day, tmp_path, start=EARLY)


def test_a_trident_closed_by_hand_whole_ends_with_its_orders(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await targets_placed(world)
        sent = closes_sent(world)
        close_by_hand(world, "PC")
        close_by_hand(world, "P")

        async def ended() -> bool:
            return (await trident(world)).trident.phase is Phase.ENDED

        await until(world, ended)
        assert set((await states(world)).values()) == {(UnitState.GONE, Ended.HAND)}
        assert await world.records.exits.open_of(ACCOUNT) == ()
        assert closes_sent(world) == sent
        assert nothing_opened(world)
        await world.stop()

    in_world(day, tmp_path, start=EARLY)


def test_what_the_desk_closes_is_left_to_it_for_the_day(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await targets_placed(world)
        sent = closes_sent(world)
        world.exchange.back_office.liquidate(ACCOUNT, world.clock.now())

        async def gone() -> bool:
            return set((await states(world)).values()) == {(UnitState.GONE, Ended.DESK)}

        await until(world, gone)
        record = await trident(world)
        assert (record.trident.hands_off, record.desk_day) == (HandsOff.DESK, world.day)
        await until(world, lambda: _no_exit_is_open(world))
        assert closes_sent(world) == sent
        assert nothing_opened(world)
        await world.stop()

    in_world(day, tmp_path, start=EARLY)


@pytest.mark.parametrize("restarts", [False, True])
def test_an_assigned_put_has_its_side_counted_again_and_stops_entries(tmp_path: Path, restarts: bool) -> None:
    async def day(world: World) -> None:
        targets = await targets_placed(world)
        short = next(unit.short for unit in (await trident(world)).trident.units if unit.name is PUT_1)
        world.exchange.back_office.assign(ACCOUNT, short, 1, world.clock.now())
        if restarts:
            await world.crash()
            await world.start()

        async def broken() -> bool:
            return (await states(world))[PUT_2][0] is UnitState.BROKEN

        await until(world, broken)
        if not restarts:  # else nobody knows how many shares came, before the broker's row is there
            assert (await states(world))[PUT_2] == (UnitState.BROKEN, Ended.ASSIGNED)
            assert BreakerKind.ASSIGNED in {one.kind for one in world.engine.breakers.open_now}

        async def again() -> bool:
            now = await working(world)
            return now.keys() == {PUT_1, CALL} and now[PUT_1].id != targets[PUT_1].id

        await until(world, again)
        rest = await working(world)
        assert rest[CALL].id == targets[CALL].id
        (unit,) = [unit for unit in (await trident(world)).trident.units if unit.name is PUT_1]
        assert unit.state is UnitState.WHOLE
        assert rest[PUT_1].debit == targets[PUT_1].debit
        assert nothing_opened(world)
        await world.stop()

    in_world(day, tmp_path, start=EARLY, accounts=[account(cash="100000")])  # which can pay for the shares


def test_a_split_leaves_the_trident_alone_for_good(tmp_path: Path) -> None:
    async def days(world: World) -> None:
        targets = await targets_placed(world)
        sent = closes_sent(world)
        await world.stop()
        world.exchange.back_office.split("QQQ", Decimal(2), date(2026, 3, 3), world.clock.now())
        await world.until("10:00", "2026-03-03")
        await world.start()

        async def adjusted() -> bool:
            return (await trident(world)).trident.hands_off is HandsOff.ADJUSTED

        await until(world, adjusted)
        await world.clock.sleep(120)
        record = await trident(world)
        assert set((await states(world)).values()) == {(UnitState.GONE, Ended.SPLIT)}
        assert record.trident.phase is Phase.OPEN, "it is shown as long as its contracts may live"
        assert await world.records.exits.open_of(ACCOUNT) == ()
        ended = [one.state for one in await exits_of(world, record.id)]
        assert ended == [OrderState.CANCELLED] * len(targets)
        assert closes_sent(world) == sent
        await world.stop()

    in_world(days, tmp_path, start=EARLY)


async def _no_exit_is_open(world: World) -> bool:
    return await world.records.exits.open_of(ACCOUNT) == ()
