"""An order leaves only while its decision is fresh and just after it was recorded as sent (rules 9)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.broker.port import DryRunAnswer, WireGuard
from core.broker.tastytrade import TastytradeBroker
from core.domain.operation.reasons import Reason
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import OrderRequest, SendOutcome
from core.simulator.exchange.faults import FaultKind, FaultMatch
from tests.support.wire_world import on_the_wire
from tests.support.world import World, in_world


@pytest.mark.parametrize(("late_s", "leaves"), [(4.0, True), (6.0, False)])
def test_a_decision_older_than_5_s_does_not_leave(tmp_path: Path, late_s: float, leaves: bool) -> None:
    """The dry run at the broker is answered so late. The quotes are new by then, and the decision is not."""

    async def day(world: World) -> None:
        ask = world.broker.dry_run

        async def late(number: str, request: OrderRequest) -> DryRunAnswer:
            await world.clock.sleep(late_s)
            return await ask(number, request)

        setattr(world.broker, "dry_run", late)  # noqa: B010 - the answer of this one broker
        await world.start()
        await world.until("09:46:30")
        entry = await world.entry()
        [cycle] = await world.cycles()
        assert (entry.state is OrderState.NOT_SENT) is not leaves
        assert (cycle.reason_code == Reason.DECISION_OLD.code) is not leaves
        assert len(world.broker.posted) == leaves
        await world.stop()

    in_world(day, tmp_path, preflight=True)


@pytest.mark.parametrize(("late_s", "leaves"), [(1.5, True), (3.0, False)])
def test_an_order_is_late_2_s_after_it_was_recorded_as_sent(tmp_path: Path, late_s: float, leaves: bool) -> None:
    async def day(world: World) -> None:
        send = world.broker.send

        async def late(number: str, request: OrderRequest, guard: WireGuard) -> SendOutcome:
            await world.clock.sleep(late_s)
            return await send(number, request, guard)

        setattr(world.broker, "send", late)  # noqa: B010 - the way to this one broker
        await world.start()
        await world.until("09:46:30")
        entry = await world.entry()
        [cycle] = await world.cycles()
        assert (entry.state is OrderState.NOT_SENT) is not leaves
        assert (cycle.reason_code == Reason.SEND_LATE.code) is not leaves
        assert len(world.broker.posted) == leaves
        await world.stop()

    in_world(day, tmp_path)


async def test_an_order_3_s_after_sent_does_not_leave(tmp_path: Path) -> None:
    """On the wire: its token has to be renewed first, and that takes 3 s."""
    async with on_the_wire(tmp_path) as world:
        await world.until_ready()
        broker = world.engine.parts.broker
        assert isinstance(broker, TastytradeBroker)
        session, send = broker.connection.session, broker.send

        async def renewing(number: str, request: OrderRequest, guard: WireGuard) -> SendOutcome:
            world.arm(FaultKind.REST_DELAY_BEFORE, seconds=3, match=FaultMatch(path="/oauth"))
            session.session_expiration = 0.0
            return await send(number, request, guard)

        setattr(broker, "send", renewing)  # noqa: B010 - the way to this one broker
        await asyncio.wait_for(world.enter(), 30)
        [entry] = await world.entries()
        assert entry.state is OrderState.NOT_SENT, entry
        assert entry.detail.endswith("s passed between deciding and the wire")
        assert world.at_the_broker() == 0


@pytest.mark.parametrize("real_time", [False, True], ids=["simulated", "confirmed by the broker"])
@pytest.mark.parametrize("moment", ["dry_run", "send"])
@pytest.mark.parametrize("set_by_s", [600.0, -600.0], ids=["ahead", "back"])
def test_a_clock_that_is_set_makes_no_decision_old_and_the_reason_says_that_it_was_set(
    tmp_path: Path, set_by_s: float, moment: str, *, real_time: bool
) -> None:
    """Between deciding and the wire. Nothing waits 600 s, so nothing may be told to be 600 s old."""

    async def day(world: World) -> None:
        ask = getattr(world.broker, moment)

        async def meanwhile(*given: object) -> object:
            world.clock.set_by(set_by_s)
            return await ask(*given)

        world.real_time = real_time
        setattr(world.broker, moment, meanwhile)
        await world.start()
        await world.clock.sleep(60)
        [entry, *_] = await world.entries()
        assert entry.state is OrderState.NOT_SENT
        moved = f"the machine's clock was set {'ahead' if set_by_s > 0 else 'back'} by 10:00"
        off = f"this machine's clock is {'+' if set_by_s > 0 else '-'}"
        assert entry.detail.startswith(off if real_time else moved)
        assert "s old" not in entry.detail
        assert world.broker.posted == []
        await world.stop()

    in_world(day, tmp_path, preflight=True)
