"""Tridents: taken in with the fill of their entry, changed only forwards, their units as fills and losses left them."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.broker.port import BrokerAccount
from core.domain.market.chain import TickTable
from core.domain.operation.account_settings import AccountField, AccountSetting
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import OrderLeg, OrderRequest
from core.domain.positions.closing import Gone, closed_by, units_after
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.left import credit_left, open_risk
from core.domain.positions.trident_view import ManualClose
from core.domain.positions.tridents import ExitMode, HandsOff, Phase
from core.domain.positions.units import Ended, UnitName, UnitState
from core.records.records import GoneRecord, Records, StateConflict, SuggestionRecord
from tests.support.exit_samples import (
    ALL,
    LONG_PUT,
    RULES,
    SHORT_CALL,
    SHORT_PUT,
    closing_fills,
    exit_of,
    filled,
    opened,
    opening_fills,
    proof,
    sent,
)
from tests.support.record_samples import ACCOUNT, AT, CLOSES, DAY, after, entry, suggestion

PUT_1, PUT_2, CALL = ALL
TICKS = TickTable(((Decimal("3.00"), Decimal("0.05")),), Decimal("0.10"))


def _priced(suggestion_id: str = "suggestion-one") -> SuggestionRecord:
    """A suggestion with the evidence that a cycle keeps: the legs' prices and the ticks of the chain."""
    prices = (("5.00", "5.10"), ("3.80", "3.90"), ("6.00", "6.20"), ("4.40", "4.50"))
    legs = [{"bid": bid, "ask": ask} for bid, ask in prices]
    ticks = {"bands": TICKS.bands, "fallback": TICKS.fallback}
    return replace(suggestion(suggestion_id), evidence={"pricing": {"legs": legs}, "ticks": ticks})


async def test_a_filled_entry_becomes_a_trident_with_three_whole_units(records: Records) -> None:
    records.tridents.default_rules = RULES
    new = await filled(records)
    found = await records.tridents.get("one")
    trident = found.trident
    assert (trident.underlying, trident.expiration, trident.body, trident.width) == (
        "QQQ",
        new.expiration,
        Decimal(622),
        Decimal(3),
    )
    assert [(unit.name, unit.short, unit.long, unit.state) for unit in trident.units] == [
        (unit.name, unit.short, unit.long, UnitState.WHOLE) for unit in opened()
    ]
    assert [unit.credit for unit in trident.units] == [Decimal("1.22"), Decimal("1.22"), Decimal("1.62")]
    assert (found.account, found.root, found.credit, found.credit_estimated) == (ACCOUNT, "QQQ", Decimal("4.06"), False)
    assert (trident.filled_at, found.opened_at, found.managed_since) == (after(2), AT, after(2))
    assert (trident.rules, trident.phase, trident.hands_off, trident.cash_settled) == (
        RULES,
        Phase.OPEN,
        HandsOff.NONE,
        False,
    )
    assert credit_left(trident.units) == Decimal("4.06")
    assert open_risk(trident.units, trident.width) == new.max_risk - Decimal(20)
    assert await records.tridents.held_of(ACCOUNT) == (found,) == await records.tridents.held()
    assert await records.tridents.held_of("5WT00002") == ()


async def test_what_is_not_filled_or_not_of_one_package_is_no_trident(records: Records) -> None:
    await records.entries.prepare(entry())
    await records.entries.mark_sent("one", after(1), epoch=records.epoch, closes=CLOSES)
    await records.entries.become("one", OrderState.WORKING, at=after(2), order_id="7")
    assert await records.tridents.these(["one"]) == ()
    assert await records.tridents.take_in("one", AT) is None
    legs = entry().request.legs
    two = replace(entry("two", "5WT00002"), request=OrderRequest("QQQ", _doubled(legs), Decimal(4), "senex-two"))
    await records.entries.prepare(two)
    await records.entries.mark_sent("two", after(1), epoch=records.epoch, closes=CLOSES)
    await records.entries.become("two", OrderState.FILLED, at=after(2), order_id="8")
    assert await records.tridents.held() == ()
    assert [one.id for one in await records.tridents.not_taken_in(DAY)] == ["two"]


