"""What the snapshot of the real engine shows of tridents and their closing orders (rules 15)."""

from __future__ import annotations

from pathlib import Path

from core.domain.operation.commands import CommandKind
from core.domain.positions.tridents import ExitMode
from core.domain.positions.units import UnitName
from core.snapshot.codec import decode, encode
from tests.support.trident_world import fill
from tests.support.world import World, in_world


def test_a_trident_is_shown_with_its_targets_and_a_hold_is(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exits = ExitMode.ALL
        await world.start()
        assert world.snapshot().status.exits is None, "no trident is held"
        await world.until("09:46")
        world.exchange.fill_plan = "never"
        await world.until("09:52")
        await world.engine.tridents.check()
        snapshot = world.snapshot()
        assert snapshot.status.exits is not None
        assert (snapshot.status.exits.word, len(snapshot.status.exits.resting)) == ("on", 3)
        [position] = snapshot.positions.open
        exits = position.exits
        assert exits is not None
        assert [unit.name for unit in exits.units] == ["put-1", "put-2", "call"]
        earned = await world.records.money.on(world.day)
        fees = sum(unit.opening_fees for unit in earned.units)
        assert fees > 0, "the fees of the opening count from the fill on"
        assert (exits.realized_net, exits.net_estimated) == (-fees, True)
        assert all("whole, target at" in unit.told for unit in exits.units)
        assert exits.state == "targets resting"
        assert exits.next.startswith("3 targets rest; time exit Fri ")
        assert set(exits.resting) == set(snapshot.status.exits.resting)
        assert exits.legs.count("to Close") == 4
        assert {view.name for view in snapshot.exits} == {"target of call", "target of put-2", "target of put-1"}
        assert decode(encode(snapshot)) == snapshot
        await world.answer(CommandKind.EXITS, "", "hold because lunch")
        await world.clock.sleep(30)
        held = world.snapshot().status.exits
        assert held is not None
        assert (held.word, held.why) == ("held", "by operator: lunch")
        await world.stop()

    in_world(day, tmp_path)


def test_of_a_trident_closed_in_part_the_results_count_what_was_realized(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exits = ExitMode.ALL
        await world.start()
        await world.until("09:46")
        world.exchange.fill_plan = "never"
        await world.until("09:52")
        entry = await world.entry()
        exits = await world.records.exits.open_of(entry.account)
        fill(world, next(one for one in exits if one.units == (UnitName.CALL,)))
        await world.until("09:54")
        await world.engine.tridents.check()
        await world.clock.sleep(20)  # its legs are quoted
        [position] = world.snapshot().positions.open
        left = position.exits
        assert left is not None
        assert left.is_part, left.units
        assert left.unrealized_mid is not None
        assert left.realized is not None
        assert position.profit_mid == left.realized + left.unrealized_mid
        assert position.break_even_below is None
        units = (await world.records.tridents_on_record.get(entry.id)).record.trident.units
        puts = sum(unit.credit for unit in units if unit.is_put and unit.credit is not None)
        assert position.mark_mid is not None
        assert left.close_mid is not None
        assert position.mark_mid == 2 * left.close_mid == sum(unit.mid for unit in left.units if unit.mid is not None)
        assert left.unrealized_mid == 100 * (puts - position.mark_mid), "the mark is that of all that is left"
        assert left.worst_case is not None
        assert position.max_risk == left.realized - left.worst_case, "what is realized makes no risk smaller"
        assert left.net_estimated
        assert left.realized_net is not None
        assert left.realized_net < left.realized
        await world.stop()

    in_world(day, tmp_path)


def test_what_would_be_sent_is_told_while_something_keeps_it(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exits = ExitMode.ALL
        await world.start()
        await world.answer(CommandKind.EXITS, "", "hold")
        await world.until("09:52")
        await world.engine.tridents.check()
        [position] = world.snapshot().positions.open
        assert position.exits is not None
        assert [line.split(" at ")[0] for line in position.exits.sends_all] == [
            "target of put-1",
            "target of put-2",
            "target of call",
        ]
        await world.answer(CommandKind.EXITS, "", "on")
        await world.until("09:55")
        [position] = world.snapshot().positions.open
        assert position.exits is not None
        assert position.exits.sends_all == (), "nothing keeps it any more"
        assert len(position.exits.resting) == 3
        await world.stop()

    in_world(day, tmp_path)


def test_where_exits_are_off_nothing_of_them_is_shown(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:50")
        await world.engine.tridents.check()
        snapshot = world.snapshot()
        assert len(snapshot.positions.open) == 1
        assert (snapshot.status.exits, snapshot.exits, snapshot.positions.open[0].exits) == (None, (), None)
        await world.stop()

    in_world(day, tmp_path)
