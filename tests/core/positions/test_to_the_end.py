"""A trident to its end, on the real engine and a simulated broker: targets, time exit, and what comes between (rules
15)."""

from __future__ import annotations

from pathlib import Path

from core.domain.orders.orders import TimeInForce
from core.domain.positions.units import UnitState
from tests.support.trident_world import CALL, PUT_1, PUT_2, fill, held, percent_of, targets_rest, trident
from tests.support.world import MONDAY, World, et, in_world

EARLY = et(MONDAY, "09:43:30")


def test_targets_rest_seconds_after_the_fill_and_one_that_fills_leaves_the_others(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await held(world)
        targets = await targets_rest(world)
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
        await world.clock.sleep(120)
        assert world.engine.breakers.open_now == ()
        await world.stop()

    in_world(day, tmp_path, start=EARLY)
