"""An order that the broker does not know any more: over where its end was shown before, and nothing proved where it was
not (rules 15.4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.broker.port import BrokerError, BrokerFault, Position
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, OrderReport
from core.domain.positions.exits import Exit
from tests.support.exit_room import LIVE_AFTER_S, PUT_1, Room, with_a_trident
from tests.support.world import ACCOUNT, World, in_world


async def forgotten(world: World, one: Exit) -> None:
    """The broker knows the order no longer."""
    world.exchange.back_office.forget(ACCOUNT, int(one.order_id or ""), world.clock.now())
    with pytest.raises(BrokerError) as raised:
        await world.broker.order(ACCOUNT, one.order_id or "")
    assert raised.value.fault is BrokerFault.NOT_FOUND


async def cancelled(world: World) -> tuple[Entry, Room, Exit]:
    """A trident whose first target was cancelled, as an alert has told."""
    entry, room = await with_a_trident(world)
    target = (await room.targets(entry))[0]
    await room.cancelled(entry, target)
    await world.clock.sleep(LIVE_AFTER_S + 2)
    assert (await room.now(target)).state is OrderState.CANCELLED
    return entry, room, target


def test_an_end_on_record_stands_though_the_broker_forgot_the_order(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry, room, target = await cancelled(world)
        await forgotten(world, target)
        assert (await room.now(target)).released_at is None, "its end alone frees nothing"
        assert (await room.proved(entry, target)).why == ""
        assert (await room.now(target)).released_at is not None
        [proof] = [one for one in await world.records.exits.evidence(target.id) if one.kind == "positions"]
        assert proof.complete
        await room.closing(entry)
        assert isinstance(await room.place(entry, (PUT_1,)), Exit)
        await world.stop()

    in_world(day, tmp_path)


def test_an_order_that_was_never_seen_to_end_keeps_its_units_when_it_is_forgotten(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        [target, *_] = await room.targets(entry)
        await world.clock.sleep(LIVE_AFTER_S)
        await forgotten(world, target)
        done = await room.proved(entry, target)
        assert f"order {target.order_id} cannot be read" in done.why
        now = await room.now(target)
        assert (now.state, now.released_at, now.holds_units) == (OrderState.WORKING, None, True)
        await world.stop()

    in_world(day, tmp_path)


def test_an_end_on_record_frees_nothing_while_positions_speak_against_it(tmp_path: Path) -> None:
    """The order may have filled before its end: what it closed is missing, and its fill is not on record."""

    async def day(world: World) -> None:
        entry, room, target = await cancelled(world)
        unit = next(unit for unit in (await room.view(entry)).trident.units if unit.name is PUT_1)
        positions = world.broker.positions

        async def fewer(number: str) -> tuple[Position, ...]:
            return tuple(
                replace(one, quantity=one.quantity - 1) if one.symbol in (unit.short, unit.long) else one
                for one in await positions(number)
            )

        world.broker.positions = fewer  # type: ignore[method-assign]
        await forgotten(world, target)
        done = await room.proved(entry, target)
        assert f"the positions do not agree yet with the end of order {target.order_id}" in done.why
        assert (await room.now(target)).released_at is None
        await world.stop()

    in_world(day, tmp_path)


def test_another_order_that_has_its_id_by_now_shows_no_end_of_it(tmp_path: Path) -> None:
    """A broker may begin its ids again: neither a listing nor the id alone tells whose order it is."""

    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        targets = await room.targets(entry)
        one = targets[0]
        live, order = world.broker.live_orders, world.broker.order

        def other(report: OrderReport) -> OrderReport:
            """An ended order of another day under the id of the first target."""
            if report.order_id != one.order_id or report.received_at is None:
                return report
            before = report.received_at - timedelta(days=1)
            return replace(report, status="Cancelled", identifier=None, received_at=before, terminal_at=before)

        async def listed(number: str) -> tuple[OrderReport, ...]:
            return tuple(other(report) for report in await live(number))

        async def by_id(number: str, order_id: str) -> OrderReport:
            return other(await order(number, order_id))

        world.broker.live_orders, world.broker.order = listed, by_id  # type: ignore[method-assign]
        done = await room.proved(entry, *targets)
        assert f"order {one.order_id} cannot be read: order {one.order_id} is another one by now" in done.why
        assert (await room.now(one)).state is OrderState.WORKING
        await world.stop()

    in_world(day, tmp_path)
