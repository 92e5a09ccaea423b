"""Positions and records are compared both ways: what is recorded is held, and what is held is recorded (rules 9)."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

from core.broker.port import Position
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import CommandKind
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, OrderRequest
from core.domain.trident.sides import Direction, side_of
from core.orders.positions import CONFIRMED_S, LONGEST_S
from core.records.search.open_tridents import open_tridents
from core.simulator.exchange.faults import FaultKind
from core.simulator.in_process.values import order_body
from tests.support.shown_positions import show_positions
from tests.support.world import ACCOUNT, World, in_world

ORDERS = f"/accounts/{ACCOUNT}/orders"


def give(world: World, request: OrderRequest, times: int = 1) -> None:
    """Moves the legs of this order into the account without an order."""
    sign = {leg.symbol: -1 if side_of(leg.action) is Direction.SHORT else 1 for leg in request.legs}
    contracts = {leg.symbol: times * sign[leg.symbol] * leg.quantity for leg in request.legs}
    world.exchange.back_office.give(ACCOUNT, contracts, world.clock.now())


async def mismatches(world: World) -> list[str]:
    await world.answer(CommandKind.RECONCILE)
    await world.clock.sleep(2 * CONFIRMED_S)
    return [b.why for b in world.engine.breakers.open_now if b.kind is BreakerKind.MISMATCH]


def test_a_trident_nobody_recorded_bars_its_account_until_it_is_settled(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        assert entry.state is OrderState.FILLED
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
        assert entry.state is OrderState.ABSENT
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
        assert entry.state is OrderState.ABSENT
        body = replace(order_body(entry.request), external_identifier=None)
        order = world.exchange.submit(ACCOUNT, body, world.clock.now())
        await world.clock.sleep(10)
        assert (await world.answer(CommandKind.ATTEST, entry.id[:8], str(order.id))).startswith("done")
        assert (await world.entry()).state is OrderState.FILLED
        assert await mismatches(world) == []
        assert world.engine.breakers.open_now == ()
        await world.stop()

    in_world(day, tmp_path)


# One leg less at the broker: a person closed it, or it has not arrived yet


def close_long_call(world: World, request: OrderRequest) -> str:
    """Closes the last leg by hand at the broker. Returns what is told of it."""
    leg = request.legs[3]
    world.exchange.back_office.give(ACCOUNT, {leg.symbol: -leg.quantity}, world.clock.now())
    return f"0 of 1 {leg.symbol}"


async def filled(world: World) -> Entry:
    await world.start()
    await world.until("09:47")
    entry = await world.entry()
    assert entry.state is OrderState.FILLED
    await world.engine.tridents.check()
    return entry


def stopped(world: World) -> bool:
    return world.engine.breakers.is_open(BreakerKind.MISMATCH, ACCOUNT)


def test_a_leg_closed_by_a_person_is_found_by_the_periodic_read_and_said_everywhere(tmp_path: Path) -> None:
    """Without any reconciliation. Screen, status and digest say the same of it, and so does a console that starts."""

    async def day(world: World) -> None:
        entry = await filled(world)
        missing = close_long_call(world, entry.request)
        await world.engine.tridents.check()
        assert not stopped(world), "one read proves nothing"
        assert [one.differs for one in world.engine.tridents.held] == [""]
        await world.clock.sleep(CONFIRMED_S)
        await world.engine.tridents.check()
        [breaker] = world.engine.breakers.open_now
        assert breaker.kind is BreakerKind.MISMATCH
        assert f"the broker holds {missing}; a reset settles these quantities" in breaker.why
        said = f"positions differ: the broker holds {missing}"
        assert [one.differs.startswith(said) for one in world.engine.tridents.held] == [True]
        snapshot = world.snapshot()
        assert [one.differs.startswith(said) for one in snapshot.positions.open] == [True]
        [(_, words)] = await open_tridents(world.records.entries, world.records.journal, ACCOUNT, world.day)
        assert words.startswith(said), "for status and digests"
        assert (await world.answer(CommandKind.RESET, "mismatch")).startswith("done")
        await world.clock.sleep(60)
        await world.engine.tridents.check()
        assert not stopped(world), "settled by the operator"
        await world.stop()
        await world.start()
        await world.clock.sleep(20)
        await world.engine.tridents.check()
        assert [one.differs.startswith(said) for one in world.engine.tridents.held] == [True]
        told = [e for e in await world.records.journal.newest(100) if e.kind == "positions.compared"]
        assert len(told) == 1, "said once for all"
        await world.stop()

    in_world(day, tmp_path)


def test_positions_that_lag_and_arrive_leg_by_leg_open_no_breaker(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry = await filled(world)
        legs = {leg.symbol for leg in entry.request.legs[1:]}
        show_positions(world.broker, lambda held: tuple(p for p in held if p.symbol not in legs))
        await world.answer(CommandKind.RECONCILE)
        while legs:
            await world.engine.tridents.check()
            assert not stopped(world)
            await world.clock.sleep(1)
            legs.pop()
        await world.clock.sleep(3 * CONFIRMED_S)
        await world.engine.tridents.check()
        assert world.engine.breakers.open_now == ()
        assert world.engine.gate.not_reconciled() == "", "the account goes on by itself"
        assert [one.differs for one in world.engine.tridents.held] == [""]
        await world.stop()

    in_world(day, tmp_path)


def test_a_difference_that_every_read_shows_otherwise_counts_after_half_a_minute(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry = await filled(world)
        turns = itertools.count()

        def another_leg_missing(held: tuple[Position, ...]) -> tuple[Position, ...]:
            missing = entry.request.legs[next(turns) % 4].symbol
            return tuple(p for p in held if p.symbol != missing)

        show_positions(world.broker, another_leg_missing)
        for _ in range(int(LONGEST_S / 4)):
            await world.engine.tridents.check()
            assert not stopped(world)
            await world.clock.sleep(4)
        await world.clock.sleep(4)
        await world.engine.tridents.check()
        assert stopped(world)
        await world.stop()

    in_world(day, tmp_path)


def test_a_reconciliation_waits_for_the_second_read_and_lets_nothing_through_meanwhile(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry = await filled(world)
        close_long_call(world, entry.request)
        await world.answer(CommandKind.RECONCILE)
        await world.clock.sleep(CONFIRMED_S / 2)
        assert not stopped(world)
        assert world.engine.gate.not_reconciled() != "", "no entry before it is confirmed"
        await world.clock.sleep(2 * CONFIRMED_S)
        assert stopped(world)
        assert world.engine.gate.not_reconciled() == ""
        await world.stop()

    in_world(day, tmp_path)


def test_while_a_difference_is_in_doubt_positions_are_read_again_soon(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.intervals = replace(world.intervals, positions_s=30.0)
        entry = await filled(world)
        close_long_call(world, entry.request)
        await world.clock.sleep(30.0 + CONFIRMED_S + 5)
        assert stopped(world)
        await world.stop()

    in_world(day, tmp_path)
