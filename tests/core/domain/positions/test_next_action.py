"""What comes next for a trident: one table of decisions, and whole courses of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.market.sessions import Session
from core.domain.market.ticks import is_on_tick
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Fill, TimeInForce
from core.domain.positions.actions import (
    Action,
    Alert,
    Cancel,
    CancelWhy,
    End,
    LeaveToDesk,
    MarkClosing,
    MarkSettling,
    MarkSplit,
    PlaceClose,
    PlaceTargets,
    Prove,
    Wait,
)
from core.domain.positions.closing import Gone, closed_twice, units_after
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.left import most_worth
from core.domain.positions.next_action import asks_prices, next_action
from core.domain.positions.plans import ExitPlan, request_of
from core.domain.positions.timing import ExitDays, next_exit_at
from core.domain.positions.trident_view import Dividend, ManualClose, Moment, TridentView
from core.domain.positions.tridents import ExitMode, HandsOff, Phase
from core.domain.positions.units import Ended, UnitName, left_of, legs_of
from core.domain.positions.walk import ClosePrices
from tests.support.trident_views import (
    ALL_CLOSED,
    CALLS,
    CENT,
    ENTRY_DAY,
    EXPIRATION,
    FIRST,
    LAST,
    PUT,
    RULES,
    SESSIONS,
    TARGETS,
    VIEW,
    B,
    at,
    closing,
    gone,
    of,
    target,
    works,
)
from tests.support.tridents import CALL, LONG_PUT, PUT_1, PUT_2, SHORT_PUT, D, exit, units
from tests.support.world import et


def prices(found: Action) -> list[tuple[tuple[UnitName, ...], Decimal]]:
    assert isinstance(found, (PlaceTargets, PlaceClose)), found
    plans = found.plans if isinstance(found, PlaceTargets) else (found.plan,)
    return [(plan.units, plan.debit) for plan in plans]


# --- targets ---


def test_the_targets_are_placed_once_the_fills_and_the_legs_are_there() -> None:
    found = next_action(VIEW, ENTRY_DAY)
    assert prices(found) == [((PUT_1,), D("0.73")), ((PUT_2,), D("0.48")), ((CALL,), D("0.97"))]
    assert isinstance(found, PlaceTargets)
    assert {(plan.kind, plan.time_in_force) for plan in found.plans} == {(ExitKind.TARGET, TimeInForce.GTC)}
    request = request_of(found.plans[0], "QQQ", "senexit-1")
    assert (request.strict, request.closes, request.debit) == (True, True, D("0.73"))


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(of(agrees=False), id="legs not seen"),
        pytest.param(of(filled_at=ENTRY_DAY.now - timedelta(seconds=4)), id="filled 4 s ago"),
        pytest.param(of(opposed=True), id="an entry works on a strike"),
        pytest.param(of(rules=replace(RULES, mode=ExitMode.OFF)), id="off"),
        pytest.param(of(units=ALL_CLOSED), id="no unit left"),
        pytest.param(of(exits=TARGETS), id="all rest"),
        pytest.param(of(blocked="exits are held"), id="held"),
        pytest.param(of(units=tuple(replace(u, credit=None) for u in units())), id="credits unknown"),
    ],
)
def test_no_target_is_due(view: TridentView) -> None:
    assert isinstance(next_action(view, ENTRY_DAY), (Wait, End))


def test_targets_need_a_session_and_say_when_it_opens() -> None:
    assert next_action(VIEW, at("2025-12-01", "09:00")) == Wait(et("2025-12-01", "09:30"), "the market is closed")
    saturday = at("2025-11-29", "12:00")
    assert next_action(VIEW, saturday) == Wait(et("2025-12-01", "09:30"), "the market is closed")


def test_a_target_that_is_off_or_last_waits() -> None:
    assert (
        len(prices(next_action(of(rules=replace(RULES, targets={PUT_1: 40, PUT_2: None, CALL: 40})), ENTRY_DAY))) == 2
    )
    last = replace(RULES, call_last=True)
    assert [names for names, _ in prices(next_action(of(rules=last), ENTRY_DAY))] == [(PUT_1,), (PUT_2,)]


def test_nothing_is_due_until_the_time_exit() -> None:
    assert next_action(of(exits=TARGETS), ENTRY_DAY) == Wait(et("2025-12-12", "10:00"), "nothing is due")


ENDED = {"state": OrderState.CANCELLED, "released_at": ENTRY_DAY.now, "terminal_at": ENTRY_DAY.now}
ABSENT = {**ENDED, "state": OrderState.ABSENT}


@pytest.mark.parametrize(
    ("ended", "moment", "returns"),
    [
        pytest.param(
            [target(CALL, **ENDED, cancel_requested_by="anna")], at("2025-12-01", "10:00"), False, id="operator"
        ),
        pytest.param([target(CALL, **ENDED)], at("2025-11-28", "11:00"), False, id="others, the same session"),
        pytest.param([target(CALL, **ENDED)], at("2025-12-01", "10:00"), True, id="others, the next session"),
        pytest.param([target(CALL, **ENDED)] * 2, at("2025-12-01", "10:00"), False, id="others, twice"),
        pytest.param(
            [target(CALL, **ENDED, cancel_asked_at=ENTRY_DAY.now)], at("2025-11-28", "11:00"), True, id="ours"
        ),
        pytest.param(
            [target(CALL, **{**ENDED, "state": OrderState.REJECTED})], at("2025-11-28", "11:00"), True, id="refused"
        ),
        pytest.param([target(CALL, **ABSENT)], at("2025-11-28", "11:00"), False, id="forgotten, the same session"),
        pytest.param([target(CALL, **ABSENT)], at("2025-12-01", "10:00"), True, id="forgotten, the next session"),
        pytest.param([target(CALL, **ABSENT)] * 2, at("2025-12-01", "10:00"), False, id="forgotten, twice"),
        pytest.param(
            [target(CALL, **{**ABSENT, "order_id": None})], at("2025-11-28", "11:00"), True, id="never arrived"
        ),
    ],
)
def test_when_a_target_that_ended_returns(ended: list[Exit], moment: Moment, returns: bool) -> None:
    found = next_action(of(exits=(*TARGETS[:2], *ended)), moment)
    assert isinstance(found, PlaceTargets) is returns


def test_no_target_is_placed_in_the_days_of_the_time_exit() -> None:
    only_targets = of(rules=replace(RULES, mode=ExitMode.TARGETS))
    assert isinstance(next_action(only_targets, at("2025-12-11", "12:00")), PlaceTargets)
    assert isinstance(next_action(only_targets, FIRST), Wait)
    let = of(rules=replace(RULES, let_index_expire=True), cash_settled=True)
    assert isinstance(next_action(let, FIRST), PlaceTargets)


# --- what comes before anything is sent ---


@pytest.mark.parametrize(
    ("view", "moment", "action"),
    [
        (of(phase=Phase.ENDED), ENTRY_DAY, Wait(None, "it has ended")),
        (of(units=ALL_CLOSED), ENTRY_DAY, End()),
        (of(exits=(replace(TARGETS[0], state=OrderState.CANCELLED),)), ENTRY_DAY, Prove(("t-put-1",))),
        (of(exits=(replace(TARGETS[0], cancel_asked_at=ENTRY_DAY.now),)), ENTRY_DAY, Prove(("t-put-1",))),
        (
            of(exits=TARGETS, units=gone(PUT_2, SHORT_PUT)),
            ENTRY_DAY,
            Cancel(("t-put-2",), CancelWhy.NO_LONGER_FITS),
        ),
        (
            of(exits=TARGETS, hands_off=HandsOff.RELEASED),
            ENTRY_DAY,
            Cancel(("t-call", "t-put-2", "t-put-1"), CancelWhy.LEFT_ALONE),
        ),
        (of(hands_off=HandsOff.ADJUSTED), ENTRY_DAY, Wait(None, "it is left alone: adjusted")),
        (
            of(exits=TARGETS, hands_off=HandsOff.FOREIGN_CLOSE),
            ENTRY_DAY,
            Wait(None, "it is left alone: foreign close"),
        ),
        (of(exits=TARGETS, blocked="exits are held"), ENTRY_DAY, Wait(None, "exits are held")),
        (VIEW, at("2025-12-19", "16:00"), MarkSettling()),
        (VIEW, at("2025-12-20", "08:30"), MarkSettling()),
        (of(hands_off=HandsOff.DESK), at("2025-12-19", "16:00"), MarkSettling()),
        (
            of(phase=Phase.SETTLING),
            at("2025-12-19", "16:00"),
            Wait(None, "the broker's rows of its expiration are not here yet"),
        ),
    ],
)
def test_the_table(view: TridentView, moment: Moment, action: Action) -> None:
    assert next_action(view, moment) == action


def test_a_broken_unit_gets_no_order_and_the_others_keep_theirs() -> None:
    view = of(exits=(TARGETS[0], TARGETS[2]), units=gone(PUT_2, SHORT_PUT))
    assert next_action(view, ENTRY_DAY) == Wait(None, "a unit is broken: the operator settles it", Alert.BROKEN)
    assert prices(next_action(of(view, exits=(TARGETS[2],)), ENTRY_DAY)) == [((PUT_1,), D("0.73"))]
    found = next_action(of(view, exits=(), phase=Phase.CLOSING), FIRST)
    assert prices(found) == [((PUT_1, CALL), D("2.45"))]


def test_an_assigned_put_has_its_side_counted_again() -> None:
    """H: the exits of both puts are cancelled, the whole one gets its target again, the call's rests on."""
    assigned = Gone(PUT_2, SHORT_PUT, Ended.ASSIGNED, et("2025-12-01", "09:31"))
    moment = at("2025-12-01", "09:32")
    course = Course(of(exits=TARGETS, units=units_after(units(), [], [assigned]), gone=(assigned,)))
    assert course.run(moment) == Wait(None, "a unit is broken: the operator settles it", Alert.BROKEN)
    assert [action for _, action in course.done[:2]] == [
        Cancel(("t-put-2", "t-put-1"), CancelWhy.NO_LONGER_FITS),
        Prove(("t-put-1", "t-put-2")),
    ]
    assert [(plan.units, plan.debit) for _, plan in course.placed] == [((PUT_1,), D("0.73"))]
    assert [one.units for one in course.view.resting] == [(CALL,), (PUT_1,)]