def _doubled(legs: tuple[OrderLeg, ...]) -> tuple[OrderLeg, ...]:
    return tuple(replace(leg, quantity=2 * leg.quantity) for leg in legs)


async def test_the_credits_come_with_the_last_fill_record(records: Records) -> None:
    *early, late = opening_fills("7-one", at=after(5))
    await filled(records, fills=early)
    found = await records.tridents.get("one")
    assert (found.credit, {unit.credit for unit in found.trident.units}) == (None, {None})
    assert open_risk(found.trident.units, found.trident.width) is None
    await records.entries.add_fills("one", [late], after(9))
    found = await records.tridents.get("one")
    assert (found.credit, found.opened_at) == (Decimal("4.06"), after(5))
    assert [unit.credit for unit in found.trident.units] == [Decimal("1.22"), Decimal("1.22"), Decimal("1.62")]


async def test_odd_fill_prices_are_divided_by_the_mids_of_the_decision(records: Records) -> None:
    await records.journal.record_suggestion(_priced())
    odd = [replace(fill, price=Decimal("9.00")) if fill.symbol == SHORT_CALL else fill for fill in opening_fills()]
    await filled(records, fills=odd)
    found = await records.tridents.get("one")
    puts, call = Decimal("1.20"), Decimal("1.65")
    package = 2 * Decimal("1.22") + Decimal("4.62")
    assert found.credit_estimated
    assert found.credit == package
    assert [unit.estimated for unit in found.trident.units] == [True] * 3
    assert [unit.credit for unit in found.trident.units] == [
        package * one / (2 * puts + call) for one in (puts, puts, call)
    ]
    assert found.trident.ticks == TICKS


@pytest.mark.parametrize(
    "evidence",
    [
        {"pricing": None, "ticks": None},
        {"pricing": {"legs": [{"bid": "None", "ask": "1"}] * 4}, "ticks": {"bands": [[1, 2]], "fallback": None}},
        {"pricing": {"legs": [{"bid": "NaN", "ask": "1"}] * 4}, "ticks": {"bands": ["ab"], "fallback": Decimal(1)}},
        {"pricing": {"legs": []}, "ticks": {"bands": (), "fallback": "0.05"}},
        {"ticks": {"bands": [[Decimal(1)]]}},
    ],
)
async def test_evidence_that_cannot_be_understood_costs_no_fill(records: Records, evidence: dict[str, object]) -> None:
    await records.journal.record_suggestion(replace(_priced(), evidence=evidence))
    assert (await filled(records)).state is OrderState.FILLED
    found = await records.tridents.get("one")
    assert (found.trident.ticks, found.credit) == (TickTable((), None), Decimal("4.06"))


async def test_evidence_that_cannot_be_read_costs_no_fill(records: Records) -> None:
    await records.journal.record_suggestion(_priced())
    async with records.database.write() as connection:
        await connection.exec_driver_sql("UPDATE suggestions SET evidence = '{torn'")
    assert (await filled(records)).state is OrderState.FILLED
    assert (await records.tridents.get("one")).credit == Decimal("4.06")


async def test_a_trident_keeps_the_rules_of_its_account_when_it_was_filled(records: Records) -> None:
    records.tridents.default_rules = RULES
    await records.accounts.discover("main", [BrokerAccount(ACCOUNT, "", "Margin", False)], enable_new=True, at=AT)
    for field, value in (
        (AccountField.EXITS, "targets"),
        (AccountField.TARGET_PUT_2, "off"),
        (AccountField.EXIT_DTE, 10),
        (AccountField.CALL_TARGET_LAST, True),
    ):
        await records.accounts.set(ACCOUNT, AccountSetting(field, value), "anna", AT)
    await filled(records)
    kept = (await records.tridents.get("one")).trident.rules
    assert (kept.mode, dict(kept.targets), kept.exit_dte, kept.call_last) == (
        ExitMode.TARGETS,
        {PUT_1: 40, PUT_2: None, CALL: 40},
        10,
        True,
    )
    await records.accounts.set(ACCOUNT, AccountSetting(AccountField.EXITS, "off"), "anna", AT)
    assert (await records.tridents.get("one")).trident.rules == kept
    adopted = await records.tridents.adopt("one", replace(kept, exit_dte=3), after(50))
    assert (adopted.trident.rules.exit_dte, adopted.managed_since) == (3, after(2))


