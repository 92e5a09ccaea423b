"""The orders of the worked examples as they go over the wire: legs, price, effect, time in force, the strict flag."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.broker.tastytrade.orders import new_order
from core.domain.orders.order_states import OrderState
from core.domain.positions.actions import Cancel, PlaceClose, PlaceTargets, Prove, Wait
from core.domain.positions.cap import cap_of, part_on
from core.domain.positions.closing import units_after
from core.domain.positions.exits import unreleased
from core.domain.positions.left import credit_left, most_worth
from core.domain.positions.next_action import next_action
from core.domain.positions.plans import ExitPlan, request_of
from core.domain.positions.trident_view import Moment, TridentView
from core.domain.positions.units import UnitName
from tests.support.trident_views import DAYS, ENTRY_DAY, FIRST, VIEW, at, closing, of, works
from tests.support.tridents import CALL, LONG_CALL, LONG_PUT, PUT_1, PUT_2, QQQ, SHORT_CALL, SHORT_PUT, D, exit, units

A, B = ("1.20", "1.70"), ("1.22", "1.62")
BUY, SELL = "Buy to Close", "Sell to Close"


@dataclass(frozen=True)
class Row:
    """One order of an example: what was filled before, when it is due, and what arrives at the broker."""

    example: str
    credits: tuple[str, str]
    ended: tuple[UnitName, ...]
    moment: Moment
    units: tuple[UnitName, ...]
    legs: tuple[tuple[str, str, int], ...]
    price: str
    in_force: str
    cap: str | None = None

    def view(self) -> TridentView:
        done = tuple(exit([name], id=f"x-{name}", state=OrderState.FILLED) for name in self.ended)
        left = units_after(units(*self.credits), done, [])
        return of(units=left, exits=done) if self.in_force == "GTC" else closing(units=left, exits=done)


PUT = ((SHORT_PUT, BUY, 1), (LONG_PUT, SELL, 1))
PUTS = ((SHORT_PUT, BUY, 2), (LONG_PUT, SELL, 2))
CALLS = ((SHORT_CALL, BUY, 1), (LONG_CALL, SELL, 1))
ALL = tuple(UnitName)
# Mid of a put spread 1.15, of the call spread 1.30: of the package 3.60.
ROWS = (
    Row("A put-1", A, (), ENTRY_DAY, (PUT_1,), PUT, "0.72", "GTC"),
    Row("A put-2", A, (), ENTRY_DAY, (PUT_2,), PUT, "0.48", "GTC"),
    Row("A call", A, (), ENTRY_DAY, (CALL,), CALLS, "1.02", "GTC"),
    Row("B put-1", B, (), ENTRY_DAY, (PUT_1,), PUT, "0.73", "GTC"),
    Row("B put-2", B, (), ENTRY_DAY, (PUT_2,), PUT, "0.48", "GTC"),
    Row("B call", B, (), ENTRY_DAY, (CALL,), CALLS, "0.97", "GTC"),
    Row("B time", B, (), FIRST, ALL, PUTS + CALLS, "3.60", "Day", "4.06"),
    Row("C", A, (PUT_1,), FIRST, (PUT_2, CALL), PUT + CALLS, "2.45", "Day", "2.90"),
    Row("D", A, (CALL,), FIRST, (PUT_1, PUT_2), PUTS, "1.15", "Day", "1.20"),
    Row("I", B, (PUT_1,), FIRST, (PUT_2, CALL), PUT + CALLS, "2.45", "Day", "2.84"),
)


def body(plan: ExitPlan) -> dict[str, Any]:
    """What the SDK sends."""
    order = new_order(request_of(plan, "QQQ", "senexit-1"))
    assert order.price == -plan.debit
    return dict(json.loads(order.model_dump_json(by_alias=True, exclude_none=True)))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.example)
def test_an_order_as_it_arrives(row: Row) -> None:
    found = next_action(row.view(), row.moment)
    assert isinstance(found, (PlaceTargets, PlaceClose)), found
    plans = found.plans if isinstance(found, PlaceTargets) else (found.plan,)
    (plan,) = [plan for plan in plans if plan.units == row.units]
    sent = body(plan)
    assert [(leg["symbol"], leg["action"], leg["quantity"]) for leg in sent["legs"]] == list(row.legs)
    assert {leg["instrument-type"] for leg in sent["legs"]} == {"Equity Option"}
    assert (sent["order-type"], sent["price"], sent["price-effect"]) == ("Limit", row.price, "Debit")
    assert sent["time-in-force"] == row.in_force
    assert sent["advanced-instructions"] == {"strict-position-effect-validation": True}
    assert plan.cap == (None if row.cap is None else D(row.cap))


def test_the_contracts_of_b_are_those_of_its_root() -> None:
    assert [symbol[:6] + symbol[6:12] for symbol in QQQ] == ["QQQ   251219"] * 4
    assert [symbol[12:] for symbol in QQQ] == ["P00622000", "P00619000", "C00622000", "C00625000"]


def test_all_targets_of_b_earn_188() -> None:
    found = next_action(VIEW, ENTRY_DAY)
    assert isinstance(found, PlaceTargets)
    gains = [100 * (plan.basis - plan.debit) for plan in found.plans if plan.basis is not None]
    assert gains == [49, 74, 65]
    assert sum(gains) == 188


@pytest.mark.parametrize(
    ("example", "credits", "ended", "credit", "most"),
    [("A", A, (), "4.10", 6), ("B", B, (), "4.06", 6), ("C", A, (PUT_1,), "2.90", 3), ("D", A, (CALL,), "2.40", 6)],
)
def test_what_is_left_of_the_credit_and_what_it_may_be_worth(
    example: str, credits: tuple[str, str], ended: tuple[UnitName, ...], credit: str, most: int
) -> None:
    left = units_after(units(*credits), [exit([name], id=name, state=OrderState.FILLED) for name in ended], [])
    assert (credit_left(left), most_worth(left, Decimal(3))) == (D(credit), most), example


def test_the_caps_of_b_by_date() -> None:
    """A Friday expiration: 7 days on Fri 12 Dec, 4 on Monday, then all of it. 6 and 5 are a weekend."""
    caps = {}
    for day in DAYS[3:8]:
        moment = at(day, "10:00")
        part = part_on(VIEW.trident, moment.days, moment.today)
        caps[day] = cap_of(VIEW.trident.units, VIEW.trident.width, part, VIEW.trident.ticks)
    assert caps == {
        "2025-12-12": D("4.06"),
        "2025-12-15": D("5.80"),
        "2025-12-16": D("6.00"),
        "2025-12-17": D("6.00"),
        "2025-12-18": D("6.00"),
    }


def test_a_lost_answer_sends_no_second_close_and_the_walk_goes_on_once_it_is_listed() -> None:
    """J: the POST of the time close drops; 40 s later it is listed."""
    close = works(UnitName, "3.60", FIRST)
    unknown = replace(close, state=OrderState.UNKNOWN)
    view = closing(exits=(unknown,))
    for seconds in (1, 20, 39, 180, 600):
        moment = replace(FIRST, now=FIRST.now + timedelta(seconds=seconds))
        assert isinstance(next_action(view, moment), Wait)
    assert unreleased(view.exits) == (unknown,)
    assert view.claimed == frozenset(UnitName)
    listed = closing(exits=(close,))
    later = replace(FIRST, now=FIRST.now + timedelta(minutes=3))
    assert isinstance(next_action(listed, replace(FIRST, now=FIRST.now + timedelta(seconds=40))), Wait)
    found = next_action(listed, later)
    assert isinstance(found, Cancel)
    why = found.why.value
    ended = replace(close, state=OrderState.CANCELLED, cancel_asked_at=later.now, cancel_why=why, terminal_at=later.now)
    assert next_action(closing(exits=(ended,)), later) == Prove((close.id,))
    ended = replace(ended, released_at=later.now)
    found = next_action(closing(exits=(ended,)), later)
    assert isinstance(found, PlaceClose)
    assert found.plan.debit == D("3.66")
