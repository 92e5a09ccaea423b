"""The rows of tridents are made again only where something of them has changed, and say what new ones would."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core.domain.operation.commands import CommandKind
from core.domain.positions.tridents import ExitMode
from core.domain.positions.units import UnitName
from core.simulator.exchange.faults import FaultKind
from core.snapshot import Snapshot
from core.views.moment import Moment
from core.views.trident_rows import AT_ONCE, TridentRows
from tests.support.trident_world import fill
from tests.support.world import ACCOUNT, World, in_world


def shown(world: World) -> Snapshot:
    """The snapshot of now. A builder that has kept nothing shows the same."""
    builder = world.engine.builder
    fresh = replace(builder)
    for one in (builder, fresh):
        one.refresh()
    now, anew = builder.snapshot, fresh.snapshot
    assert now is not None
    assert anew is not None
    assert (now.positions, now.exits, now.status.exits) == (anew.positions, anew.exits, anew.status.exits)
    return now


async def looked_at(world: World, seconds: int) -> list[Snapshot]:
    """What is shown, twice a second for so long."""
    found = []
    for _ in range(2 * seconds):
        found.append(shown(world))
        await world.clock.sleep(0.5)
    return found


async def with_a_trident(world: World) -> None:
    """Starts, and lives until a trident is held whose targets rest and whose legs are quoted."""
    world.exits = ExitMode.ALL
    await world.start()
    await world.until("09:46")
    world.exchange.fill_plan = "never"
    await world.until("09:52")
    await world.engine.tridents.check()
    await world.clock.sleep(20)


def test_rows_that_were_kept_say_what_new_ones_do(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await with_a_trident(world)
        quoted = await looked_at(world, 15)
        assert len({one.positions.open[0].mark_mid for one in quoted}) > 1, "its price moves"
        world.broker.arm(FaultKind.DXLINK_SILENCE, seconds=50)
        stale = (await looked_at(world, 45))[-1].positions.open[0]
        assert stale.exits is not None
        assert (stale.freshness.value, stale.exits.close_mid) == ("stale", None)
        await world.answer(CommandKind.EXITS, "", "hold because lunch")
        held = (await looked_at(world, 5))[-1].positions.open[0]
        assert held.exits is not None
        assert held.exits.sends_all != ()
        await world.answer(CommandKind.EXITS, "", "on")
        [call] = [one for one in await world.records.exits.open_of(ACCOUNT) if one.units == (UnitName.CALL,)]
        fill(world, call)
        part = (await looked_at(world, 60))[-1]
        assert part.positions.open[0].exits is not None
        assert part.positions.open[0].exits.is_part
        assert len(part.exits) == 2
        await world.stop()

    in_world(day, tmp_path)


def test_a_row_in_which_nothing_changes_stays_the_same_object(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await with_a_trident(world)
        turns = world.engine.exits.turns
        turns.wake(ACCOUNT)
        await world.clock.sleep(0.25)  # between two quotes
        first, before = shown(world), turns.standings(ACCOUNT)
        turns.wake(ACCOUNT)
        await world.clock.sleep(0.01)
        assert turns.standings(ACCOUNT) != before, "its account has had a turn"
        again = shown(world)
        assert again.positions.open[0] is first.positions.open[0]
        assert [one is other for one, other in zip(again.exits, first.exits, strict=True)] == [True, True, True]
        await world.stop()

    in_world(day, tmp_path)


def test_many_rows_are_made_a_part_at_a_time(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await with_a_trident(world)
        engine, now = world.engine, world.clock.now()
        [held], [standing] = engine.tridents.held, engine.exits.turns.standings(ACCOUNT)
        ids = [f"trident-{number}" for number in range(AT_ONCE)]
        many = [replace(held, entry_id=id) for id in ids]
        stand = [
            replace(standing, record=replace(standing.record, trident=replace(standing.record.trident, id=id)))
            for id in ids
        ]
        mono = world.clock.monotonic()
        moment = Moment(now, mono, world.day, engine.builder.slots.session(), engine.builder.quotes, live=True)
        rows = TridentRows(engine.exits.rules_of)
        assert len(list(rows.make(many, stand, {}, moment, 1.0))) == 20, "twenty at a time, and their standings before"
        first = rows.open
        assert [row.entry_id for row in first] == ids
        assert len(list(rows.make(many, stand, {}, moment, 1.0))) == 2, "nothing is made"
        assert all(one is other for one, other in zip(rows.open, first, strict=True))
        await world.stop()

    in_world(day, tmp_path)