@pytest.mark.parametrize(("root", "managed"), [("SPXW", True), ("SPX", False)])
async def test_an_index_delivers_cash_and_one_settled_in_the_morning_is_not_managed(
    records: Records, root: str, managed: bool
) -> None:
    records.tridents.default_rules = RULES
    legs = tuple(replace(leg, symbol=f"{root:6}{leg.symbol[6:]}") for leg in entry().request.legs)
    index = replace(entry(), underlying="SPX", request=OrderRequest("SPX", legs, Decimal("6.80"), "senex-one"))
    await records.entries.prepare(index)
    await records.entries.mark_sent("one", after(1), epoch=records.epoch, closes=CLOSES)
    await records.entries.become("one", OrderState.FILLED, at=after(2), order_id="7")
    found = await records.tridents.get("one")
    assert (found.root, found.trident.cash_settled, found.managed_since is not None) == (root, True, managed)
    if not managed:
        with pytest.raises(StateConflict, match="settled at an open"):
            await records.tridents.adopt("one", RULES, after(9))


async def test_without_exits_a_trident_is_on_record_and_not_managed_until_it_is_adopted(records: Records) -> None:
    await filled(records)
    assert (await records.tridents.get("one")).managed_since is None
    assert (await records.tridents.adopt("one", RULES, after(50))).managed_since == after(50)
    assert (await records.tridents.adopt("one", RULES, after(60))).managed_since == after(50)


async def test_an_entry_of_an_older_version_is_taken_in_and_not_managed(records: Records) -> None:
    records.tridents.default_rules = RULES
    await filled(records)
    async with records.database.write() as connection:  # as a version before revision 6 left it
        await connection.exec_driver_sql("DELETE FROM units")
        await connection.exec_driver_sql("DELETE FROM tridents")
    [old] = await records.tridents.not_taken_in(DAY)
    assert await records.tridents.not_taken_in(old.expiration + timedelta(days=1)) == ()
    taken = await records.tridents.take_in("one", after(900))
    assert taken is not None
    assert (taken.managed_since, taken.trident.ticks, taken.credit) == (None, TickTable((), None), Decimal("4.06"))
    assert await records.tridents.take_in("one", after(999)) == taken
    assert await records.tridents.not_taken_in(DAY) == ()
    await records.tridents.set_ticks("one", TICKS)
    assert (await records.tridents.get("one")).trident.ticks == TICKS


async def test_a_trident_goes_forwards_only(records: Records) -> None:
    await filled(records)
    closing = await records.tridents.become("one", Phase.CLOSING, after(100))
    assert (closing.trident.phase, closing.closing_since) == (Phase.CLOSING, after(100))
    assert await records.tridents.become("one", Phase.CLOSING, after(200)) == closing
    with pytest.raises(StateConflict, match="is closing; it cannot become open"):
        await records.tridents.become("one", Phase.OPEN, after(201))
    assert (await records.tridents.mark_split("one")).trident.split
    with pytest.raises(StateConflict, match=r"has not ended: QQQ .*P00622000, .*C00625000 is left"):
        await records.tridents.become("one", Phase.ENDED, after(250))
    await sent(records, exit_of(ALL, kind=ExitKind.TIME))
    await records.exits.become("x1", OrderState.FILLED, at=after(260))
    ended = await records.tridents.become("one", Phase.ENDED, after(300))
    assert (ended.ended_at, await records.tridents.held_of(ACCOUNT)) == (after(300), ())
    with pytest.raises(StateConflict, match="has ended"):
        await records.tridents.adopt("one", RULES, after(301))
    with pytest.raises(StateConflict, match="no trident two"):
        await records.tridents.become("two", Phase.CLOSING, AT)


