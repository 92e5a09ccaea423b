"""Exits as the real adapter sends them over sockets: every order, and its dry run, is strict (broker 2.3)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from core.domain.orders.order_states import OrderState
from core.domain.positions.actions import PlaceTargets, Wait
from core.domain.positions.exits import Exit
from core.simulator.exchange.orders import SimOrder
from tests.support.exit_room import RULES, Room
from tests.support.wire_world import ACCOUNT, on_the_wire


async def test_every_order_of_the_room_is_strict_in_the_body_that_arrives(tmp_path: Path) -> None:
    async with on_the_wire(tmp_path, preflight=True) as wire:
        exchange, records = wire.simulator.exchange, wire.engine.parts.records
        exchange.fill_plan = "immediate"
        await wire.until_ready()
        await wire.enter()
        [entry] = await wire.entries()
        filled: set[OrderState] = set()
        while OrderState.FILLED not in filled:
            await wire.clock.sleep(0.1)
            filled = {one.state for one in await wire.entries()}
        exchange.fill_plan = "never"
        await records.tridents.adopt(entry.id, RULES, wire.clock.now())
        room = Room(wire.engine, exchange)
        await room.known()
        action = await room.due(entry)
        while not isinstance(action, PlaceTargets):  # the fills are to be 5 s old, and shown
            await wire.clock.sleep(0.5)
            await room.reads.within(ACCOUNT, 0)
            action = await room.due(entry)
        done = await room.do(entry, action)
        assert done.why == ""
        assert [_told(one) for one in _closing(exchange.orders(ACCOUNT))] == [("GTC", True, 2)] * 3
        await room.closing(entry)
        targets = (await room.view(entry)).exits
        await room.cancelled(entry, *targets)
        assert isinstance(await room.follow(entry), Wait)
        assert {one.released_at is not None for one in (await room.view(entry)).exits} == {True}
        placed = await room.place(entry)
        assert isinstance(placed, Exit), placed
        newest = max(_closing(exchange.orders(ACCOUNT)), key=lambda order: order.id)
        assert _told(newest) == ("Day", True, 4)
        assert [leg.quantity for leg in newest.legs] == [2, 2, 1, 1]
        assert newest.price == -Decimal("0.05")


def _closing(orders: list[SimOrder]) -> list[SimOrder]:
    return [order for order in orders if not any(leg.opens for leg in order.legs)]


def _told(order: SimOrder) -> tuple[str, bool, int]:
    return order.time_in_force, order.strict, len(order.legs)