def test_a_unit_that_nothing_explains_does_not_end_its_trident() -> None:
    all_gone = [Gone(u.name, symbol, None, ENTRY_DAY.now) for u in units() for symbol in u.held]
    assert isinstance(next_action(of(units=units_after(units(), [], all_gone)), ENTRY_DAY), Wait)


def test_a_trident_of_adjusted_contracts_is_over_when_they_would_have_expired() -> None:
    split = [Gone(u.name, symbol, Ended.SPLIT, ENTRY_DAY.now) for u in units() for symbol in u.held]
    view = of(units=units_after(units(), [], split), hands_off=HandsOff.ADJUSTED)
    assert next_action(view, at(LAST, "10:30")) == Wait(None, "it is left alone: adjusted")
    resting = of(view, exits=TARGETS)
    assert isinstance(next_action(resting, ENTRY_DAY), Cancel)
    assert next_action(view, at("2025-12-20", "08:30")) == End()


# --- the time exit ---


def test_the_time_exit_cancels_and_proves_before_it_sends() -> None:
    assert next_action(of(exits=TARGETS), FIRST) == MarkClosing("7 days to its expiration")
    assert isinstance(next_action(of(exits=TARGETS), at("2025-12-12", "09:59")), Wait)
    marked = closing(exits=TARGETS)
    assert next_action(marked, FIRST) == Cancel(("t-call", "t-put-2", "t-put-1"), CancelWhy.CLOSING)
    cancelled = tuple(replace(one, state=OrderState.CANCELLED, cancel_asked_at=FIRST.now) for one in TARGETS)
    assert next_action(closing(exits=cancelled), FIRST) == Prove(("t-put-1", "t-put-2", "t-call"))
    proved = tuple(replace(one, released_at=FIRST.now) for one in cancelled)
    found = next_action(closing(exits=proved), FIRST)
    assert prices(found) == [(tuple(UnitName), D("3.60"))]
    assert isinstance(found, PlaceClose)
    assert (found.plan.cap, found.plan.time_in_force) == (D("4.06"), TimeInForce.DAY)
    assert [leg.quantity for leg in found.plan.legs] == [2, 2, 1, 1]


