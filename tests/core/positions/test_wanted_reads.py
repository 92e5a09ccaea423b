"""What for an account is read before its time: at once where an exit waits for it, else in its turn (broker 2.8)."""

from __future__ import annotations

import itertools
from pathlib import Path

from core.broker.pace import Turn, Work
from core.broker.port import Position
from core.domain.operation.reasons import Reason
from core.domain.positions.exits import ExitKind
from core.guards.exit_gate import COMPLETE_WITHIN_S
from core.positions.complete_reads import FRESH_S, READ_EVERY_S, REQUESTS
from core.positions.turns import LOOK_AGAIN_S
from core.simulator.exchange.faults import FaultKind
from tests.support.shown_positions import show_positions
from tests.support.trident_world import EARLY, off_until, targets_placed, until, working
from tests.support.world import ACCOUNT, LOGIN, World, in_world


def noted_turns(world: World) -> list[tuple[float, Turn]]:
    """The turns of two requests that the login gives from now on, with their monotonic seconds: complete reads, and
    looks at orders."""
    given: list[tuple[float, Turn]] = []
    pace = world.engine.exits.pace
    take = pace.take

    async def noted(turn: Turn) -> None:
        await take(turn)
        if turn.requests == REQUESTS:
            given.append((world.clock.monotonic(), turn))

    setattr(pace, "take", noted)  # noqa: B010 - a method of this one instance
    return given


def test_an_account_that_differs_is_read_again_and_again_without_passing_any_exit(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await targets_placed(world)
        await world.clock.sleep(READ_EVERY_S)  # what follows the fill is over
        legs, reads = (await world.entry()).request.legs, itertools.count()

        def another_leg_missing(held: tuple[Position, ...]) -> tuple[Position, ...]:
            missing = legs[next(reads) % 4].symbol
            return tuple(one for one in held if one.symbol != missing)

        show_positions(world.broker, another_leg_missing)
        await world.clock.sleep(READ_EVERY_S)
        given = noted_turns(world)
        seen = set()
        for _ in range(120):
            newest = world.engine.exits.reads.newest(ACCOUNT)
            assert newest is not None
            seen.add(newest.began_s)
            await world.clock.sleep(1)
        assert world.engine.exits.changes.differing(ACCOUNT), "no two reads show the same"
        assert len(seen) >= 120 / LOOK_AGAIN_S - 1, "it is read more often than every minute"
        assert {turn.work for _, turn in given} == {Work.ROUTINE}
        await world.stop()

    in_world(day, tmp_path, start=EARLY)


def test_an_exit_that_waits_for_a_read_has_it_asked_for_as_a_proof_until_it_comes(tmp_path: Path) -> None:
    async def weeks(world: World) -> None:
        await targets_placed(world)
        await off_until(world, "09:40", "2026-04-10")
        await world.until("09:50", "2026-04-10")
        world.broker.arm(FaultKind.REST_5XX_HTML, count=None, path=f"/accounts/{ACCOUNT}/positions")
        await world.until("09:59", "2026-04-10")
        newest = world.engine.exits.reads.newest(ACCOUNT)
        assert newest is not None
        assert world.clock.boottime() - newest.began_s > COMPLETE_WITHIN_S
        refused = world.engine.exits.exit_gate.refusal(ACCOUNT, LOGIN)
        assert refused is not None
        assert refused.reason is Reason.ACCOUNT_UNREAD
        given = noted_turns(world)
        await world.until("10:03", "2026-04-10")
        proofs = [at for at, turn in given if turn.work is Work.PROOF]
        assert 180 / 25 <= len(proofs) <= 180 / FRESH_S, "the time exit has waited since 10:00"
        assert all(after - before >= FRESH_S - 0.01 for before, after in itertools.pairwise(proofs))
        world.broker.faults.clear()

        async def closes() -> bool:
            return bool(await working(world, ExitKind.TIME))

        await until(world, closes, 40)
        await world.stop()

    in_world(weeks, tmp_path, start=EARLY)