async def test_hands_off_are_lifted_but_for_those_that_are_for_good(records: Records) -> None:
    await filled(records)
    with pytest.raises(ValueError, match="for a day"):
        await records.tridents.hand_off("one", HandsOff.DESK, "its user is the desk")
    desk = await records.tridents.hand_off("one", HandsOff.DESK, "its user is the desk", DAY)
    assert (desk.trident.hands_off, desk.hands_off_why, desk.desk_day) == (HandsOff.DESK, "its user is the desk", DAY)
    lifted = await records.tridents.hand_off("one", HandsOff.NONE, "")
    assert (lifted.trident.hands_off, lifted.desk_day) == (HandsOff.NONE, None)
    await records.tridents.hand_off("one", HandsOff.ADJUSTED, "a split")
    with pytest.raises(StateConflict, match="is adjusted, which is for good"):
        await records.tridents.hand_off("one", HandsOff.NONE, "")
    released = await records.tridents.hand_off("one", HandsOff.RELEASED, "anna has it")
    assert released.trident.hands_off is HandsOff.RELEASED
    with pytest.raises(StateConflict, match="is released, which is for good"):
        await records.tridents.hand_off("one", HandsOff.ADJUSTED, "a split")


async def test_an_operators_word_to_close_lasts_until_it_is_taken_back(records: Records) -> None:
    await filled(records)
    for asked in (ManualClose((PUT_1, PUT_2), Decimal("0.80"), after(20)), ManualClose((CALL,), None, after(21)), None):
        assert (await records.tridents.ask("one", asked)).asked == asked
        assert (await records.tridents.get("one")).asked == asked


async def test_what_left_is_only_added_and_a_later_row_explains_it(records: Records) -> None:
    await filled(records)
    first = GoneRecord("one", Gone(PUT_2, SHORT_PUT, None, after(20)), "the console", detail={"seen": Decimal(1)})
    units = (await records.tridents.note_gone([first]))["one"]
    assert (units[1].state, units[1].how, units[1].held) == (UnitState.BROKEN, None, (LONG_PUT,))
    explained = GoneRecord(
        "one",
        Gone(PUT_2, SHORT_PUT, Ended.ASSIGNED, after(90)),
        "the console",
        transaction_id="t1",
        figure=Decimal("-5"),
    )
    rest = GoneRecord("one", Gone(PUT_2, LONG_PUT, Ended.HAND, after(95)), "anna")
    units = (await records.tridents.note_gone([explained, rest]))["one"]
    assert (units[1].state, units[1].how, units[1].held) == (UnitState.GONE, Ended.ASSIGNED, ())
    assert (await records.tridents.gone_of(["one", "two"])) == {"one": (first, explained, rest), "two": ()}
    assert (await records.tridents.get("one")).trident.units == units
    with pytest.raises(StateConflict, match="no trident two"):
        await records.tridents.note_gone([replace(first, trident_id="two")])


async def test_what_left_is_taken_back_where_it_is_held_after_all(records: Records) -> None:
    await filled(records)
    whole = (await records.tridents.get("one")).trident.units
    left = [
        GoneRecord("one", Gone(unit, symbol, None, after(20)), "the console")
        for unit, symbol in ((PUT_1, SHORT_PUT), (PUT_2, SHORT_PUT), (PUT_2, LONG_PUT))
    ]
    await records.tridents.note_gone(left)
    again = [replace(one, quantity=0, gone=replace(one.gone, found_at=after(30))) for one in left[1:]]
    units = (await records.tridents.note_gone(again))["one"]
    assert (units[0].state, units[1:]) == (UnitState.BROKEN, whole[1:])
    assert (await records.tridents.gone_of(["one"]))["one"] == (left[0],)
    assert PUT_2 not in (await records.pnl_rows.earned_of(["one"]))["one"].ended_on
    once_more = replace(left[2], gone=replace(left[2].gone, found_at=after(40)))
    await records.tridents.note_gone([once_more])
    assert (await records.tridents.gone_of(["one"]))["one"] == (left[0], once_more)