def test_a_console_that_was_off_starts_at_once() -> None:
    assert next_action(VIEW, at("2025-12-16", "14:00")) == MarkClosing("3 days to its expiration")


def test_two_put_spreads_are_priced_as_one() -> None:
    left = units_after(units(), [exit([CALL], state=OrderState.FILLED)], [])
    assert prices(next_action(closing(units=left), FIRST)) == [((PUT_1, PUT_2), D("1.15"))]


def test_an_unknown_exit_keeps_its_units_and_the_others_go_on() -> None:
    unknown = works([PUT_1], "0.73", FIRST, state=OrderState.UNKNOWN)
    assert prices(next_action(closing(exits=(unknown,)), FIRST)) == [((PUT_2, CALL), D("2.45"))]
    whole = works(UnitName, "3.60", FIRST, state=OrderState.UNKNOWN)
    assert next_action(closing(exits=(whole,)), FIRST) == Wait(None, "nobody knows what an order of it does")


def test_without_fresh_quotes_what_works_stays() -> None:
    view = closing(exits=(works(UnitName, "3.60", FIRST),), put=None)
    assert next_action(view, at("2025-12-12", "10:05")) == Wait(None, "no fresh quotes", Alert.QUOTES_STALE)


def test_a_filled_part_is_left_out_of_the_next_step() -> None:
    call = exit([CALL], state=OrderState.FILLED)
    half = works([PUT_1, PUT_2], "1.15", FIRST, fills=exit([PUT_1], (SHORT_PUT, 1, "2"), (LONG_PUT, 1, "1")).fills)
    now = units_after(units(), [call, half], [])
    due = at("2025-12-12", "10:03")
    assert next_action(closing(units=now, exits=(half,)), due) == Cancel(("x1",), CancelWhy.STEP)
    ended = replace(half, state=OrderState.CANCELLED, released_at=due.now, cancel_why=CancelWhy.STEP)
    found = next_action(closing(units=now, exits=(ended,)), due)
    assert prices(found) == [((PUT_2,), D("1.17"))]


