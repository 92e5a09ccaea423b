"""What must be closed before its expiration: nothing on the way keeps its deadline from it (rules 15.7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from core.domain.market.sessions import Session
from core.domain.orders.order_states import OrderState
from core.domain.positions.actions import Alert, Cancel, CancelWhy, LeaveToDesk, MarkClosing, PlaceClose, Wait
from core.domain.positions.close_steps import KEPT_FOR_THE_DEADLINE
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.next_action import next_action
from core.domain.positions.timing import ExitDays, next_turn
from core.domain.positions.trident_view import ManualClose, Moment, TridentView
from core.domain.positions.tridents import HandsOff, Phase
from core.domain.positions.units import UnitName
from core.domain.positions.walk import MAX_SENDS, ClosePrices
from tests.support.trident_views import FIRST, LAST, VIEW, at, closing, of, works
from tests.support.tridents import CALL, PUT_1, PUT_2, D, units
from tests.support.world import et

PUTS, ALL = (PUT_1, PUT_2), tuple(UnitName)
DAY_OF_IT = "2025-12-19"
DEARER = ClosePrices(D("2.00"), D("2.60"))


def sent_before(count: int, names: tuple[UnitName, ...]) -> tuple[Exit, ...]:
    """So many orders of the last day that have ended."""
    one = works(names, "1.22", at(LAST, "14:00"), state=OrderState.CANCELLED, released_at=et(LAST, "14:01"))
    return tuple(replace(one, id=f"b{n}", order_id=f"8{n}") for n in range(count))


def test_what_rests_when_all_orders_are_sent_stays_at_the_deadline() -> None:
    rests = works(PUTS, "1.22", at(LAST, "15:09"))
    view = closing(split=True, units=units()[:2], exits=(*sent_before(MAX_SENDS - 1, PUTS), rests), put=DEARER)
    found = next_action(view, at(LAST, "15:33"))
    assert found == Wait(None, f"{MAX_SENDS} orders of this session are sent", Alert.MUST_CLOSE)


def test_the_walk_of_the_last_day_leaves_orders_for_the_deadline() -> None:
    rests = works(PUTS, "1.22", at(LAST, "15:09"))
    sent = sent_before(MAX_SENDS - KEPT_FOR_THE_DEADLINE - 1, PUTS)
    view = closing(split=True, units=units()[:2], exits=(*sent, rests), put=DEARER)
    waits = next_action(view, at(LAST, "15:20"))
    assert isinstance(waits, Wait)
    assert (waits.until, "kept for the deadline" in waits.why) == (et(LAST, "15:30"), True)
    assert next_action(view, at(LAST, "15:30")) == Cancel((rests.id,), CancelWhy.STEP)
    assert isinstance(next_action(of(view, exits=sent[1:], put=DEARER), at(LAST, "15:20")), PlaceClose), "nothing rests"


def test_an_operators_close_that_rests_does_not_outlast_the_deadline() -> None:
    by_hand = works([PUT_1], "0.30", at(LAST, "11:00"), kind=ExitKind.MANUAL)
    asked = ManualClose((PUT_1,), D("0.30"), et(LAST, "10:59"))
    view = closing(exits=(by_hand,), asked=asked, split=True, units=units()[:1])
    before = next_action(view, at(LAST, "15:20"))
    assert isinstance(before, Wait)
    assert "operator's limit" in before.why
    assert next_action(view, at(LAST, "15:30")) == Cancel((by_hand.id,), CancelWhy.CLOSING)
    found = next_action(of(view, exits=()), at(LAST, "15:30"))
    assert isinstance(found, PlaceClose)
    assert found.plan.kind is ExitKind.TIME


def test_a_limit_is_for_the_units_that_were_asked_for() -> None:
    asked = ManualClose(ALL, D("2.90"), FIRST.now)
    moment = at("2025-12-12", "10:30")
    whole = next_action(closing(asked=asked), moment)
    assert isinstance(whole, PlaceClose)
    assert (whole.plan.kind, whole.plan.debit) == (ExitKind.MANUAL, D("2.90"))
    call_alone = next_action(closing(asked=asked, units=units()[2:]), moment)
    assert isinstance(call_alone, PlaceClose)
    assert call_alone.plan.kind is ExitKind.TIME, "its own walk goes on"
    puts = ManualClose(PUTS, D("1.10"), FIRST.now)
    one_put = next_action(closing(asked=puts, units=units()[1:]), moment)
    assert isinstance(one_put, PlaceClose)
    assert (one_put.plan.units, one_put.plan.debit) == ((PUT_2,), D("1.10")), "the price of a put spread is the same"


def test_an_operators_limit_that_never_left_is_sent_again() -> None:
    moment = at("2025-12-12", "10:30")
    asked = ManualClose((CALL,), D("1.20"), FIRST.now)
    failed = works([CALL], "1.20", moment, kind=ExitKind.MANUAL, state=OrderState.NOT_SENT)
    failed = replace(failed, sent_at=None, order_id=None, released_at=moment.now)
    found = next_action(closing(asked=asked, exits=(failed,)), moment)
    assert isinstance(found, PlaceClose)
    assert (found.plan.kind, found.plan.debit) == (ExitKind.MANUAL, D("1.20"))


@pytest.mark.parametrize(
    ("day", "closes"), [("2025-12-12", False), ("2025-12-16", True), (LAST, True)], ids=["7", "3", "last"]
)
def test_credits_need_not_be_known_where_a_close_may_cost_all(day: str, closes: bool) -> None:
    view = closing(units=tuple(replace(unit, credit=None) for unit in units()))
    found = next_action(view, at(day, "10:30"))
    assert isinstance(found, PlaceClose if closes else Wait), found
    if isinstance(found, Wait):
        assert found.alert is Alert.CREDIT_UNKNOWN


@pytest.mark.parametrize("exit_dte", [1, 2, 3])
def test_the_time_exit_begins_at_the_latest_on_the_last_session_before_the_expiration(exit_dte: int) -> None:
    monday = date(2025, 12, 22)
    days = ("2025-12-18", "2025-12-19", "2025-12-22")
    sessions = tuple(Session(et(day).date(), et(day, "09:30"), et(day, "16:00")) for day in days)
    friday = Moment(et("2025-12-19", "10:00"), date(2025, 12, 19), sessions[1], ExitDays(monday, sessions))
    assert friday.days.start(exit_dte) == friday.now
    view: TridentView = of(VIEW, expiration=monday, rules=replace(VIEW.trident.rules, exit_dte=exit_dte))
    assert isinstance(next_action(view, friday), MarkClosing)
    early = next_action(view, replace(friday, now=et("2025-12-19", "09:45")))
    assert isinstance(early, Wait), "no target is placed on its last day"


def test_our_close_goes_before_the_desks_hour_also_beside_a_foreign_close() -> None:
    ours = works(ALL, "3.60", at("2025-12-19", "14:30"))
    view = closing(exits=(ours,), hands_off=HandsOff.FOREIGN_CLOSE)
    before = next_action(view, at("2025-12-19", "14:50"))
    assert isinstance(before, Wait), "an order that rests stays while a foreign close works"
    assert next_action(view, at("2025-12-19", "14:58")) == Cancel((ours.id,), CancelWhy.DESK)


def test_the_proof_of_our_last_cancel_is_there_by_the_desks_hour() -> None:
    """A proof may take 2 minutes: the cancel leaves as long before close - 60 min, and nothing is sent any more."""
    ours = works(ALL, "3.60", at(DAY_OF_IT, "14:55"))
    assert isinstance(next_action(closing(exits=(ours,)), at(DAY_OF_IT, "14:57")), Wait)
    assert next_action(closing(exits=(ours,)), at(DAY_OF_IT, "14:58")) == Cancel((ours.id,), CancelWhy.DESK)
    assert isinstance(next_action(closing(), at(DAY_OF_IT, "14:57")), PlaceClose)
    assert next_action(closing(), at(DAY_OF_IT, "14:58")) == LeaveToDesk()


def test_what_the_clock_alone_changes_is_waited_for_to_the_second() -> None:
    """An order that rests at an operator's limit waits for nothing else: the trident is looked at all the same."""
    trident = VIEW.trident
    assert next_turn(trident, at(LAST, "11:00").days, et(LAST, "11:00")) == et(LAST, "15:00")
    assert next_turn(trident, at(LAST, "11:00").days, et(LAST, "15:00")) == et(LAST, "15:30")
    assert next_turn(trident, at(LAST, "11:00").days, et(LAST, "15:30")) == et(DAY_OF_IT, "09:45")
    assert next_turn(trident, at(LAST, "11:00").days, et(DAY_OF_IT, "09:45")) == et(DAY_OF_IT, "14:58")
    for over in (Phase.SETTLING, Phase.ENDED):  # also of one that ended before the calendar's first session
        assert next_turn(replace(trident, phase=over), ExitDays(date(2020, 1, 17), ()), et(LAST, "11:00")) is None
    assert next_turn(trident, at(LAST, "11:00").days, et(DAY_OF_IT, "14:58")) is None
    cash = replace(trident, cash_settled=True)
    assert next_turn(cash, at(LAST, "11:00").days, et(LAST, "11:00")) is None
