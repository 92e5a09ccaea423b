"""Each unit is closed by one rule at most, and none waits for another: an operator's close, that of a call before a
dividend, and the time exit go on beside each other (rules 15.7)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.market.sessions import Session
from core.domain.orders.order_states import OrderState
from core.domain.positions.actions import Alert, Cancel, CancelWhy, MarkClosing, PlaceClose, PlaceTargets, Prove, Wait
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.next_action import asks_prices, next_action
from core.domain.positions.timing import ExitDays
from core.domain.positions.trident_view import Dividend, ManualClose, Moment, TridentView
from core.domain.positions.tridents import Phase
from core.domain.positions.units import UnitName
from core.domain.positions.walk import ClosePrices
from tests.support.trident_views import (
    ENTRY_DAY,
    EXPIRATION,
    FIRST,
    LAST,
    SESSIONS,
    TARGETS,
    at,
    closing,
    of,
    target,
    works,
)
from tests.support.tridents import CALL, PUT_1, PUT_2, D
from tests.support.world import et

ALL, PUTS = tuple(UnitName), (PUT_1, PUT_2)
RELEASED = {"state": OrderState.CANCELLED, "released_at": FIRST.now, "cancel_asked_at": FIRST.now}
# The first day of the time exit, the Friday before an ex-date.
EX = Dividend(SESSIONS[4].day, D("0.80"))
PAYS = {"dividend": EX, "underlying_price": D("630"), "short_put_mid": D("0.30")}
LATER = at("2025-12-12", "10:30")


def placed(view: TridentView, moment: Moment) -> tuple[ExitKind, tuple[UnitName, ...], object, object]:
    found = next_action(view, moment)
    assert isinstance(found, PlaceClose), found
    return found.plan.kind, found.plan.units, found.plan.debit, found.plan.cap


# --- before a dividend ---


def test_before_a_dividend_the_call_is_closed_apart_though_the_time_exit_goes_on() -> None:
    package = works(ALL, "3.60", FIRST)
    view = closing(exits=(package,), **PAYS)
    assert next_action(view, LATER) == Cancel((package.id,), CancelWhy.CLOSING)
    ended = replace(package, **RELEASED, cancel_why=CancelWhy.CLOSING.value)
    view = closing(exits=(ended,), **PAYS)
    assert placed(view, LATER) == (ExitKind.TIME, (CALL,), D("1.30"), D("1.80"))
    call = replace(works([CALL], "1.30", LATER), id="c", order_id="72")
    view = closing(exits=(ended, call), **PAYS)
    assert placed(view, LATER) == (ExitKind.TIME, PUTS, D("1.15"), D("1.22")), "the puts go on beside it"
    puts = replace(works(PUTS, "1.15", LATER), id="p", order_id="73")
    both = closing(exits=(ended, call, puts), **PAYS)
    assert next_action(both, LATER) == Wait(et("2025-12-12", "10:33"), "the next step is not due")


def test_on_the_first_day_of_the_time_exit_the_call_does_not_keep_it_from_beginning() -> None:
    call = works([CALL], "1.30", FIRST)
    view = of(exits=(*TARGETS[:2], call), **PAYS)
    assert isinstance(next_action(view, FIRST), MarkClosing)
    marked = of(view, phase=Phase.CLOSING)
    assert next_action(marked, FIRST) == Cancel(("t-put-2", "t-put-1"), CancelWhy.CLOSING)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"put": None, "call": None, "short_put_mid": None}, id="no fresh quotes"),
        pytest.param({"short_put_mid": D("0.85")}, id="the put is dearer"),
        pytest.param({"underlying_price": None}, id="no price of the underlying"),
    ],
)
def test_a_call_that_is_closed_apart_stays_so_for_the_session(changes: dict[str, object]) -> None:
    call, puts = works([CALL], "1.30", FIRST), replace(works(PUTS, "1.15", FIRST), id="p", order_id="72")
    view = closing(exits=(call, puts), **{**PAYS, **changes})
    assert isinstance(next_action(view, at("2025-12-12", "10:02")), Wait), "what works stays"


def test_a_call_closed_before_a_dividend_has_the_higher_of_both_caps() -> None:
    """At 3 days the time exit may pay all of the loss, more than the dividend is worth."""
    near = Dividend(SESSIONS[6].day, D("0.80"))
    view = closing(**{**PAYS, "dividend": near, "call": ClosePrices(D("1.90"), D("2.00"))})
    moment = at("2025-12-16", "10:30")
    assert placed(view, moment) == (ExitKind.TIME, (CALL,), D("1.90"), D("3.00"))


def test_on_the_last_day_the_time_exit_closes_all_of_it() -> None:
    view = closing(**{**PAYS, "dividend": Dividend(EXPIRATION, D("0.80"))})
    assert placed(view, at(LAST, "10:30"))[1] == ALL


def test_targets_of_the_puts_do_not_wait_for_a_call_that_is_closed_before_a_dividend() -> None:
    sessions = (*SESSIONS[:2], Session(et("2025-12-02").date(), et("2025-12-02", "09:30"), et("2025-12-02", "16:00")))
    before = replace(at("2025-12-01", "10:30"), days=ExitDays(EXPIRATION, (*sessions, *SESSIONS[2:])))
    pays = {**PAYS, "dividend": Dividend(et("2025-12-02").date(), D("0.80"))}
    call = works([CALL], "1.30", before)
    found = next_action(of(exits=(TARGETS[0], call), **pays), before)
    assert isinstance(found, PlaceTargets)
    assert [plan.units for plan in found.plans] == [(PUT_2,)]
    ended = replace(call, **RELEASED, cancel_why=CancelWhy.STEP.value)
    assert placed(of(exits=(*TARGETS[:2], ended), **pays), before)[1] == (CALL,), "it gets no target meanwhile"


# --- beside an operator's close ---


def asked(*names: UnitName, limit: str | None = None) -> ManualClose:
    return ManualClose(names, None if limit is None else D(limit), et("2025-12-12", "09:35"))


BY_HAND = works([PUT_1], "0.30", FIRST, kind=ExitKind.MANUAL)


def test_an_operators_close_keeps_the_time_exit_of_no_other_unit() -> None:
    begins = of(exits=(BY_HAND, *TARGETS[1:]), asked=asked(PUT_1, limit="0.30"))
    assert isinstance(next_action(begins, FIRST), MarkClosing)
    marked = of(begins, phase=Phase.CLOSING)
    assert next_action(marked, FIRST) == Cancel(("t-call", "t-put-2"), CancelWhy.CLOSING)
    free = of(marked, exits=(BY_HAND,))
    assert placed(free, FIRST) == (ExitKind.TIME, (PUT_2, CALL), D("2.45"), D("2.84"))
    rest = replace(works([PUT_2, CALL], "2.45", FIRST), id="r", order_id="72")
    both = of(marked, exits=(BY_HAND, rest))
    assert next_action(both, at("2025-12-12", "10:01")) == Wait(
        et("2025-12-12", "10:03"), "it rests at the operator's limit; the next step is not due"
    )
    assert next_action(both, at("2025-12-12", "10:03")) == Cancel(("r",), CancelWhy.STEP)


def test_a_package_makes_room_for_an_operators_close_and_goes_on_with_the_rest() -> None:
    package = works(ALL, "3.66", FIRST, step=1)
    view = closing(exits=(package,), asked=asked(PUT_1, limit="0.30"))
    moment = at("2025-12-12", "10:04")
    assert next_action(view, moment) == Cancel((package.id,), CancelWhy.CLOSING)
    ended = replace(package, **RELEASED, cancel_why=CancelWhy.CLOSING.value)
    assert placed(of(view, exits=(ended,)), moment) == (ExitKind.MANUAL, (PUT_1,), D("0.30"), D("3.00"))
    by_hand = works([PUT_1], "0.30", moment, kind=ExitKind.MANUAL, id="m")
    kind, units, debit, _ = placed(of(view, exits=(ended, by_hand)), moment)
    assert (kind, units, debit) == (ExitKind.TIME, (PUT_2, CALL), D("2.50")), "at its step: 25 % of the way"


def test_what_made_room_for_an_operators_close_goes_on_though_the_rest_is_kept_for_the_last_hour() -> None:
    sent = [works(ALL, "3.66", FIRST, **RELEASED, cancel_why=CancelWhy.STEP.value) for _ in range(13)]
    earlier = tuple(replace(one, id=f"b{n}", order_id=f"8{n}") for n, one in enumerate(sent))
    package = works(ALL, "3.72", FIRST, step=2)
    moment = at("2025-12-12", "11:00")
    by_hand = works([PUT_1], "0.30", moment, kind=ExitKind.MANUAL, id="m")
    ended = replace(package, **RELEASED, cancel_why=CancelWhy.CLOSING.value)
    view = closing(exits=(*earlier, ended, by_hand), asked=asked(PUT_1, limit="0.30"))
    assert placed(view, moment)[1] == (PUT_2, CALL)
    others = replace(ended, cancel_asked_at=None, cancel_why="")
    found = next_action(of(view, exits=(*earlier, others, by_hand)), moment)
    assert isinstance(found, Wait)
    assert "kept for the last hour" in found.why


def test_an_operators_close_without_quotes_does_not_hide_that_the_time_exit_needs_them() -> None:
    view = closing(exits=(BY_HAND,), asked=asked(PUT_1, limit="0.30"), put=None, call=None)
    found = next_action(view, FIRST)
    assert isinstance(found, Wait)
    assert found.alert is Alert.QUOTES_STALE
    assert asks_prices(view, FIRST)


@pytest.mark.parametrize(
    "held_by",
    [
        pytest.param(works(ALL, "3.00", FIRST, kind=ExitKind.MANUAL), id="an operator closes all of it"),
        pytest.param(target(CALL, units=ALL, state=OrderState.UNKNOWN), id="nobody knows of any unit"),
    ],
)
def test_the_time_exit_begins_at_its_hour_whatever_holds_the_units(held_by: Exit) -> None:
    """From then on no target returns; what holds the units is not touched."""
    view = of(exits=(held_by,), asked=asked(*ALL, limit="3.00"))
    assert isinstance(next_action(view, FIRST), MarkClosing)
    found = next_action(of(view, phase=Phase.CLOSING), FIRST)
    assert isinstance(found, Wait)


def test_targets_of_other_units_do_not_wait_for_an_operators_close() -> None:
    now = at("2025-12-01", "10:30")
    by_hand = works([PUT_1], "0.30", now, kind=ExitKind.MANUAL)
    word = ManualClose((PUT_1,), D("0.30"), now.now)
    found = next_action(of(exits=(by_hand, TARGETS[2]), asked=word), now)
    assert isinstance(found, PlaceTargets)
    assert [plan.units for plan in found.plans] == [(PUT_2,)]
    cancelled = target(PUT_1, **RELEASED)
    walks = of(exits=(cancelled, *TARGETS[1:]), asked=replace(word, limit=None), put=None)
    assert next_action(walks, now) == Wait(None, "no fresh quotes", Alert.QUOTES_STALE), "no target comes between"


def test_the_end_of_one_order_is_proved_before_anything_is_sent() -> None:
    gone: Exit = replace(BY_HAND, state=OrderState.CANCELLED, released_at=None)
    assert next_action(closing(exits=(gone,), asked=asked(PUT_1)), ENTRY_DAY) == Prove((gone.id,))
