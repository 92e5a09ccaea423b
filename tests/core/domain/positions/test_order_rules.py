"""What an exit's order must be, by the units and the day as they are: a row for each rule (rules 15.4)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.orders.orders import OrderLeg, TimeInForce
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.order_rules import against_the_rules
from core.domain.positions.timing import ExitDays
from core.domain.positions.trident_view import Dividend
from core.domain.positions.tridents import ManagedTrident, Phase
from core.domain.positions.units import UnitName
from core.domain.trident.trident import Action
from tests.support.trident_views import EXPIRATION, SESSIONS, B, gone
from tests.support.tridents import CALL, PUT_1, PUT_2, D, exit

DAYS = ExitDays(EXPIRATION, SESSIONS)
FIRST, LAST = SESSIONS[3].day, SESSIONS[-2].day
CLOSING = replace(B, phase=Phase.CLOSING)
ALL = tuple(UnitName)


def target(name: UnitName, debit: str) -> Exit:
    one = exit([name], kind=ExitKind.TARGET, debit=debit)
    return replace(one, request=replace(one.request, time_in_force=TimeInForce.GTC))


def close(*names: UnitName, debit: str, cap: str | None = None, kind: ExitKind = ExitKind.TIME) -> Exit:
    return replace(exit(names, kind=kind, debit=debit), cap=None if cap is None else D(cap))


def opening(one: Exit) -> Exit:
    legs = tuple(OrderLeg(leg.symbol, Action.SELL_TO_OPEN, leg.quantity) for leg in one.request.legs)
    return replace(one, request=replace(one.request, legs=legs))


@pytest.mark.parametrize(
    ("one", "trident"),
    [
        (target(PUT_1, "0.73"), B),
        (target(PUT_2, "0.48"), B),
        (target(CALL, "0.97"), B),
        (close(*ALL, debit="4.06", cap="4.06"), CLOSING),
        (close(PUT_1, PUT_2, debit="1.22", cap="1.22"), CLOSING),
        (close(*ALL, debit="6.00", cap="6.00", kind=ExitKind.MANUAL), B),
    ],
)
def test_what_the_rules_give_may_leave(one: Exit, trident: ManagedTrident) -> None:
    assert against_the_rules(one, trident, DAYS, FIRST, None) == ""


@pytest.mark.parametrize(
    ("one", "trident", "why"),
    [
        (target(PUT_1, "0.74"), B, "the target is 0.73, not 0.74"),
        (target(PUT_1, "0.73"), replace(B, rules=replace(B.rules, targets={})), "the target is none, not 0.73"),
        (target(PUT_1, "0.73"), CLOSING, "its time exit has begun"),
        (close(*ALL, debit="4.06", cap="4.06"), replace(B, phase=Phase.SETTLING), "has expired or ended"),
        (close(*ALL, debit="4.06", cap="4.06"), B, "its time exit has not begun"),
        (close(PUT_1, debit="0.73", cap="0.73"), B, "its time exit has not begun"),
        (close(CALL, debit="1.30", cap="1.62"), B, "its time exit has not begun"),
        (close(*ALL, debit="4.07", cap="4.06"), CLOSING, "4.07 is above its cap, 4.06"),
        (close(*ALL, debit="4.07", cap="4.50"), CLOSING, "4.07 is above the cap of today, 4.06"),
        (close(*ALL, debit="4.06"), CLOSING, "4.06 is above its cap, which is not known"),
        (close(*ALL, debit="6.01", cap="7.00", kind=ExitKind.MANUAL), B, "what the units can be worth, 6.00"),
        (close(PUT_1, PUT_2, debit="3.01", cap="7.00", kind=ExitKind.MANUAL), B, "what the units can be worth, 3.00"),
        (close(*ALL, debit="4.055", cap="4.06"), CLOSING, "not on the tick"),
        (close(*ALL, debit="0", cap="4.06"), CLOSING, "not on the tick"),
        (close(*ALL, debit="1.00", cap="4.06"), replace(CLOSING, units=gone(PUT_1, B.units[0].short)), "not all"),
        (opening(close(*ALL, debit="1.00", cap="4.06")), CLOSING, "its legs are not those"),
    ],
)  # fmt: skip
def test_what_is_not_by_the_rules_stays(one: Exit, trident: ManagedTrident, why: str) -> None:
    assert why in against_the_rules(one, trident, DAYS, FIRST, None)


def test_a_close_is_strict_and_dies_with_its_session_and_a_target_does_not() -> None:
    one, other = close(*ALL, debit="4.06", cap="4.06"), target(PUT_1, "0.73")
    loose = replace(one, request=replace(one.request, strict=False))
    assert against_the_rules(loose, CLOSING, DAYS, FIRST, None) == "it could open a position"
    rests = replace(one, request=replace(one.request, time_in_force=TimeInForce.GTC))
    assert against_the_rules(rests, CLOSING, DAYS, FIRST, None) == "it works as GTC"
    dies = replace(other, request=replace(other.request, time_in_force=TimeInForce.DAY))
    assert against_the_rules(dies, B, DAYS, FIRST, None) == "it works as Day"


def test_the_cap_of_today_is_that_of_the_units_left_and_rises_with_the_days() -> None:
    """E 4.06 and M 6.00: all of the loss may be paid on the last session before the expiration."""
    one = close(*ALL, debit="5.80", cap="6.00")
    assert "the cap of today, 4.06" in against_the_rules(one, CLOSING, DAYS, FIRST, None)
    assert against_the_rules(one, CLOSING, DAYS, LAST, None) == ""
    cash = replace(CLOSING, cash_settled=True)
    assert against_the_rules(one, cash, DAYS, LAST, None) == ""
    assert "the cap of today, 5.80" in against_the_rules(close(*ALL, debit="5.81", cap="6.00"), cash, DAYS, LAST, None)


@pytest.mark.parametrize("trident", [B, CLOSING], ids=["open", "closing"])
def test_before_a_dividend_the_call_alone_may_cost_its_mid_and_the_dividend(trident: ManagedTrident) -> None:
    """Above 1.62, the most that the time exit may pay for it on its first day."""
    before, amount = SESSIONS[4].day, D("0.60")
    call = replace(close(CALL, debit="2.90", cap="2.95"), mid=D("2.40"))
    assert against_the_rules(call, trident, DAYS, FIRST, Dividend(before, amount)) == ""
    puts = replace(close(PUT_1, PUT_2, debit="2.90", cap="2.95"), mid=D("2.40"))
    for one, dividend in (
        (call, None),
        (call, Dividend(before, None)),
        (call, Dividend(SESSIONS[5].day, amount)),
        (call, Dividend(FIRST, amount)),
        (replace(call, mid=None), Dividend(before, amount)),
        (replace(call, mid=D("2.29")), Dividend(before, amount)),
        (puts, Dividend(before, amount)),
    ):
        assert against_the_rules(one, trident, DAYS, FIRST, dividend) != ""
