"""A working order that the broker no longer knows: unknown, and settled by one command (rules 9)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from core.broker.port import BrokerError, BrokerFault
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import CommandKind
from core.domain.orders.fate import fate_of
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import OrderReport
from core.domain.orders.way_out import way_out
from core.runtime.clock import exchange_time
from core.snapshot import Automation
from tests.support.world import ACCOUNT, World, in_world

TUESDAY = "2026-03-03"


def forget(world: World, order_id: str | None) -> None:
    world.exchange.back_office.forget(ACCOUNT, int(order_id or ""), world.clock.now())


async def forgotten_order(world: World) -> str | None:
    """Has the day's entry work and its order forgotten at 09:46. Returns the order's id."""
    world.exchange.fill_plan = "never"
    await world.start()
    await world.until("09:46")
    order_id = (await world.entry()).order_id
    forget(world, order_id)
    return order_id


def test_two_complete_looks_without_it_make_it_unknown_and_time_never_absent(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        order_id = await forgotten_order(world)
        await world.until("09:47:50")
        assert (await world.entry()).state is OrderState.WORKING
        await world.until("09:49")
        entry = await world.entry()
        assert (entry.state, entry.order_id, entry.holds_day) == (OrderState.UNKNOWN, order_id, True)
        assert f"the broker no longer knows order {order_id}" in entry.detail
        first, second = [
            e for e in await world.records.entries.evidence(entry.id) if e.kind == "missing" and e.complete
        ]
        assert (second.at - first.at).total_seconds() >= 30
        assert exchange_time(first.at).strftime("%H:%M:%S") >= "09:47:45", "120 s after it was last seen"
        await world.answer(CommandKind.RECONCILE)
        await world.until("10:20")
        assert world.engine.gate.automation is Automation.ACTIVE, "such an answer keeps no account reconciling"
        assert (await world.entry()).state is OrderState.UNKNOWN
        assert len(world.broker.posted) == 1
        assert f"`senex attest absent {entry.id[:8]}`" in way_out(fate_of(entry))
        assert (await world.answer(CommandKind.ATTEST, entry.id[:8], "absent")).startswith("done")
        assert (await world.entry()).state is OrderState.ABSENT
        await world.stop()

    in_world(day, tmp_path)


def test_a_wiped_broker_bars_nothing_for_ever(tmp_path: Path) -> None:
    """The broker forgets everything in the night, as its sandbox does. In the morning one command settles it."""

    async def days(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        await world.crash()
        world.exchange.back_office.wipe(ACCOUNT, world.clock.now())
        await world.until("09:40", TUESDAY)
        world.exchange.fill_plan = "immediate"
        await world.start()
        await world.until("09:44")
        assert (await world.records.entries.get(entry.id)).state is OrderState.UNKNOWN
        [breaker] = world.engine.breakers.open_now
        assert breaker.kind is BreakerKind.EARLIER_ENTRY
        assert world.engine.gate.automation is Automation.ACTIVE
        assert (await world.answer(CommandKind.ATTEST, entry.id[:8], "absent")).startswith("done")
        await world.until("09:46")
        assert world.engine.breakers.open_now == ()
        assert (await world.entry()).state is OrderState.FILLED
        await world.stop()

    in_world(days, tmp_path)


def test_an_order_found_between_two_looks_that_miss_it_is_not_forgotten(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        read, listed = world.broker.order, world.broker.orders_since

        def hidden() -> bool:
            return "09:48:30" <= exchange_time(world.clock.now()).strftime("%H:%M:%S") < "09:51:00"

        async def order(number: str, order_id: str) -> OrderReport:
            report = await read(number, order_id)
            if hidden() and world.clock.now().second % 30 < 20:
                raise BrokerError(BrokerFault.NOT_FOUND, "order: no such order")
            return report

        async def orders_since(number: str, first_day: date) -> tuple[OrderReport, ...]:
            return () if hidden() else await listed(number, first_day)

        setattr(world.broker, "order", order)  # noqa: B010 - methods of this one instance
        setattr(world.broker, "orders_since", orders_since)  # noqa: B010
        await world.start()
        await world.until("09:55")
        assert (await world.entry()).state is OrderState.WORKING
        await world.stop()

    in_world(day, tmp_path)


def test_the_waits_go_on_over_restarts(tmp_path: Path) -> None:
    """A console that is started again each 50 s comes to the same end as one that runs on."""

    async def day(world: World) -> None:
        await forgotten_order(world)
        for _ in range(3):
            await world.clock.sleep(50)
            assert (await world.entry()).state is OrderState.WORKING
            await world.crash()
            await world.start()
        await world.clock.sleep(50)
        assert (await world.entry()).state is OrderState.UNKNOWN
        await world.stop()

    in_world(day, tmp_path)


def test_a_miss_before_the_order_was_found_again_counts_for_no_later_process(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        read, listed, hidden = world.broker.order, world.broker.orders_since, True

        async def order(number: str, order_id: str) -> OrderReport:
            if hidden:
                raise BrokerError(BrokerFault.NOT_FOUND, "order: no such order")
            return await read(number, order_id)

        async def orders_since(number: str, first_day: date) -> tuple[OrderReport, ...]:
            return () if hidden else await listed(number, first_day)

        await world.start()
        await world.until("09:46")
        setattr(world.broker, "order", order)  # noqa: B010 - methods of this one instance
        setattr(world.broker, "orders_since", orders_since)  # noqa: B010
        entry = await world.entry()
        while not any(one.complete for one in await world.records.entries.evidence(entry.id)):
            await world.clock.sleep(5)
        hidden = False
        for _ in range(2):  # the second process finds it, the third one misses it again
            await world.crash()
            await world.start()
            await world.clock.sleep(20)
        hidden = True
        await world.crash()
        await world.start()
        await world.clock.sleep(60)
        assert (await world.entry()).state is OrderState.WORKING, "the waits begin again"
        await world.until("09:56")
        assert (await world.entry()).state is OrderState.UNKNOWN
        await world.stop()

    in_world(day, tmp_path)


def test_a_part_filled_order_that_is_forgotten_is_an_incident(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "partial"
        await world.start()
        await world.until("09:45:10")
        entry = await world.entry()
        assert (entry.state, bool(entry.fills)) == (OrderState.WORKING, True)
        forget(world, entry.order_id)
        await world.until("09:50")
        found = await world.entry()
        assert (found.state, found.fills) == (OrderState.INCIDENT, entry.fills)
        assert BreakerKind.INCIDENT in {b.kind for b in world.engine.breakers.open_now}
        await world.stop()

    in_world(day, tmp_path)


@pytest.mark.parametrize("allowed", [True, False])
def test_a_cancelled_order_that_is_forgotten_frees_its_day_only_by_the_operators_word(
    tmp_path: Path, allowed: bool
) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        await world.answer(CommandKind.CANCEL)
        await world.until("09:46:30")
        assert (await world.entry()).state is OrderState.CANCELLED
        forget(world, entry.order_id)
        if allowed:
            assert (await world.answer(CommandKind.ALLOW_REENTRY, entry.id)).startswith("done")
        await world.until("09:52")
        assert (await world.entry()).holds_day is not allowed
        await world.stop()

    in_world(day, tmp_path)
