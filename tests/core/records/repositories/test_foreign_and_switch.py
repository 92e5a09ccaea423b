"""What is not ours at the broker, and the switch that holds exits (rules 15.4, 15.5)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from core.domain.positions.attribution import ForeignFill
from core.domain.positions.closing import Gone
from core.domain.positions.units import Ended, UnitName, UnitState
from core.domain.trident.sides import Direction, LegSide
from core.records.records import GoneRecord, Records, StateConflict, Switch
from tests.support.exit_samples import LONG_PUT, SHORT_PUT, filled
from tests.support.record_samples import ACCOUNT, AT, after

SHORT: LegSide = (SHORT_PUT, Direction.SHORT)
LONG: LegSide = (LONG_PUT, Direction.LONG)


def _fill(number: int, leg: LegSide = SHORT, quantity: int = 1, *, opens: bool = False) -> ForeignFill:
    return ForeignFill(("900", f"f{number}"), leg, Decimal(quantity), opens, after(number))


async def test_a_baseline_is_taken_once_also_when_nothing_is_foreign(records: Records) -> None:
    assert await records.foreign.positions(ACCOUNT) is None
    await records.foreign.take_baseline(ACCOUNT, {}, AT)
    assert await records.foreign.positions(ACCOUNT) == {}
    with pytest.raises(StateConflict, match="on record already"):
        await records.foreign.take_baseline(ACCOUNT, {SHORT: Decimal(1)}, AT)
    await records.foreign.take_baseline("5WT00002", {SHORT: Decimal(3), LONG: Decimal("0.5")}, AT)
    assert await records.foreign.positions("5WT00002") == {SHORT: Decimal(3), LONG: Decimal("0.5")}
    assert await records.foreign.positions(ACCOUNT) == {}


async def test_the_newest_row_counts_and_the_others_stay(records: Records) -> None:
    with pytest.raises(StateConflict, match="nothing is on record"):
        await records.foreign.attest(ACCOUNT, SHORT, Decimal(2), "anna", AT)
    await records.foreign.take_baseline(ACCOUNT, {SHORT: Decimal(3)}, AT)
    await records.foreign.attest(ACCOUNT, SHORT, Decimal(2), "anna", after(5))
    await records.foreign.attest(ACCOUNT, LONG, Decimal(1), "anna", after(6))
    assert await records.foreign.positions(ACCOUNT) == {SHORT: Decimal(2), LONG: Decimal(1)}
    await records.foreign.attest(ACCOUNT, SHORT, Decimal(0), "anna", after(7))
    assert await records.foreign.positions(ACCOUNT) == {LONG: Decimal(1)}
    async with records.database.read() as connection:
        rows = await connection.exec_driver_sql("SELECT quantity, cause FROM foreign_positions ORDER BY seq")
        assert [tuple(row) for row in rows] == [
            ("0", "the first complete read"),
            ("3", "the first complete read"),
            ("2", "attested by anna"),
            ("1", "attested by anna"),
            ("0", "attested by anna"),
        ]
    with pytest.raises(ValueError, match="somebody"):
        await records.foreign.attest(ACCOUNT, SHORT, Decimal(1), "", AT)


async def test_a_foreign_fill_is_used_once(records: Records) -> None:
    with pytest.raises(StateConflict, match="nothing is on record"):
        await records.foreign.use(ACCOUNT, [_fill(1)], {}, AT)
    await records.foreign.take_baseline(ACCOUNT, {SHORT: Decimal(3)}, AT)
    assert await records.foreign.used(ACCOUNT, ["900"]) == frozenset()
    await records.foreign.use(ACCOUNT, [_fill(1), _fill(2)], {SHORT: Decimal(1)}, after(9))
    assert await records.foreign.used(ACCOUNT, ["900", "901"]) == {("900", "f1"), ("900", "f2")}
    assert await records.foreign.used(ACCOUNT, ["901"]) == frozenset()
    assert await records.foreign.used("5WT00002", ["900"]) == frozenset()
    with pytest.raises(StateConflict, match="fill f2 of order 900 was used before"):
        await records.foreign.use(ACCOUNT, [_fill(3), _fill(2)], {}, after(9))
    assert await records.foreign.used(ACCOUNT, ["900"]) == {("900", "f1"), ("900", "f2")}, "nothing of it is kept"
    assert await records.foreign.positions(ACCOUNT) == {SHORT: Decimal(1)}


async def test_what_foreign_fills_close_of_ours_goes_in_the_same_commit(records: Records) -> None:
    await filled(records)
    await records.foreign.take_baseline(ACCOUNT, {SHORT: Decimal(1)}, AT)
    left = [
        GoneRecord("one", Gone(UnitName.PUT_2, symbol, Ended.HAND, after(8)), "the console", detail={"order": "900"})
        for symbol in (SHORT_PUT, LONG_PUT)
    ]
    units = await records.foreign.use(ACCOUNT, [_fill(1, quantity=2), _fill(2, LONG)], {}, after(9), left)
    assert [unit.state for unit in units["one"]] == [UnitState.WHOLE, UnitState.GONE, UnitState.WHOLE]
    assert (await records.tridents.get("one")).trident.units == units["one"]
    assert (await records.tridents.gone_of(["one"]))["one"] == tuple(left)
    assert await records.foreign.positions(ACCOUNT) == {}


async def test_exits_are_held_for_one_account_or_for_all(records: Records) -> None:
    assert await records.exit_switch.all() == ()
    assert await records.exit_switch.held(ACCOUNT) is None
    held = await records.exit_switch.hold(ACCOUNT, "anna", "looks odd", AT)
    assert held == Switch(ACCOUNT, True, "anna", AT, "looks odd")
    assert await records.exit_switch.hold(ACCOUNT, "bert", "too", after(1)) == held, "who held them first stays"
    assert await records.exit_switch.held(ACCOUNT) == held
    assert await records.exit_switch.held("5WT00002") is None
    everywhere = await records.exit_switch.hold("", "bert", "all of it", after(2))
    assert await records.exit_switch.held("5WT00002") == everywhere == await records.exit_switch.held(ACCOUNT)
    on = await records.exit_switch.resume("", "bert", "", after(3))
    assert on == replace(everywhere, held=False, at=after(3), why="")
    assert await records.exit_switch.held(ACCOUNT) == held, "its own hold is not lifted"
    await records.exit_switch.resume(ACCOUNT, "anna", "fine", after(4))
    assert await records.exit_switch.held(ACCOUNT) is None
    assert [one.account for one in await records.exit_switch.all()] == ["", ACCOUNT]
