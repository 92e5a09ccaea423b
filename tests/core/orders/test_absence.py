"""What keeps an unknown entry from being taken as absent, and how it is found on a later day (rules 9)."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.broker.port import StreamState
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry
from core.simulator.exchange.faults import FaultKind
from tests.support.world import ACCOUNT, World, in_world

pytestmark = pytest.mark.usefixtures("store")

ORDERS = f"/accounts/{ACCOUNT}/orders"
TUESDAY = "2026-03-03"
SHORT, LONG, CALL, WING = range(4)
"""The legs in the order of rules 2: body put, long put, body call, long call."""

HELD = {
    "whole": {SHORT: -2, LONG: 2, CALL: -1, WING: 1},
    "one spread": {SHORT: -1, LONG: 1},
    "a leg alone": {WING: 1},
}
"""Positions that a fill of the order may have left, in contracts of each leg."""


def _positions(entry: Entry, held: dict[int, int]) -> dict[str, int]:
    return {entry.request.legs[leg].symbol: count for leg, count in held.items()}


@pytest.mark.parametrize("held", HELD)
def test_positions_of_its_legs_stop_absent(held: str, tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_DROP_REQUEST, method="POST", path=ORDERS)
        await world.start()
        await world.until("09:46:30")
        entry = await world.entry()
        assert entry.state is OrderState.UNKNOWN
        world.exchange.back_office.give(ACCOUNT, _positions(entry, HELD[held]), world.clock.now())
        await world.until("09:55")
        assert (await world.entry()).state is OrderState.UNKNOWN, "time proves nothing while its legs are held"
        await world.stop()

    in_world(day, tmp_path)


def test_a_position_on_the_other_side_of_a_leg_stops_nothing(tmp_path: Path) -> None:
    """The order would have sold the body put: contracts of it that are held long are not its fill."""

    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_DROP_REQUEST, method="POST", path=ORDERS)
        await world.start()
        await world.until("09:46:30")
        entry = await world.entry()
        world.exchange.back_office.give(ACCOUNT, _positions(entry, {SHORT: 1}), world.clock.now())
        await world.until("09:55")
        assert (await world.entry()).state is OrderState.ABSENT
        await world.stop()

    in_world(day, tmp_path)


def test_reads_while_the_alerts_are_down_prove_nothing(tmp_path: Path) -> None:
    """An order that arrives late would be told by them alone, while the listings do not show it yet."""

    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_DROP_REQUEST, method="POST", path=ORDERS)
        await world.start()
        await world.until("09:46:30")
        world.broker.arm(FaultKind.ALERTS_CLOSE, count=None)  # closed again in the moment in which they connect
        await world.until("10:05")
        assert world.engine.tracker.alerts.state is not StreamState.CONNECTED
        entry = await world.entry()
        assert entry.state is OrderState.UNKNOWN
        assert [e for e in await world.records.entries.evidence(entry.id) if e.kind == "listing"] == []
        await world.stop()

    in_world(day, tmp_path)


def test_an_unknown_order_is_listed_on_a_later_day(tmp_path: Path) -> None:
    """Its listing lagged until the night, and its positions kept it from being taken as absent. The next morning it is
    listed among the orders of its own day."""

    async def days(world: World) -> None:
        world.exchange.fill_plan = "immediate"
        world.broker.arm(FaultKind.REST_DROP_RESPONSE, method="POST", path=ORDERS)
        world.broker.arm(FaultKind.ALERTS_LOST, count=50)
        world.broker.arm(FaultKind.ORDERS_LISTING_LAG, seconds=40_000.0)
        await world.start()
        await world.until("10:05")
        first = await world.entry()
        assert first.state is OrderState.UNKNOWN
        await world.stop()
        world.broker.faults.clear()
        await world.until("09:40", TUESDAY)
        await world.start()
        await world.until("09:50", TUESDAY)
        assert (await world.records.entries.get(first.id)).state is OrderState.FILLED
        assert world.engine.breakers.open_now == ()
        assert (await world.entry()).state is OrderState.FILLED, "the new day has its own entry"
        await world.stop()

    in_world(days, tmp_path)