def test_an_order_cancelled_for_a_step_that_the_quotes_no_longer_ask_for_is_sent_again() -> None:
    ended = {"state": OrderState.CANCELLED, "released_at": FIRST.now, "cancel_why": CancelWhy.STEP}
    view = closing(exits=(works(UnitName, "3.60", FIRST, **ended),))
    due = at("2025-12-12", "10:03")
    assert prices(next_action(view, due)) == [(tuple(UnitName), D("3.66"))]
    fallen = of(view, put=ClosePrices(D("1.00"), D("1.05")))
    assert prices(next_action(fallen, due)) == [(tuple(UnitName), D("3.60"))]


@pytest.mark.parametrize("why", [CancelWhy.STEP, CancelWhy.CLOSING])
def test_an_order_that_ends_in_the_last_quarter_of_an_hour_is_sent_again_at_its_price(why: CancelWhy) -> None:
    """No price changes any more, and nothing that was to rest is missing: its cancel was asked before, its proof came
    after."""
    ended = {"state": OrderState.CANCELLED, "released_at": FIRST.now, "cancel_why": why}
    late, before = at("2025-12-12", "15:45"), at("2025-12-12", "15:41")
    view = closing(exits=(works(UnitName, "3.70", before, step=3, **ended),))
    assert prices(next_action(view, late)) == [(tuple(UnitName), D("3.70"))], "though the quotes say 3.78"
    dearer = of(view, put=ClosePrices(D("2.00"), D("2.60")))
    assert prices(next_action(dearer, late)) == [(tuple(UnitName), D("3.70"))]
    rests = of(view, exits=(works(UnitName, "3.70", before, step=3),))
    assert next_action(rests, late) == Wait(None, "no price changes in the last 15 minutes")
    assert next_action(closing(), late) == Wait(None, "no price changes in the last 15 minutes"), "none begins"


def test_the_rest_of_a_filled_part_is_sent_in_the_last_quarter_of_an_hour() -> None:
    call = exit([CALL], state=OrderState.FILLED)
    fills = exit([PUT_1], (SHORT_PUT, 1, "2"), (LONG_PUT, 1, "1")).fills
    before = at("2025-12-12", "15:41")
    half = works([PUT_1, PUT_2], "1.15", before, fills=fills, state=OrderState.CANCELLED, cancel_why=CancelWhy.STEP)
    half = replace(half, released_at=before.now, step=1)
    now = units_after(units(), [call, half], [])
    found = next_action(closing(units=now, exits=(half,)), at("2025-12-12", "15:46"))
    assert prices(found) == [((PUT_2,), D("1.17"))], "at the step it had"


def test_three_refusals_stop_a_session_and_on_the_last_day_for_a_quarter_of_an_hour() -> None:
    refused = tuple(et("2025-12-12", f"10:0{n}") for n in (1, 2, 3))
    assert next_action(closing(refused_at=refused[:1]), at("2025-12-12", "10:01")) == Wait(
        et("2025-12-12", "10:02"), "the broker refused an order"
    )
    assert isinstance(next_action(closing(refused_at=refused[:2]), at("2025-12-12", "10:05")), PlaceClose)
    found = next_action(closing(refused_at=refused), at("2025-12-12", "12:00"))
    assert found == Wait(None, "the broker refused 3 orders of this session", Alert.REFUSED)
    refused = tuple(et(LAST, f"10:0{n}") for n in (1, 2, 3))
    assert next_action(closing(refused_at=refused), at(LAST, "10:17")) == Wait(
        et(LAST, "10:18"), "the broker refuses its orders", Alert.REFUSED
    )
    assert isinstance(next_action(closing(refused_at=refused), at(LAST, "10:18")), PlaceClose)


