"""What keeps exits from being sent keeps none of ours from being cancelled and proved over (rules 15.8)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import CommandKind
from core.domain.operation.reasons import Reason
from core.domain.orders.order_states import OrderState
from tests.support.trident_world import EARLY, exits_of, targets_placed, trident, until
from tests.support.world import ACCOUNT, LOGIN, World, in_world

Comes = Callable[[World], Awaitable[object]]


async def _halt_all(world: World) -> None:
    world.kill_file.with_name("HALT-ALL").touch()


async def _held(world: World) -> None:
    assert (await world.answer(CommandKind.EXITS, note="hold")).startswith("done")


async def _clock(world: World) -> None:
    world.clock.set_by(300.0)


async def _reconciling(world: World) -> None:
    world.engine.gate.reconciling("the test says so")


async def _restricted(world: World) -> None:
    world.engine.exits.exit_gate.note_restriction(ACCOUNT, "frozen")


def _breaker(kind: BreakerKind) -> Comes:
    return lambda world: world.engine.breakers.open(
        kind, LOGIN if kind is BreakerKind.LOGIN else "", "the test says so"
    )


BLOCKS: Mapping[str, tuple[Comes, set[Reason]]] = {
    "exits held": (_held, {Reason.EXITS_HELD}),
    "file HALT-ALL": (_halt_all, {Reason.HALT_ALL_FILE}),
    "a clock that is wrong": (_clock, {Reason.CLOCK_OFF, Reason.BREAKER_OPEN, Reason.CLOCK_IN_DOUBT}),
    "breaker of the clock": (_breaker(BreakerKind.CLOCK), {Reason.BREAKER_OPEN}),
    "breaker of the records": (_breaker(BreakerKind.STORE), {Reason.BREAKER_OPEN}),
    "breaker of the login": (_breaker(BreakerKind.LOGIN), {Reason.BREAKER_OPEN}),
    "a reconciliation": (_reconciling, {Reason.RECONCILING}),
    "a frozen account": (_restricted, {Reason.ACCOUNT_RESTRICTED}),
}


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("by", ["the rules", "the operator"])
def test_a_cancel_needs_neither_the_clock_nor_the_switch(tmp_path: Path, block: str, by: str) -> None:
    """A trident is released, or its operator cancels what rests: its orders are cancelled, and their ends proved."""

    async def day(world: World) -> None:
        world.real_time = True
        await targets_placed(world)
        record = await trident(world)
        comes, reasons = BLOCKS[block]
        await comes(world)
        barred = world.engine.exits.exit_gate.refusals(ACCOUNT, LOGIN)
        assert barred
        assert {one.reason for one in barred} <= reasons
        if by == "the rules":
            answer = await world.answer(CommandKind.RELEASE, record.id)
        else:
            answer = await world.answer(CommandKind.EXITS, note="cancel")
        assert answer.startswith("done"), answer

        async def all_proved() -> bool:
            exits = await exits_of(world, record.id)
            assert len(exits) == 3, "nothing is sent meanwhile"
            return all(one.state is OrderState.CANCELLED and one.released_at is not None for one in exits)

        await until(world, all_proved, within_s=45.0)
        assert world.engine.exits.exit_gate.refusals(ACCOUNT, LOGIN), "it was blocked to the end"
        await world.stop()

    in_world(day, tmp_path, start=EARLY)
