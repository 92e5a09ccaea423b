"""Holding and cancelling exits while a console runs, on the real engine and a simulated broker."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.domain.operation.commands import CommandKind
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry
from core.domain.positions.trident_commands import CANCEL_WAITS_S
from core.domain.positions.units import UnitName
from core.simulator.exchange.faults import FaultKind
from tests.support.exit_sending import close
from tests.support.world import World, in_world

PUT_1, PUT_2, CALL = UnitName
FAR = "0.05"
"""A debit at which nobody sells the spread."""


async def filled(world: World) -> Entry:
    """The console runs and its entry is filled; nothing more fills."""
    await world.start()
    await world.until("09:46")
    entry = await world.entry()
    world.exchange.fill_plan = "never"
    return entry


async def exits(world: World, note: str, account: str = "") -> str:
    return await world.answer(CommandKind.EXITS, account, note)


def test_what_rests_is_named_by_a_hold_and_ended_by_a_cancel(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry = await filled(world)
        assert await exits(world, "cancel") == "done: no closing order rests at the broker"
        first, second = [await close(world, entry, [name], FAR) for name in (PUT_1, CALL)]
        orders = f"({first.order_id}, {second.order_id})"
        assert await exits(world, "hold because lunch", "0001") == (
            f"done: exits of …0001 are held; 2 closing orders rest at the broker {orders} and stay; "
            "`senex exits cancel 0001` cancels them"
        )
        assert [(await world.records.exits.get(one.id)).state for one in (first, second)] == [OrderState.WORKING] * 2
        assert await exits(world, "cancel", "0001") == (
            f"done: cancel of 2 closing orders asked {orders}; they work until the broker confirms"
        )
        await world.clock.sleep(60)
        ended = [await world.records.exits.get(one.id) for one in (first, second)]
        assert [(one.state, one.cancel_requested_by) for one in ended] == [(OrderState.CANCELLED, "operator")] * 2
        assert await world.records.exit_switch.held(entry.account) is not None
        assert await exits(world, "on", "0001") == (
            "done: exits of …0001 are not held; off for …0001: `senex accounts set 0001 exits all` switches them on"
        )
        assert await exits(world, "cancel", "0009") == ("refused: '0009' names no known account; give one of …0001")
        await world.stop()

    in_world(day, tmp_path)


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [(FaultKind.REST_DELAY_BEFORE, 6.0), (FaultKind.REST_DELAY_AFTER, 6.0), (FaultKind.REST_DROP_RESPONSE, None)],
)
def test_what_is_on_its_way_is_cancelled_once_it_works(tmp_path: Path, fault: FaultKind, seconds: float | None) -> None:
    async def day(world: World) -> None:
        entry = await filled(world)
        resting = await close(world, entry, [PUT_1], FAR)
        world.broker.arm(fault, seconds=seconds, method="POST", path="/accounts")
        late = asyncio.create_task(close(world, entry, [CALL], FAR))
        await world.clock.sleep(0.01)
        (sent,) = [one for one in await world.records.exits.open_of(entry.account) if one.id != resting.id]
        assert sent.state is OrderState.SENT
        record = await world.command(CommandKind.EXITS, note="cancel", within_s=20)
        await late
        now = await world.records.exits.get(sent.id)
        orders = f"({resting.order_id}, {now.order_id})"
        assert record.text == f"cancel of 2 closing orders asked {orders}; they work until the broker confirms"
        await world.clock.sleep(60)
        assert (await world.records.exits.get(sent.id)).state is OrderState.CANCELLED
        await world.stop()

    in_world(day, tmp_path)


def test_what_nobody_knows_is_waited_for_a_while_and_then_named(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry = await filled(world)
        resting = await close(world, entry, [PUT_1], FAR)
        world.broker.arm(FaultKind.REST_DROP_REQUEST, method="POST", path="/accounts")
        assert (await close(world, entry, [CALL], FAR)).state is OrderState.UNKNOWN
        began = world.clock.monotonic()
        record = await world.command(CommandKind.EXITS, note="cancel", within_s=20)
        assert CANCEL_WAITS_S <= world.clock.monotonic() - began < CANCEL_WAITS_S + 2
        assert record.text == (
            f"cancel of 1 closing order asked ({resting.order_id}); it works until the broker confirms; "
            "not cancelled, because nobody knows whether the broker has it: target of call (unknown)"
        )
        await world.stop()

    in_world(day, tmp_path)