# --- an operator's close, a dividend ---


def asked(*names: UnitName, limit: str | None = None) -> ManualClose:
    return ManualClose(names, None if limit is None else D(limit), ENTRY_DAY.now)


BEFORE_EX = of(exits=TARGETS, dividend=Dividend(SESSIONS[3].day, D("0.60")), underlying_price=D("630"))


@pytest.mark.parametrize(
    ("view", "moment", "asks"),
    [
        (VIEW, ENTRY_DAY, False),
        (of(exits=TARGETS), ENTRY_DAY, False),
        (of(exits=TARGETS), FIRST, False),
        (closing(exits=TARGETS), FIRST, False),
        (closing(), FIRST, True),
        (closing(blocked="exits are held"), FIRST, False),
        (closing(hands_off=HandsOff.RELEASED), FIRST, False),
        (closing(), at("2025-12-12", "17:00"), False),
        (closing(exits=(works(UnitName, "3.60", FIRST),)), FIRST, True),
        (closing(split=True), at(LAST, "15:31"), True),
        (of(exits=TARGETS, asked=ManualClose((CALL,), None, ENTRY_DAY.now)), ENTRY_DAY, False),
        (of(exits=TARGETS[:2], asked=ManualClose((CALL,), None, ENTRY_DAY.now)), ENTRY_DAY, True),
        (BEFORE_EX, at("2025-12-11", "10:30"), True),
        (of(BEFORE_EX, dividend=Dividend(SESSIONS[3].day, None)), at("2025-12-11", "10:30"), False),
        (BEFORE_EX, at("2025-12-01", "10:30"), False),
    ],
)
def test_prices_are_asked_for_where_they_decide(view: TridentView, moment: Moment, asks: bool) -> None:
    assert asks_prices(view, moment) is asks
    bare = replace(view, put=None, call=None, short_put_mid=None)
    assert asks or next_action(view, moment) == next_action(bare, moment)


def test_a_close_at_a_limit_cancels_the_targets_of_its_units_alone() -> None:
    view = of(exits=TARGETS, asked=asked(PUT_1, PUT_2, limit="1.00"))
    assert next_action(view, ENTRY_DAY) == Cancel(("t-put-2", "t-put-1"), CancelWhy.CLOSING)
    found = next_action(of(view, exits=(TARGETS[2],)), ENTRY_DAY)
    assert prices(found) == [((PUT_1, PUT_2), D("1.00"))]
    assert isinstance(found, PlaceClose)
    assert (found.plan.kind, found.plan.cap) == (ExitKind.MANUAL, D("3.00"))


def test_a_close_at_a_limit_is_placed_once() -> None:
    order = works([CALL], "1.00", ENTRY_DAY, kind=ExitKind.MANUAL)
    view = of(asked=asked(CALL, limit="1.00"), exits=(*TARGETS[:2], order))
    assert next_action(view, ENTRY_DAY) == Wait(None, "it rests at the operator's limit")
    ended = replace(order, state=OrderState.CANCELLED, released_at=ENTRY_DAY.now)
    found = next_action(of(view, exits=(*TARGETS[:2], ended)), ENTRY_DAY)
    assert prices(found) == [((CALL,), D("0.97"))]


def test_a_close_by_walk_has_all_steps_and_ends_with_its_session() -> None:
    view = of(asked=asked(*UnitName), exits=())
    assert prices(next_action(view, ENTRY_DAY)) == [(tuple(UnitName), D("3.60"))]
    order = works(UnitName, "3.72", ENTRY_DAY, kind=ExitKind.MANUAL, step=2, cancel_why=CancelWhy.STEP)
    order = replace(order, state=OrderState.CANCELLED, released_at=ENTRY_DAY.now)
    assert prices(next_action(of(view, exits=(order,)), at("2025-11-28", "10:33"))) == [(tuple(UnitName), D("3.78"))]
    assert isinstance(next_action(view, at("2025-12-01", "10:00")), PlaceTargets)


EX = Dividend(et("2025-12-02").date(), D("0.80"))
SESSION_BEFORE = at("2025-12-01", "10:30")


