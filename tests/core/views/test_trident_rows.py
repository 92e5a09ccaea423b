"""The rows of tridents are made again only where something of them has changed, and say what new ones would."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core.domain.operation.commands import CommandKind
from core.domain.positions.tridents import ExitMode
from core.domain.positions.units import UnitName
from core.domain.risk.positions import OpenTrident
from core.positions.views_of import Standing
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


def many(world: World) -> tuple[list[OpenTrident], list[Standing], Moment]:
    """As many copies of the one trident as are looked at without a pause, with their standings, and this moment."""
    engine = world.engine
    [held], [standing] = engine.tridents.held, engine.exits.turns.standings(ACCOUNT)
    ids = [f"trident-{number}" for number in range(AT_ONCE)]
    stand = [
        replace(standing, record=replace(standing.record, trident=replace(standing.record.trident, id=id)))
        for id in ids
    ]
    moment = Moment(
        world.clock.now(),
        world.clock.monotonic(),
        world.day,
        engine.builder.slots.session(),
        engine.builder.quotes,
        live=True,
    )
    return [replace(held, entry_id=id) for id in ids], stand, moment


def test_many_rows_are_made_a_part_at_a_time(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await with_a_trident(world)
        held, stand, moment = many(world)
        rows = TridentRows(world.engine.exits.rules_of)
        assert len(list(rows.make(held, stand, {}, moment, 1.0))) == 20, "twenty at a time, and their standings before"
        first = rows.open
        assert [row.entry_id for row in first] == [one.entry_id for one in held]
        assert len(list(rows.make(held, stand, {}, moment, 1.0))) == 2, "nothing is made"
        assert all(one is other for one, other in zip(rows.open, first, strict=True))
        await world.stop()

    in_world(day, tmp_path)


def test_newer_rows_are_never_replaced_by_older_ones(tmp_path: Path) -> None:
    """Two are made side by side: of those that began first nothing is kept once the others are there."""

    async def day(world: World) -> None:
        await with_a_trident(world)
        held, stand, moment = many(world)
        rows = TridentRows(world.engine.exits.rules_of)
        began_first = rows.make(held, stand, {}, moment, 1.0)
        for _ in range(5):
            next(began_first)
        fewer = [replace(one, view=replace(one.view, exits=())) for one in stand[1:]]
        list(rows.make(held[1:], fewer, {}, moment, 1.0))
        newer, without_exits = rows.open, rows.exits
        assert (len(newer), without_exits) == (AT_ONCE - 1, ())
        assert list(began_first)
        assert (rows.open, rows.exits) == (newer, without_exits)
        list(rows.make(held, stand, {}, moment, 1.0))
        assert (len(rows.open), len(rows.exits)) == (AT_ONCE, 3 * AT_ONCE), "one that begins later is kept"
        await world.stop()

    in_world(day, tmp_path)


def test_orders_are_shown_as_their_tridents_stand_though_others_were_made_meanwhile(tmp_path: Path) -> None:
    """The one that began first ends first: the other had found all as it was before."""

    async def day(world: World) -> None:
        await with_a_trident(world)
        held, stand, moment = many(world)
        rows = TridentRows(world.engine.exits.rules_of)
        list(rows.make(held, stand, {}, moment, 1.0))
        before = rows.exits
        ended = [replace(one, view=replace(one.view, exits=())) for one in stand]
        began_first = rows.make(held, ended, {}, moment, 1.0)
        next(began_first)
        began_last = rows.make(held, stand, {}, moment, 1.0)
        next(began_last)
        assert list(began_first)
        assert rows.exits == ()
        list(began_last)
        assert rows.exits == before
        await world.stop()

    in_world(day, tmp_path)