async def test_tridents_are_found_by_the_beginning_of_their_id(records: Records) -> None:
    await filled(records, "abc1")
    await filled(records, "abd2", "5WT00002")
    assert [one.id for one in await records.tridents.beginning_with("ab")] == ["abc1", "abd2"]
    assert [one.id for one in await records.tridents.beginning_with("abd")] == ["abd2"]
    assert await records.tridents.beginning_with("b") == ()


_ENDS = (OrderState.CANCELLED, OrderState.CANCELLED, OrderState.EXPIRED, OrderState.REJECTED, OrderState.FILLED)


@pytest.mark.sqlite
@pytest.mark.parametrize("seed", range(3))
async def test_stored_units_and_claims_are_what_fills_and_losses_make_of_them(records: Records, seed: int) -> None:
    """Whatever happens, in whatever order: the units are those of `units_after`, and no unit is claimed twice."""
    chance = random.Random(seed)
    units: set[UnitState] = set()
    for name in ("t0", "t1", "t2", "t3"):
        await filled(records, name, f"5WT0000{name[1]}")
        for number in range(24):
            await _something_happens(records, chance, name, number)
            exits = (await records.exits.of_tridents([name]))[name]
            gone = [record.gone for record in (await records.tridents.gone_of([name]))[name]]
            found = (await records.tridents.get(name)).trident.units
            at_first = [replace(unit, credit=now.credit) for unit, now in zip(opened(), found, strict=True)]
            assert found == units_after(at_first, exits, gone), (name, number)
            claims = [one for one in await records.exits.claims_of(name) if one.released_at is None]
            assert len({one.unit for one in claims}) == len(claims), (name, number)
            for exit in exits:
                rest = closed_by(exit, found).rest if exit.released_at is None else ()
                assert {one.unit for one in claims if one.exit_id == exit.id} == set(rest), (name, number, exit.id)
        units |= {unit.state for unit in found}
    assert UnitState.CLOSED in units


async def _something_happens(records: Records, chance: random.Random, name: str, number: int) -> None:
    exits = (await records.exits.of_tridents([name]))[name]
    alive = [one for one in exits if one.state is OrderState.WORKING]
    match chance.choice(("close", "close", "close", "fill", "fill", "end", "end", "release", "late", "gone")):
        case "close":
            units = tuple(unit for unit in UnitName if chance.random() < 0.5)
            new = exit_of(units or (CALL,), f"{name}-{number}", trident=name, account=f"5WT0000{name[1]}")
            if isinstance(await records.exits.prepare(new), Exit):
                await records.exits.mark_sent(new.id, after(11), epoch=records.epoch, closes=CLOSES)
                if chance.random() < 0.2:
                    await records.exits.become(new.id, OrderState.REJECTED, at=after(12))
                else:
                    await records.exits.become(new.id, OrderState.WORKING, at=after(12), order_id=f"9{number}")
        case "fill" if alive:
            await _some_fills(records, chance, chance.choice(alive), number)
        case "end" if alive:
            await records.exits.become(chance.choice(alive).id, chance.choice(_ENDS), at=after(40 + number))
        case "release":
            for one in exits:
                if one.needs_proof:
                    await records.exits.release(one.id, proof(60 + number))
        case "late" if late := [one for one in exits if one.state is OrderState.CANCELLED]:
            one = chance.choice(late)
            await _some_fills(records, chance, one, number)
            await records.exits.become(one.id, OrderState.FILLED, at=after(80 + number))
        case "gone" if chance.random() < 0.5:
            unit = chance.choice(opened())
            cause = chance.choice((None, Ended.HAND, Ended.ASSIGNED))
            legs = chance.choice(((unit.short,), (unit.long,), (unit.short, unit.long)))
            left = [Gone(unit.name, leg, cause, after(50 + number)) for leg in legs]
            await records.tridents.note_gone([GoneRecord(name, one, "the console") for one in left])


async def _some_fills(records: Records, chance: random.Random, exit: Exit, number: int) -> None:
    """Fills that close some of the exit's units, or one leg of them out of proportion."""
    units = exit.units[: chance.randint(1, len(exit.units))]
    fills = closing_fills(units, exit.order_id or "", number=str(number))
    await records.exits.add_fills(exit.id, fills if chance.random() < 0.8 else fills[:1])
