"""Exits: at most one holds a unit, and a unit is free again only by fills or by proof (rules 15.4)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core.broker.port import BrokerAccount
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.mail_preference import MailPreference
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import ADOPTED, IntentKind
from core.domain.positions.closing import Gone
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.tridents import HandsOff
from core.domain.positions.units import Ended, UnitName, UnitState
from core.domain.reporting.notices import Letterhead
from core.records.records import Claimed, FencedOff, GoneRecord, IllegalTransition, Records, RecordsError, StateConflict
from tests.support.exit_samples import (
    ALL,
    LONG_PUT,
    PUTS,
    SHORT_PUT,
    closing_fills,
    exit_of,
    filled,
    proof,
    sent,
)
from tests.support.record_samples import ACCOUNT, AT, CLOSES, DAY, after, url_of

_S = OrderState
PUT_1, PUT_2, CALL = ALL


async def _claimed(records: Records, trident_id: str = "one") -> dict[UnitName, str]:
    return {one.unit: one.exit_id for one in await records.exits.claims_of(trident_id) if one.released_at is None}


async def _states(records: Records, trident_id: str = "one") -> tuple[UnitState, ...]:
    return tuple(unit.state for unit in (await records.tridents.get(trident_id)).trident.units)


async def test_an_exit_is_read_back_to_the_last_digit_after_reopening(records: Records, path: Path) -> None:
    await filled(records)
    new = replace(
        exit_of(), cap=Decimal("5.80"), mid=Decimal("0.7300"), natural=Decimal("0.75"), step=2, origin="", detail="…\0"
    )
    assert await records.exits.prepare(new) is new
    reopened = await Records.open(url_of(path))
    try:
        assert repr(await reopened.exits.get(new.id)) == repr(replace(new, detail="…?"))
        assert await reopened.exits.by_identifier("senexit-x1") == replace(new, detail="…?")
    finally:
        await reopened.close()


async def test_an_exit_is_an_intent_of_its_kind_and_no_entry(records: Records) -> None:
    await filled(records)
    await sent(records, exit_of())
    assert (await records.exits.get("x1")).KIND is IntentKind.EXIT
    assert [one.id for one in await records.entries.open()] == []
    assert [one.id for one in await records.exits.open()] == ["x1"]
    assert [one.id for one in await records.exits.followed(DAY)] == ["x1"]
    assert await records.entries.by_order("71", ACCOUNT) is None
    found = await records.exits.by_order("71", ACCOUNT, DAY)
    assert found is not None
    assert found.id == "x1"
    with pytest.raises(StateConflict, match="no entry x1"):
        await records.entries.get("x1")
    assert (await records.exits.history("x1"))[0].request == exit_of().request


async def test_a_unit_is_claimed_by_one_exit_at_a_time(records: Records) -> None:
    await filled(records)
    await sent(records, exit_of((PUT_1,)))
    answer = await records.exits.prepare(exit_of(ALL, "x2", kind=ExitKind.TIME))
    assert isinstance(answer, Claimed)
    assert (answer.unit, answer.holder and answer.holder.id) == (PUT_1, "x1")
    assert answer.why == "exit x1 (working) holds put-1"
    with pytest.raises(StateConflict, match="no exit x2"):
        await records.exits.get("x2")
    assert await _claimed(records) == {PUT_1: "x1"}
    assert isinstance(await records.exits.prepare(exit_of((PUT_2, CALL), "x2", kind=ExitKind.TIME)), Exit)
    assert await _claimed(records) == {PUT_1: "x1", PUT_2: "x2", CALL: "x2"}


async def test_of_many_concurrent_prepares_by_two_programs_exactly_one_wins(records: Records, second: Records) -> None:
    await filled(records)
    tries = [(PUT_1,), ALL, PUTS, (PUT_1, CALL)]
    answers = await asyncio.gather(
        *(
            (records if number % 2 else second).exits.prepare(exit_of(tries[number % 4], f"x{number}"))
            for number in range(8)
        )
    )
    won = [answer for answer in answers if isinstance(answer, Exit)]
    assert len(won) == 1
    holders = {answer.holder.id for answer in answers if isinstance(answer, Claimed) and answer.holder is not None}
    assert holders == {won[0].id}
    assert await _claimed(records) == dict.fromkeys(won[0].units, won[0].id)
    assert await records.exits.open_of(ACCOUNT) == (won[0],)


async def test_nothing_is_prepared_for_a_unit_that_is_not_whole(records: Records) -> None:
    await filled(records)
    gone = Gone(PUT_2, SHORT_PUT, Ended.ASSIGNED, after(5))
    await records.tridents.note_gone([GoneRecord("one", gone, "the console")])
    assert await records.exits.prepare(exit_of(PUTS)) == Claimed(PUT_2, None, "put-2 is broken")
    await sent(records, exit_of((PUT_1,)))
    await records.exits.add_fills("x1", closing_fills((PUT_1,)))
    assert await records.exits.prepare(exit_of((PUT_1,), "x2")) == Claimed(PUT_1, None, "put-1 is closed")
    nobody = await records.exits.prepare(exit_of((CALL,), "x3", trident="nobody"))
    assert nobody == Claimed(CALL, None, "no trident nobody is recorded")


@pytest.mark.parametrize("hands_off", [HandsOff.ADJUSTED, HandsOff.FOREIGN_CLOSE, HandsOff.DESK, HandsOff.RELEASED])
async def test_nothing_is_prepared_for_a_trident_that_is_left_alone(records: Records, hands_off: HandsOff) -> None:
    await filled(records)
    await records.tridents.hand_off("one", hands_off, "seen", DAY if hands_off is HandsOff.DESK else None)
    answer = await records.exits.prepare(exit_of())
    assert answer == Claimed(PUT_1, None, f"nothing is sent for trident one ({hands_off.value}: seen)")
    tomorrow = replace(exit_of(), session_day=DAY + timedelta(days=1))
    assert isinstance(await records.exits.prepare(tomorrow), Exit if hands_off is HandsOff.DESK else Claimed)


async def test_a_close_that_could_open_is_never_recorded(records: Records) -> None:
    await filled(records)
    with pytest.raises(ValueError, match="strictly"):
        await records.exits.prepare(replace(exit_of(), request=replace(exit_of().request, strict=False)))
    opens = replace(exit_of().request, legs=(await records.entries.get("one")).request.legs)
    with pytest.raises(ValueError, match="strictly"):
        await records.exits.prepare(replace(exit_of(), request=opens))
    for wrong in (
        replace(exit_of(), units=()),
        replace(exit_of(), state=_S.WORKING),
        replace(exit_of(), released_at=AT),
        replace(exit_of(), fills=closing_fills((PUT_1,))),
    ):
        with pytest.raises(ValueError, match="new exit"):
            await records.exits.prepare(wrong)
    assert await _claimed(records) == {}


async def test_an_identifier_is_never_recorded_twice(records: Records) -> None:
    await filled(records)
    await records.exits.prepare(exit_of())
    with pytest.raises(RecordsError, match="senexit-x1 is already recorded"):
        await records.exits.prepare(replace(exit_of((CALL,), "x2"), identifier="senexit-x1"))
    assert await _claimed(records) == {PUT_1: "x1"}


async def test_pause_halt_and_entry_breakers_never_stop_an_exit(records: Records) -> None:
    await filled(records)
    await records.exits.prepare(exit_of())
    await records.trading.pause("anna", "lunch", AT)
    await records.trading.halt("reconcile", "mismatch", AT)
    exits_stop = {BreakerKind.CLOCK, BreakerKind.STORE, BreakerKind.LOGIN}
    for kind in BreakerKind:
        if kind not in exits_stop:
            subject = {"global": "", "account": ACCOUNT, "login": "main"}[kind.scope.value]
            assert await records.breakers.open(kind, subject, "seen", AT)
    assert await records.exits.mark_sent("x1", after(11), epoch=records.epoch, closes=CLOSES)


@pytest.mark.parametrize(
    "stopped_by", ["held", "held all", "clock", "store", "login", "cancel", "operator", "close", "epoch"]
)
async def test_an_exit_is_marked_sent_only_while_nothing_of_its_own_stops_it(
    records: Records, second: Records, stopped_by: str
) -> None:
    await filled(records)
    await records.accounts.discover(
        "main", [BrokerAccount(number=ACCOUNT, nickname="", kind="Margin", is_closed=False)], enable_new=True, at=AT
    )
    await records.exits.prepare(exit_of())
    epoch, closes = records.epoch, CLOSES
    match stopped_by:
        case "held":
            await records.exit_switch.hold(ACCOUNT, "anna", "", AT)
        case "held all":
            await records.exit_switch.hold("", "anna", "", AT)
        case "cancel":
            await records.exits.ask_cancel("x1", "the console", "its time exit begins", AT)
        case "operator":
            await records.exits.note_cancel_request("x1", "anna", AT)
        case "close":
            closes = after(11)
        case "epoch":
            epoch -= 1
        case kind:
            assert await records.breakers.open(BreakerKind.of(kind), "main" if kind == "login" else "", "seen", AT)
    assert not await records.exits.mark_sent("x1", after(11), epoch=epoch, closes=closes)
    assert (await records.exits.get("x1")).state is _S.PREPARED
    if stopped_by == "held":
        await records.exit_switch.resume(ACCOUNT, "anna", "", AT)
        assert await second.exits.mark_sent("x1", after(12), epoch=epoch, closes=closes)
        assert not await records.exits.mark_sent("x1", after(13), epoch=epoch, closes=closes)


async def test_another_accounts_hold_or_login_stops_nothing(records: Records) -> None:
    await filled(records)
    await records.exits.prepare(exit_of())
    await records.exit_switch.hold("5WT00002", "anna", "", AT)
    await records.breakers.open(BreakerKind.LOGIN, "other", "refused", AT)
    assert await records.exits.mark_sent("x1", after(11), epoch=records.epoch, closes=CLOSES)


async def test_an_earlier_trader_sends_nothing(records: Records, path: Path) -> None:
    await filled(records)
    await records.exits.prepare(exit_of())
    newer = await Records.open(url_of(path))
    try:
        with pytest.raises(FencedOff):
            await records.exits.mark_sent("x1", AT, epoch=records.epoch, closes=CLOSES)
        assert not await newer.exits.mark_sent("x1", AT, epoch=records.epoch, closes=CLOSES)
        assert await newer.exits.mark_sent("x1", AT, epoch=newer.epoch, closes=CLOSES)
    finally:
        await newer.close()


async def test_a_filled_target_closes_its_unit_and_frees_it_in_one_commit(records: Records) -> None:
    await filled(records)
    await sent(records, exit_of((PUT_1,)))
    assert await records.exits.add_fills("x1", closing_fills((PUT_1,))) == 2
    assert await _states(records) == (UnitState.CLOSED, UnitState.WHOLE, UnitState.WHOLE)
    assert await _claimed(records) == {}
    assert (await records.exits.get("x1")).released_at is None, "its order has not ended yet"
    done = await records.exits.become("x1", _S.FILLED, at=after(31), broker_status="Filled")
    assert done.released_at == after(31)
    assert await records.exits.get("x1") == done
    assert await records.exits.open_of(ACCOUNT) == ()
    unit = (await records.tridents.get("one")).trident.units[0]
    assert (unit.how, unit.held) == (Ended.TARGET, ())


async def test_a_filled_order_without_fill_records_has_closed_its_units(records: Records) -> None:
    await filled(records)
    await sent(records, exit_of(ALL, kind=ExitKind.TIME))
    done = await records.exits.become("x1", _S.FILLED, at=after(31), broker_status="Filled")
    assert done.released_at == after(31)
    assert await _states(records) == (UnitState.CLOSED,) * 3
    assert await _claimed(records) == {}


async def test_of_two_puts_filled_in_part_the_first_is_free_and_the_second_held(records: Records) -> None:
    await filled(records)
    await sent(records, exit_of(PUTS, kind=ExitKind.TIME))
    await records.exits.add_fills("x1", closing_fills((PUT_1,)))
    assert await _states(records) == (UnitState.CLOSED, UnitState.WHOLE, UnitState.WHOLE)
    assert await _claimed(records) == {PUT_2: "x1"}
    ended = await records.exits.become("x1", _S.CANCELLED, at=after(40), broker_status="Cancelled")
    assert ended.released_at is None
    assert isinstance(await records.exits.prepare(exit_of((PUT_2,), "x2")), Claimed)
    freed = await records.exits.release("x1", proof())
    assert freed.released_at == after(60)
    assert isinstance(await records.exits.prepare(exit_of((PUT_2,), "x2")), Exit)


async def test_legs_out_of_proportion_break_the_unit_once_the_order_has_ended(records: Records) -> None:
    await filled(records)
    await sent(records, exit_of((PUT_1,)))
    await records.exits.add_fills("x1", closing_fills((PUT_1,), legs=[SHORT_PUT]))
    assert await _states(records) == (UnitState.WHOLE,) * 3, "its fellow's fill is under way"
    await records.exits.become("x1", _S.CANCELLED, at=after(40))
    unit = (await records.tridents.get("one")).trident.units[0]
    assert (unit.state, unit.held) == (UnitState.BROKEN, (LONG_PUT,))
    await records.exits.add_fills("x1", closing_fills((PUT_1,), legs=[LONG_PUT]))
    assert await _states(records) == (UnitState.CLOSED, UnitState.WHOLE, UnitState.WHOLE)


@pytest.mark.parametrize("state", [_S.CANCELLED, _S.EXPIRED, _S.REJECTED])
async def test_an_ended_order_keeps_its_units_until_a_complete_proof(records: Records, state: OrderState) -> None:
    await filled(records)
    await sent(records, exit_of())
    with pytest.raises(StateConflict, match="is working: its order may still fill"):
        await records.exits.release("x1", proof())
    ended = await records.exits.become("x1", state, at=after(40))
    assert ended.needs_proof
    with pytest.raises(StateConflict, match="not complete"):
        await records.exits.release("x1", proof(complete=False))
    assert await _claimed(records) == {PUT_1: "x1"}
    assert await records.exits.evidence("x1") == ()
    await records.exits.release("x1", proof())
    assert await _claimed(records) == {}
    assert await records.exits.evidence("x1") == (proof(),)
    again = await records.exits.release("x1", proof(90))
    assert again.released_at == after(60)
    [claim] = await records.exits.claims_of("one")
    assert (claim.claimed_at, claim.released_at, claim.why) == (after(10), after(60), "proved over")


async def test_what_is_unknown_or_an_incident_is_never_released(records: Records) -> None:
    await filled(records)
    await sent(records, exit_of(), order_id=None)
    await records.exits.become("x1", _S.UNKNOWN, at=after(40))
    with pytest.raises(StateConflict, match="unknown"):
        await records.exits.release("x1", proof())
    await records.exits.become("x1", _S.INCIDENT, at=after(41))
    with pytest.raises(StateConflict, match="incident"):
        await records.exits.release("x1", proof())
    assert await _claimed(records) == {PUT_1: "x1"}


@pytest.mark.parametrize("ways", [(_S.NOT_SENT,), (_S.REJECTED,), (_S.UNKNOWN, _S.ABSENT)])
async def test_an_order_that_is_not_at_the_broker_frees_its_units_at_once(
    records: Records, ways: tuple[OrderState, ...]
) -> None:
    await filled(records)
    await sent(records, exit_of(PUTS, kind=ExitKind.TIME), order_id=None)
    for state in ways:
        done = await records.exits.become("x1", state, at=after(40))
    assert done.released_at == after(40)
    assert [(one.released_at, one.why) for one in await records.exits.claims_of("one")] == [
        (after(40), done.state.words)
    ] * 2
    assert isinstance(await records.exits.prepare(exit_of(PUTS, "x2")), Exit)


async def test_an_absent_order_that_works_after_all_holds_its_units_again(records: Records) -> None:
    await filled(records)
    await sent(records, exit_of(PUTS, kind=ExitKind.TIME), order_id=None)
    await records.exits.become("x1", _S.UNKNOWN, at=after(40))
    await records.exits.become("x1", _S.ABSENT, at=after(41))
    alive = await records.exits.become("x1", _S.WORKING, at=after(42), order_id="71")
    assert (alive.state, alive.released_at) == (_S.WORKING, None)
    assert await _claimed(records) == {PUT_1: "x1", PUT_2: "x1"}


async def test_two_orders_that_close_one_unit_are_an_incident(records: Records) -> None:
    await filled(records)
    await sent(records, exit_of(PUTS, kind=ExitKind.TIME), order_id=None)
    await records.exits.become("x1", _S.UNKNOWN, at=after(40))
    await records.exits.become("x1", _S.ABSENT, at=after(41))
    await sent(records, exit_of((PUT_2,), "x2"), order_id="72")
    alive = await records.exits.become("x1", _S.WORKING, at=after(42), order_id="71", detail="listed")
    assert (alive.state, alive.released_at, alive.order_id) == (_S.INCIDENT, None, "71")
    assert alive.detail == "working, but exit x2 holds its units; listed"
    assert await _claimed(records) == {PUT_1: "x1", PUT_2: "x2"}
    assert await records.exits.incidents(ACCOUNT) == (alive,)


async def test_a_fill_after_a_proved_cancel_closes_the_unit_under_the_younger_exit(records: Records) -> None:
    await filled(records)
    await sent(records, exit_of((PUT_1,)))
    await records.exits.become("x1", _S.CANCELLED, at=after(40))
    await records.exits.release("x1", proof())
    await sent(records, exit_of((PUT_1,), "x2"), order_id="72")
    await records.exits.add_fills("x1", closing_fills((PUT_1,)), after(70))
    late = await records.exits.become("x1", _S.FILLED, at=after(70))
    assert late.state is _S.FILLED
    assert await _states(records) == (UnitState.CLOSED, UnitState.WHOLE, UnitState.WHOLE)
    assert await _claimed(records) == {PUT_1: "x2"}, "its order may still fill"


async def test_a_cancel_of_ours_is_on_record_before_the_broker_is_asked(records: Records) -> None:
    await filled(records)
    await sent(records, exit_of())
    asked = await records.exits.ask_cancel("x1", "the console", "its time exit begins", after(20))
    assert (asked.cancel_asked_at, asked.cancel_why) == (after(20), "its time exit begins")
    assert await records.exits.ask_cancel("x1", "anna", "retarget", after(25)) == asked
    assert (await records.exits.history("x1"))[-1].detail == "the console asked to cancel it: its time exit begins"
    assert not asked.cancel_requested_by, "no operator cancelled it"
    with pytest.raises(ValueError, match="for a reason"):
        await records.exits.ask_cancel("x1", "anna", "", AT)


async def test_an_order_found_at_the_broker_is_adopted_with_its_claims(records: Records) -> None:
    await filled(records)
    found = replace(
        exit_of((CALL,), kind=ExitKind.MANUAL), state=_S.UNKNOWN, origin=ADOPTED, order_id="99", sent_at=after(9)
    )
    adopted = await records.exits.adopt(found, "Live", "anna", after(50))
    assert isinstance(adopted, Exit)
    assert await records.exits.get("x1") == adopted
    assert await _claimed(records) == {CALL: "x1"}
    assert [one.who for one in await records.exits.evidence("x1")] == ["anna"]
    assert [one.order_id for one in await records.intent_orders.of("x1")] == ["99"]
    twin = replace(found, id="x2", identifier="senexit-x2", order_id="98")
    assert isinstance(await records.exits.adopt(twin, "Live", "anna", after(51)), Claimed)
    with pytest.raises(ValueError, match="unknown exit"):
        await records.exits.adopt(exit_of((PUT_1,), "x3"), "Live", "anna", AT)


async def test_only_mark_sent_sets_sent(records: Records) -> None:
    await filled(records)
    await records.exits.prepare(exit_of())
    with pytest.raises(IllegalTransition, match="exit x1 is prepared"):
        await records.exits.become("x1", _S.SENT, at=AT)


async def test_exits_are_read_by_account_and_by_trident(records: Records) -> None:
    await filled(records)
    await filled(records, "two", "5WT00002")
    first = await sent(records, exit_of((PUT_1,)))
    other = await sent(records, exit_of((CALL,), "y1", trident="two", account="5WT00002"), order_id="81")
    assert await records.exits.open_of(ACCOUNT) == (first,)
    assert await records.exits.open_of("5WT00002") == (other,)
    await records.exits.become("x1", _S.FILLED, at=after(40))
    assert await records.exits.open_of(ACCOUNT) == ()
    done = await records.exits.get("x1")
    assert await records.exits.of_tridents(["one", "two", "three"]) == {"one": (done,), "two": (other,), "three": ()}


async def test_accounts_that_are_asked_about_in_turn_get_each_its_own_answer(records: Records) -> None:
    """The answers are cached: nothing is written between these questions."""
    other = "5WT00002"
    for entry_id, account in (("one", ACCOUNT), ("two", other)):
        await filled(records, entry_id, account)
        await sent(records, exit_of(exit_id=f"of-{entry_id}", trident=entry_id, account=account), f"7-{entry_id}")
    for _ in range(3):
        for entry_id, account in (("one", ACCOUNT), ("two", other)):
            assert [one.id for one in await records.tridents.held_of(account)] == [entry_id]
            exits = [f"of-{entry_id}"]
            assert [one.id for one in await records.exits.open_of(account)] == exits
            assert [one.id for one in await records.exits.looked_at(DAY, account)] == exits
            looked = await records.intents.looked_at(DAY, account)
            assert [one.id for one in looked if isinstance(one, Exit)] == exits
    assert await records.exits.open_of("5WT00003") == () == await records.tridents.held_of("5WT00003")


async def test_the_mail_about_an_exit_is_in_the_commit_of_its_state(records: Records) -> None:
    records.outbox.open(Letterhead("demo", "https://example.test/orders"), MailPreference.DAILY)
    await filled(records)
    earlier = len(await records.outbox.waiting())
    await sent(records, exit_of((PUT_1,)))
    await sent(records, exit_of((CALL,), "x2"), order_id="72")
    await records.exits.become("x1", _S.FILLED, at=after(31))
    assert len(await records.outbox.waiting()) == earlier, "the account wants it with the day"
    await records.exits.become("x2", _S.UNKNOWN, at=after(32))
    [mail] = (await records.outbox.waiting())[earlier:]
    assert (mail.key, mail.account, mail.created_at) == ("exit:x2:unknown", ACCOUNT, after(32))
    assert "put-1" in mail.text
    assert "72" in mail.text