def test_a_short_call_in_the_money_is_closed_before_a_dividend() -> None:
    sessions = (*SESSIONS[:2], Session(EX.ex_date, et("2025-12-02", "09:30"), et("2025-12-02", "16:00")), *SESSIONS[2:])
    before = replace(SESSION_BEFORE, days=ExitDays(EXPIRATION, sessions))
    view = of(exits=TARGETS, dividend=EX, underlying_price=D("630"), short_put_mid=D("0.30"))
    assert next_action(view, before) == Cancel(("t-call",), CancelWhy.CLOSING)
    found = next_action(of(view, exits=TARGETS[:2]), before)
    assert prices(found) == [((CALL,), D("1.30"))]
    assert isinstance(found, PlaceClose)
    assert found.plan.cap == D("1.80")
    for calm in (of(view, underlying_price=D("621")), of(view, short_put_mid=D("0.80")), of(view, dividend=None)):
        assert isinstance(next_action(calm, before), Wait)
    unknown = of(view, dividend=Dividend(EX.ex_date, None))
    assert next_action(unknown, before) == Wait(None, "the amount of the dividend is not known", Alert.DIVIDEND_UNKNOWN)


# --- whole courses ---


@dataclass
class Course:
    """A trident whose actions are done as they come: an order works at once, and a cancel is proved at once."""

    view: TridentView
    placed: list[tuple[str, ExitPlan]] = field(default_factory=list)
    done: list[tuple[str, Action]] = field(default_factory=list)

    def run(self, moment: Moment) -> Wait:
        for _ in range(30):
            found = next_action(self.view, moment)
            if isinstance(found, Wait):
                return found
            self.done.append((f"{moment.now.astimezone(UTC):%d %H:%M}", found))
            self._do(found, moment)
        raise AssertionError(f"no end: {self.done[-5:]}")

    def _do(self, action: Action, moment: Moment) -> None:
        match action:
            case PlaceTargets(plans):
                for plan in plans:
                    self._place(plan, moment)
            case PlaceClose(plan):
                self._place(plan, moment)
            case Cancel(ids, why):
                ended = {"state": OrderState.CANCELLED, "cancel_asked_at": moment.now, "cancel_why": why.value}
                self.change(lambda one: one.id in ids, terminal_at=moment.now, **ended)
            case Prove(ids):
                self.change(lambda one: one.id in ids, released_at=moment.now)
            case MarkClosing():
                self.view = of(self.view, phase=Phase.CLOSING)
            case MarkSplit():
                self.view = of(self.view, split=True)
            case LeaveToDesk():
                self.view = of(self.view, hands_off=HandsOff.DESK)
            case MarkSettling():
                self.view = of(self.view, phase=Phase.SETTLING)
            case End():
                self.view = of(self.view, phase=Phase.ENDED)

    def change(self, which: Callable[[Exit], bool], **changes: Any) -> None:
        self.view = of(
            self.view, exits=tuple(replace(one, **changes) if which(one) else one for one in self.view.exits)
        )

    def fill(self, one: Exit) -> None:
        filled = tuple(
            Fill(f"{one.id}-{n}", leg.symbol, Decimal(leg.quantity), one.debit, one.prepared_at, one.order_id or "")
            for n, leg in enumerate(one.request.legs)
        )
        self.change(lambda other: other.id == one.id, state=OrderState.FILLED, fills=filled, released_at=one.sent_at)
        self.view = of(self.view, units=units_after(units(), self.view.exits, []))

    def _place(self, plan: ExitPlan, moment: Moment) -> None:
        number = f"e{len(self.view.exits)}"
        request = request_of(plan, "QQQ", f"senexit-{number}")
        assert request.strict
        assert request.closes
        assert is_on_tick(plan.debit, CENT)
        assert plan.debit <= (plan.cap or plan.debit)
        chosen = [unit for unit in self.view.trident.units if unit.name in plan.units]
        per = 2 if plan.units == (PUT_1, PUT_2) else 1
        assert plan.debit * per <= most_worth(chosen, B.width)
        assert not {*plan.units} & self.view.claimed
        assert not any(one.needs_proof for one in self.view.exits)
        self.placed.append((f"{moment.now.astimezone(UTC) - timedelta(hours=5):%H:%M}", plan))
        order = replace(
            exit(plan.units, kind=plan.kind, id=number, order_id=number),
            request=request,
            session_day=moment.today,
            prepared_at=moment.now,
            sent_at=moment.now,
            step=plan.step,
            cap=plan.cap,
        )
        self.view = of(self.view, exits=(*self.view.exits, order))

    def walked(self) -> list[tuple[str, tuple[UnitName, ...], Decimal]]:
        return [(time, plan.units, plan.debit) for time, plan in self.placed]


