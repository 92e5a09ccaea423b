"""An alert that arrives between the read of an entry and the record of its lost answer; the kill proof found this."""

from __future__ import annotations

import asyncio
from pathlib import Path

from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry
from core.simulator.exchange.faults import FaultKind
from tests.support.invariants import assert_nothing_forbidden_happened
from tests.support.world import ACCOUNT, World, in_world

ORDERS = f"/accounts/{ACCOUNT}/orders"


def test_an_alert_while_the_lost_answer_is_being_recorded_fails_no_cycle(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        world.broker.arm(FaultKind.REST_DROP_RESPONSE, path=ORDERS, method="POST")
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        await world.start()
        entries = world.records.entries
        get = entries.get
        heard: list[asyncio.Task[Entry]] = []

        async def get_and_hear(entry_id: str) -> Entry:
            entry = await get(entry_id)
            if entry.state is OrderState.SENT and not heard:
                (report,) = await world.broker.orders_since(ACCOUNT, world.day)
                heard.append(asyncio.create_task(world.engine.tracker.apply(entry, report)))
                await asyncio.wait(heard, timeout=2.0)
            return entry

        setattr(entries, "get", get_and_hear)  # noqa: B010 - a method of this one instance
        await world.until("09:46")
        assert len(heard) == 1
        assert (await world.entry()).state is OrderState.WORKING
        (cycle,) = await world.cycles()
        assert cycle.reason_code != "internal"
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path)
