"""A refused order that may be at the broker all the same: nothing more is sent before that would be seen (rules 9)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from core.domain.operation.reasons import Reason
from core.domain.orders.order_states import EntryState
from core.guards.refused_orders import LISTENED_S, RefusedOrders
from core.runtime.virtual_time import VirtualClock, run_virtual
from core.simulator.exchange.faults import FaultKind
from tests.support.world import ACCOUNT, LOGIN, World, et, in_world

ORDERS = f"/accounts/{ACCOUNT}/orders"


def _refusal_of(world: World) -> str:
    found = world.engine.gate.account_refusal(ACCOUNT, LOGIN)
    return "" if found is None else found.reason.code


@pytest.mark.parametrize(
    ("heard", "lost_after_s", "is_barred"),
    [(True, None, False), (True, LISTENED_S - 1, True), (True, LISTENED_S, False), (False, None, True)],
)
def test_an_account_waits_when_nobody_listened_after_a_refusal(
    heard: bool, lost_after_s: float | None, is_barred: bool
) -> None:
    async def main(clock: VirtualClock) -> None:
        start = clock.now()
        refused = RefusedOrders(clock, lambda at: (clock.now() - at).total_seconds())
        refused.refused(ACCOUNT, "entry", start, heard=heard)
        if lost_after_s is not None:
            await clock.sleep(lost_after_s)
            refused.alerts_lost()
        await clock.sleep(60)
        assert (refused.refusal(ACCOUNT) is not None) is is_barred
        assert refused.ends_at(ACCOUNT) == (start + timedelta(minutes=45) if is_barred else None)
        assert refused.refusal("another account") is None
        await clock.sleep(45 * 60)
        assert refused.refusal(ACCOUNT) is None

    run_virtual(main, et("2026-03-02", "09:45"))


def test_a_refused_order_that_exists_is_not_sent_again_after_a_restart(tmp_path: Path) -> None:
    """The broker accepts the order, answers that it refuses it, and does not list it for 40 minutes. The console ends
    before an alert tells of it."""

    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        world.broker.arm(FaultKind.REST_REFUSED_AFTER, method="POST", path=ORDERS)
        world.broker.arm(FaultKind.ORDERS_LISTING_LAG, count=None, seconds=40 * 60)
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        await world.start()
        while not [e for e in await world.entries() if e.state is EntryState.REJECTED]:
            await world.clock.sleep(0.05)
        await world.crash()
        await world.start()
        await world.until("09:50")
        assert _refusal_of(world) == Reason.REFUSED_UNHEARD.code
        await world.until("10:20")
        await world.until("11:05")
        assert _refusal_of(world) != Reason.REFUSED_UNHEARD.code
        assert len(world.broker.posted) == 1
        assert (await world.entry()).state is EntryState.INCIDENT, "its listing has shown it by now"
        await world.stop()

    in_world(day, tmp_path)


def test_a_refusal_that_was_listened_after_bars_nothing_after_a_restart(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.refuse_orders = 1
        await world.start()
        await world.until("09:47")
        [entry] = await world.entries()
        assert entry.state is EntryState.REJECTED
        assert [seen.kind for seen in await world.records.entries.evidence(entry.id)][-1] == "listened"
        await world.crash()
        await world.start()
        await world.until("09:50")
        assert _refusal_of(world) != Reason.REFUSED_UNHEARD.code
        await world.stop()

    in_world(day, tmp_path)