def through(course: Course, day: str, start: str = "09:30", end: str = "16:01") -> None:
    """Each minute of a part of a session."""
    now, until = et(day, start), et(day, end)
    while now < until:
        course.run(replace(at(day, start), now=now))
        now += timedelta(minutes=1)


def test_a_day_of_the_walk_is_that_of_the_example() -> None:
    """E: mid 3.60, natural 3.84, at 7 days; with B's credit the cap is 4.06."""
    course = Course(VIEW)
    course.run(ENTRY_DAY)
    through(course, "2025-12-12")
    package = tuple(UnitName)
    assert course.walked()[3:] == [
        ("10:00", package, D("3.60")),
        ("10:03", package, D("3.66")),
        ("10:06", package, D("3.72")),
        ("15:00", package, D("3.78")),
        ("15:03", package, D("3.84")),
    ]
    # The next day begins at mid again, once the end of the old order is proved.
    course.change(lambda one: one.may_fill, state=OrderState.EXPIRED)
    through(course, "2025-12-15", end="10:01")
    assert course.walked()[-1] == ("10:00", package, D("3.60"))


def test_the_last_day_splits_by_side_and_bids_natural_at_the_deadline() -> None:
    course = Course(closing())
    through(course, LAST)
    package, puts, call = tuple(UnitName), (PUT_1, PUT_2), (CALL,)
    walked = course.walked()
    assert [one for one in walked if one[1] == package] == [
        ("10:00", package, D("3.60")),
        ("10:03", package, D("3.66")),
        ("10:06", package, D("3.72")),
        ("10:09", package, D("3.78")),
        ("10:12", package, D("3.84")),
    ]
    # Two put spreads cost 2.30, the call 1.30: the puts go first, the call three minutes later.
    assert [one for one in walked if one[1] == puts] == [
        ("15:00", puts, D("1.15")),
        ("15:03", puts, D("1.17")),
        ("15:06", puts, D("1.19")),
        ("15:09", puts, D("1.21")),
        ("15:12", puts, D("1.22")),
    ]
    assert [(time, debit) for time, names, debit in walked if names == call] == [
        ("15:03", D("1.30")),
        ("15:06", D("1.33")),
        ("15:09", D("1.35")),
        ("15:12", D("1.38")),
        ("15:15", D("1.40")),
    ]


def test_without_quotes_the_deadline_bids_by_the_underlying() -> None:
    blind = closing(split=True, put=None, call=None, underlying_price=D("620.50"))
    moment = at(LAST, "15:30")
    found = next_action(blind, moment)
    assert prices(found) == [((PUT_1, PUT_2), D("1.80"))]
    call = next_action(of(blind, exits=(works([PUT_1, PUT_2], "1.80", moment),)), at(LAST, "15:33"))
    assert prices(call) == [((CALL,), D("0.30"))]
    deep = of(blind, underlying_price=D("600"))
    assert prices(next_action(deep, moment)) == [((PUT_1, PUT_2), D("3.00"))]
    nothing = next_action(of(blind, underlying_price=None), moment)
    assert isinstance(nothing, Wait)
    assert nothing.alert is Alert.MUST_CLOSE


def test_a_deadline_bid_follows_natural_up_and_never_over_the_cap() -> None:
    bid = works([PUT_1, PUT_2], "1.22", at(LAST, "15:30"))
    view = closing(split=True, units=left_of(units())[:2], exits=(bid,), put=ClosePrices(D("3.2"), D("3.9")))
    assert isinstance(next_action(view, at(LAST, "15:32")), Wait)
    assert next_action(view, at(LAST, "15:33")) == Cancel(("x1",), CancelWhy.STEP)
    assert prices(next_action(of(view, exits=()), at(LAST, "15:33"))) == [((PUT_1, PUT_2), D("3.00"))]
    assert isinstance(next_action(view, at(LAST, "15:45")), Wait)


def test_on_the_day_of_expiration_it_walks_early_and_leaves_the_last_hour_to_the_desk() -> None:
    course = Course(closing())
    through(course, "2025-12-19", end="16:30")
    assert course.walked()[0] == ("09:45", tuple(UnitName), D("3.60"))
    assert course.walked()[-1][0] < "14:58"
    last = [action for _, action in course.done[-4:]]
    assert last[0] == Cancel((course.view.exits[-1].id,), CancelWhy.DESK)
    assert isinstance(last[1], Prove)
    assert last[2:] == [LeaveToDesk(), MarkSettling()]


