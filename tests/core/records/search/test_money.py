"""What units earned is written in place of what was known, and read with the rows that it is made of."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from core.domain.orders.order_states import OrderState
from core.domain.positions.closing import Gone
from core.domain.positions.exits import ExitKind
from core.domain.positions.matching import Lot, match
from core.domain.positions.pnl import Realized
from core.domain.positions.tridents import Phase
from core.domain.positions.units import Ended, UnitName
from core.domain.reporting.money import ExitSlippage, TridentMoney, UnitMoney
from core.records.records import GoneRecord, Records
from core.records.repositories.pnl_rows import Earned
from core.records.repositories.unit_rows import UnitEarned
from tests.support.exit_samples import (
    ALL,
    LONG_CALL,
    LONG_PUT,
    SHORT_CALL,
    SHORT_PUT,
    exit_of,
    filled,
    opened,
    opening_fills,
    sent,
)
from tests.support.record_samples import ACCOUNT, AT, DAY, after
from tests.support.tridents import D, row

PUT_1, PUT_2, CALL = ALL
OTHER = "5WT00002"
NONE = Decimal(0)
LATER = DAY + timedelta(days=3)


def realized(gross: str, received: str, fees: str = "2.48", *, estimated: bool = False) -> Realized:
    return Realized(D(gross), NONE, D(fees), estimated, received=D(received), opening_fees=D("2.24"))


def all_units(fees: str = "2.48") -> dict[UnitName, Earned]:
    earned = {PUT_1: realized("49", "122", fees), PUT_2: realized("46", "122", fees), CALL: realized("65", "162", fees)}
    return {name: Earned(one, LATER) for name, one in earned.items()}


async def _end(records: Records) -> None:
    """Ends the trident 100 s after it was prepared, with every contract gone."""
    await records.tridents.note_gone(
        [GoneRecord("one", Gone(unit.name, symbol, Ended.HAND, AT), "us") for unit in opened() for symbol in unit.held]
    )
    await records.tridents.become("one", Phase.ENDED, after(100))


async def test_what_units_earned_is_read_as_it_was_written_last(records: Records) -> None:
    await filled(records)
    open_ones = {name: Earned(Realized(NONE, NONE, D("2.24"), True, opening_fees=D("2.24")), None) for name in ALL}
    assert not await records.pnl_rows.note_earned("one", open_ones)
    assert await records.pnl_rows.units("one") == dict.fromkeys(ALL, UnitEarned(None, D("2.24"), True, None))
    await records.pnl_rows.note_earned("one", all_units())
    assert (await records.pnl_rows.units("one"))[CALL] == UnitEarned(D("62.52"), D("2.48"), False, LATER)
    before = records.version("units", "tridents")
    assert not await records.pnl_rows.note_earned("one", all_units())
    assert records.version("units", "tridents") == before, "nothing is written for what stays the same"
    unexplained = replace(all_units()[CALL].realized, unexplained=(CALL,))
    await records.pnl_rows.note_earned("one", {**all_units(), CALL: Earned(unexplained, LATER)})
    assert (await records.pnl_rows.units("one"))[CALL] == UnitEarned(None, D("2.48"), False, LATER)


async def test_what_was_earned_is_compared_with_what_was_written_last(records: Records) -> None:
    await filled(records)
    await filled(records, "two", OTHER)
    await records.pnl_rows.note_earned("one", all_units(), D("-0.10"))
    found = await records.pnl_rows.earned_of(["one", "two"])
    assert found["one"].is_of(all_units(), D("-0.10"))
    assert not found["one"].is_of(all_units(), None)
    assert not found["one"].is_of(all_units("2.49"), D("-0.10"))
    assert not found["two"].is_of(all_units(), None), "nobody has worked it out"
    assert found["one"].ended_on == {}
    await _end(records)
    assert (await records.pnl_rows.earned_of(["one"]))["one"].ended_on == dict.fromkeys(ALL, DAY)


async def test_a_difference_with_the_broker_is_told_when_it_changes(records: Records) -> None:
    await filled(records)
    await filled(records, "two", OTHER)
    assert await records.pnl_rows.note_earned("one", all_units(), D("-0.10"))
    assert not await records.pnl_rows.note_earned("one", all_units(), D("-0.10"))
    assert await records.pnl_rows.results(ACCOUNT, AT) == {}, "it has not ended"
    await _end(records)
    assert await records.pnl_rows.results(ACCOUNT, AT) == {"one": (D("152.56"), D("152.46"))}
    assert await records.pnl_rows.results(ACCOUNT, after(101)) == {}
    assert await records.pnl_rows.results(OTHER, AT) == {}
    assert await records.pnl_rows.note_earned("one", all_units(), NONE)
    assert await records.pnl_rows.results(ACCOUNT, AT) == {}


async def test_tridents_of_a_time_are_those_open_or_ended_since(records: Records) -> None:
    await filled(records)
    await filled(records, "two", OTHER)
    assert [one.id for one in await records.pnl_rows.tridents(ACCOUNT, after(1_000))] == ["one"]
    assert (await records.pnl_rows.first_trident(ACCOUNT), await records.pnl_rows.first_trident("none")) == (DAY, None)
    await _end(records)
    assert [one.id for one in await records.pnl_rows.tridents(ACCOUNT, after(100))] == ["one"]
    assert await records.pnl_rows.tridents(ACCOUNT, after(101)) == ()
    assert [one.id for one in await records.pnl_rows.ended_between(ACCOUNT, after(100), after(101))] == ["one"]
    assert await records.pnl_rows.ended_between(ACCOUNT, after(0), after(100)) == ()


async def test_everything_is_read_with_its_units_in_order(records: Records) -> None:
    await filled(records)
    await filled(records, "two", OTHER)
    await records.pnl_rows.note_earned("one", all_units(), D("-0.10"))
    found = await records.money.recorded()
    assert [one.id for one in found.tridents] == ["one", "two"]
    assert [(unit.trident_id, unit.name) for unit in found.units] == [
        (id, name) for id in ("one", "two") for name in ALL
    ]
    record = await records.tridents.get("one")
    assert found.of(ACCOUNT).tridents == (
        TridentMoney("one", ACCOUNT, "QQQ", record.trident.expiration, DAY, record.max_risk, D("-0.10")),
    )
    assert found.of(ACCOUNT).units[2] == UnitMoney(
        trident_id="one",
        name=CALL,
        short=SHORT_CALL,
        long=LONG_CALL,
        how=None,
        day=LATER,
        received=D("162"),
        paid=D("97"),
        settlement=NONE,
        fees=D("2.48"),
        opening_fees=D("2.24"),
        estimated=False,
        realized=D("62.52"),
    )
    [unknown] = {(unit.day, unit.fees, unit.estimated, unit.realized) for unit in found.of(OTHER).units}
    assert unknown == (None, 0, True, None), "nobody has worked it out"


async def test_of_a_day_are_read_those_opened_and_those_of_which_a_unit_ended_on_it(records: Records) -> None:
    await filled(records)
    await filled(records, "two", OTHER)
    await records.pnl_rows.note_earned("one", all_units(), D("-0.10"))
    found = await records.money.recorded()
    assert await records.money.on(DAY) == found, "both were opened"
    assert await records.money.on(LATER) == found.of(ACCOUNT), "all units of one ended"
    nothing = await records.money.on(DAY + timedelta(days=1))
    assert (nothing.tridents, nothing.units) == ((), ())


async def test_slippage_is_what_was_paid_over_the_mid_of_the_order(records: Records) -> None:
    await filled(records)
    puts = replace(exit_of((PUT_1, PUT_2), "x1", kind=ExitKind.TIME), mid=D("0.70"))
    call = replace(exit_of((CALL,), "x2", debit="0.97"), mid=None)
    for number, one in enumerate((puts, call)):
        await sent(records, one, f"7{number}")
        await records.exits.become(one.id, OrderState.FILLED, at=after(30))
    assert (await records.money.recorded()).slippages == (), "nobody has worked out what was paid"
    await records.pnl_rows.note_earned("one", all_units())
    # Two puts alone are priced as one spread: 0.73 and 0.76 were paid.
    assert (await records.money.recorded()).slippages == (ExitSlippage("one", LATER, D("0.045")),)


async def test_a_unit_is_made_of_the_rows_of_its_opening_and_of_its_end(records: Records) -> None:
    entry = replace(await filled(records), fills=opening_fills("70"))
    await records.tridents.note_gone(
        [GoneRecord("one", Gone(PUT_2, symbol, Ended.EXPIRED, AT), "us") for symbol in (SHORT_PUT, LONG_PUT)]
    )
    rows = [
        row("1", "Sell to Open", SHORT_PUT, 2, kind="Trade", action="Sell to Open", order_id="70"),
        row("2", "Expiration", SHORT_PUT, minute=60),
        row("10", "Expiration", LONG_PUT, minute=60),
    ]
    rows = [replace(one, account=ACCOUNT, executed_at=after(60 * n)) for n, one in enumerate(rows)]
    await records.transactions.keep(ACCOUNT, rows, through=date(2026, 3, 2), at=AT)
    lots = [Lot("one", PUT_2, symbol) for symbol in (SHORT_PUT, LONG_PUT)]
    await records.transactions.note_matches(match(rows, {"70": [entry]}, {"one": opened()}, lots), AT)
    assert await records.money.rows_of(["one", "nobody"]) == {
        ("one", PUT_1): ("1",),
        ("one", PUT_2): ("1", "2", "10"),
        ("one", CALL): ("1",),
    }
