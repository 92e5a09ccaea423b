"""The risk of a trident that is closed in part, and our own closing orders, on the whole engine (rules 7)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from core.cycle.account_steps import AccountSteps
from core.domain.operation.reasons import Refusal
from core.domain.positions.tridents import ManagedTrident
from core.domain.positions.units import UnitName, UnitState
from core.domain.risk.exposure import Exposure
from core.domain.trident.sides import Direction
from core.records.search.open_tridents import open_risk
from tests.support.trident_world import CALL, EARLY, fill, held, targets_placed, targets_rest, trident
from tests.support.world import ACCOUNT, World, in_world


async def exposed(world: World) -> Exposure:
    """What the account has at risk, as a cycle of this moment reads it."""
    (of,) = await world.records.accounts.all()
    steps = AccountSteps(world.engine.runner.parts, of)
    read = await steps.reads()
    assert not isinstance(read, Refusal), read
    return await steps.exposed(*read)


def left(of: ManagedTrident) -> Decimal:
    """100 * (M - E) by hand."""
    units = [unit for unit in of.units if unit.state is UnitState.WHOLE]
    puts = sum(unit.name is not CALL for unit in units)
    credits = [unit.credit for unit in units if unit.credit is not None]
    return max(Decimal(0), 100 * (of.width * max(puts, len(units) - puts) - sum(credits, Decimal(0))))


async def told(world: World) -> list[Decimal | None]:
    """What the screen and the reports say can still be lost, of each trident that is open."""
    await world.engine.tridents.check()
    snapshot = world.snapshot()
    held = await world.records.tridents.held_of(ACCOUNT)
    entries = await world.records.entries.these([one.id for one in held])
    return [*(one.max_risk for one in snapshot.positions.open), *(open_risk(one, held) for one in entries)]


@pytest.mark.parametrize("first", list(UnitName))
def test_each_target_that_fills_leaves_the_risk_of_the_units_left(tmp_path: Path, first: UnitName) -> None:
    async def day(world: World) -> None:
        targets = await targets_placed(world)
        whole = await exposed(world)
        assert (whole.open_tridents, whole.open_risk) == (1, left((await trident(world)).trident))
        names = [first, *(name for name in UnitName if name is not first)]
        risks = [whole.open_risk]
        for count, name in enumerate(names):
            fill(world, targets[name])
            await targets_rest(world, tuple(names[count + 1 :]))
            seen = await exposed(world)
            assert seen.open_risk == left((await trident(world)).trident)
            assert seen.open_tridents == (1 if count < 2 else 0)
            assert await told(world) == ([seen.open_risk] * 2 if count < 2 else [])
            risks.append(seen.open_risk)
        assert len({*risks}) > 2
        assert risks[-1] == 0
        await world.stop()

    in_world(day, tmp_path, start=EARLY)


def test_our_own_closing_orders_lead_to_no_position(tmp_path: Path) -> None:
    """A close of ours buys what is short: nothing of the account becomes long by it. Bodies repeat from day to day."""

    async def day(world: World) -> None:
        entry = await held(world)
        await targets_rest(world)
        seen = await exposed(world)
        of = world.engine.runner.parts
        listed = await of.broker.orders_since(ACCOUNT, world.day)
        assert sum(order.status == "Live" for order in listed) == 3, "the broker lists them"
        shorts = {leg.symbol for leg in entry.request.legs if leg.action.value == "Sell to Open"}
        assert {one.direction for one in seen.held if one.symbol in shorts} == {Direction.SHORT}
        await world.stop()

    in_world(day, tmp_path, start=EARLY)
