"""Positions and records are compared both ways: what is recorded is held, and what is held is recorded (rules 9)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import CommandKind
from core.domain.orders.order_states import EntryState
from core.domain.orders.orders import OrderRequest
from core.domain.risk.risk import Direction, side_of
from core.simulator.exchange.faults import FaultKind
from core.simulator.in_process.values import order_body
from tests.support.world import ACCOUNT, World, in_world

ORDERS = f"/accounts/{ACCOUNT}/orders"


def give(world: World, request: OrderRequest, times: int = 1) -> None:
    """Moves the legs of this order into the account without an order."""
    sign = {leg.symbol: -1 if side_of(leg.action) is Direction.SHORT else 1 for leg in request.legs}
    contracts = {leg.symbol: times * sign[leg.symbol] * leg.quantity for leg in request.legs}
    world.exchange.back_office.give(ACCOUNT, contracts, world.clock.now())


async def mismatches(world: World) -> list[str]:
    await world.answer(CommandKind.RECONCILE)
    await world.clock.sleep(5)
    return [b.why for b in world.engine.breakers.open_now if b.kind is BreakerKind.MISMATCH]


def test_a_trident_nobody_recorded_bars_its_account_until_it_is_settled(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        assert entry.state is EntryState.FILLED
        assert await mismatches(world) == [], "the entry explains the only one"
        give(world, entry.request)
        [why] = await mismatches(world)
        assert f"positions hold a QQQ trident {entry.strikes} of {entry.expiration} that no record explains" in why
        assert "`senex attest ORDER` adopts it" in why
        assert (await world.answer(CommandKind.RESET, "mismatch")).startswith("done")
        assert await mismatches(world) == [], "an operator has said that it is not ours"
        await world.stop()

    in_world(day, tmp_path)


def test_its_order_is_adopted_by_the_command_that_is_named_and_then_explains_it(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        request = (await world.entry()).request
        body = replace(order_body(request), external_identifier=None)
        order = world.exchange.submit(ACCOUNT, body, world.clock.now())
        await world.clock.sleep(10)
        [why] = await mismatches(world)
        assert "that no record explains" in why
        assert (await world.answer(CommandKind.ATTEST, "", str(order.id))).startswith("done")
        assert (await world.answer(CommandKind.RESET, "incident")).startswith("done"), "two tridents of a day"
        assert await mismatches(world) == []
        assert world.engine.breakers.open_now == ()
        filled = await world.records.entries.filled_open(ACCOUNT, world.day)
        assert [e.origin for e in filled] == ["", "adopted"]
        await world.stop()

    in_world(day, tmp_path)


def test_an_absent_entry_explains_no_position(tmp_path: Path) -> None:
    """Its order filled after all, and no listing shows it."""

    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_DROP_REQUEST, method="POST", path=ORDERS)
        await world.start()
        await world.until("09:50")
        entry = await world.entry()
        assert entry.state is EntryState.ABSENT
        give(world, entry.request)
        [why] = await mismatches(world)
        assert "that no record explains" in why
        await world.stop()

    in_world(day, tmp_path)


def test_contracts_on_the_other_side_are_not_the_ones_we_hold(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        shorts = [leg for leg in entry.request.legs if side_of(leg.action) is Direction.SHORT]
        twice_back = {leg.symbol: 2 * leg.quantity for leg in shorts}
        world.exchange.back_office.give(ACCOUNT, twice_back, world.clock.now())
        [why] = await mismatches(world)
        for leg in shorts:
            assert f"0 of {leg.quantity} {leg.symbol}" in why
        await world.stop()

    in_world(day, tmp_path)


def test_a_nameless_order_that_appears_late_is_attested_to_its_absent_entry(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_DROP_REQUEST, method="POST", path=ORDERS)
        await world.start()
        await world.until("09:50")
        entry = await world.entry()
        assert entry.state is EntryState.ABSENT
        body = replace(order_body(entry.request), external_identifier=None)
        order = world.exchange.submit(ACCOUNT, body, world.clock.now())
        await world.clock.sleep(10)
        assert (await world.answer(CommandKind.ATTEST, entry.id[:8], str(order.id))).startswith("done")
        assert (await world.entry()).state is EntryState.FILLED
        assert await mismatches(world) == []
        assert world.engine.breakers.open_now == ()
        await world.stop()

    in_world(day, tmp_path)