def test_a_cash_settled_trident_is_never_split_nor_pressed() -> None:
    course = Course(closing(cash_settled=True))
    through(course, LAST)
    through_cap = {plan.cap for _, plan in course.placed}
    assert {plan.units for _, plan in course.placed} == {tuple(UnitName)}
    assert through_cap == {D("5.80")}
    assert not any(isinstance(action, MarkSplit) for _, action in course.done)


def test_filled_units_end_the_trident() -> None:
    course = Course(VIEW)
    course.run(ENTRY_DAY)
    for one in course.view.exits:
        course.fill(one)
    assert course.run(ENTRY_DAY) == Wait(None, "it has ended")
    assert course.done[-1][1] == End()


events = st.lists(
    st.tuples(
        st.sampled_from(
            ["minutes", "day", "fill", "expire", "cancelled by others", "stale", "quotes", "held", "asked", "assigned"]
        ),
        st.integers(0, 30),
    ),
    max_size=25,
)


@given(events, st.booleans())
def test_no_course_closes_a_contract_twice(course_of: list[tuple[str, int]], cash_settled: bool) -> None:
    """Whatever happens: each order is strict, on the tick, within its cap and M, claims nothing that another holds,
    and waits for the proof of what ended before it (asserted as they are placed). What works and what is closed is
    never more than what was opened, and nothing is sent while exits are held."""
    course, day, now = Course(of(cash_settled=cash_settled)), 0, SESSIONS[0].open + timedelta(hours=2)
    lost: list[Gone] = []
    for event, number in course_of:
        working = course.view.resting
        match event:
            case "minutes":
                now += timedelta(minutes=number)
            case "day" if day + 1 < len(SESSIONS):
                day += 1
                now = SESSIONS[day].open + timedelta(minutes=10 * number)
            case "fill" if working:
                course.fill(working[number % len(working)])
            case "expire":
                course.change(lambda o: o.may_fill and o.kind is not ExitKind.TARGET, state=OrderState.EXPIRED)
            case "cancelled by others" if working:
                gone_id = working[number % len(working)].id
                course.change(lambda o, i=gone_id: o.id == i, state=OrderState.CANCELLED, terminal_at=now)
            case "stale":
                course.view = of(course.view, put=None)
            case "quotes":
                rise = D("0.01") * number
                course.view = of(course.view, put=ClosePrices(PUT.mid + rise, PUT.natural + rise), call=CALLS)
            case "held":
                course.view = of(course.view, blocked="exits are held" if number % 2 else "")
            case "asked":
                names = tuple(UnitName)[number % 3 :]
                limit = D("0.50") if number % 2 else None
                course.view = of(course.view, asked=ManualClose(names, limit, now))
            case "assigned" if not lost and course.view.trident.units[1].name in {
                u.name for u in left_of(course.view.trident.units)
            }:
                lost.append(Gone(PUT_2, SHORT_PUT, Ended.ASSIGNED, now))
        course.view = of(course.view, units=units_after(units(), course.view.exits, lost), gone=tuple(lost))
        before = len(course.placed)
        today = SESSIONS[day]
        course.run(Moment(now, today.day, today, ExitDays(EXPIRATION, SESSIONS)))
        if course.view.blocked:
            assert len(course.placed) == before
        claims = [name for one in course.view.exits if one.released_at is None for name in one.units]
        assert len(claims) == len(set(claims))
        assert closed_twice(units(), course.view.exits) == ()
        asked_for = sum(leg.quantity for one in course.view.resting for leg in one.request.legs)
        assert asked_for <= sum(legs_of(left_of(course.view.trident.units)).values())


@pytest.mark.parametrize(
    ("view", "now", "due"),
    [
        (VIEW, at("2025-12-01", "10:00"), et("2025-12-12", "10:00")),
        (VIEW, at("2025-12-12", "10:00"), None),
        (closing(), at("2025-12-12", "09:50"), et("2025-12-12", "10:00")),
        (closing(), at("2025-12-12", "10:00"), et("2025-12-15", "10:00")),
        (closing(), at(LAST, "10:00"), et("2025-12-19", "09:45")),
        (closing(), at("2025-12-19", "10:00"), None),
        (of(phase=Phase.ENDED), at("2025-12-01", "10:00"), None),
    ],
)
def test_when_an_exit_begins_or_goes_on(view: TridentView, now: Moment, due: datetime | None) -> None:
    assert next_exit_at(view.trident, now.days, now.now) == due
