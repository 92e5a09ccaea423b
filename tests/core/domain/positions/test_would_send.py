"""What is sent at once when nothing keeps the exits of a trident from being sent any more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.market.chain import TickTable
from core.domain.positions.actions import PlaceTargets
from core.domain.positions.next_action import next_action
from core.domain.positions.trident_view import Moment, TridentView
from core.domain.positions.tridents import ExitMode, HandsOff
from core.domain.positions.would_send import would_send
from tests.support.trident_views import ENTRY_DAY, FIRST, RULES, TARGETS, at, of

OFF = replace(RULES, mode=ExitMode.OFF)
BLOCKED = of(rules=OFF, blocked="exits are off for this account")
PUT_1 = "target of put-1 at 0.73 debit, GTC: Buy to Close 1 622P, Sell to Close 1 619P"
PUT_2 = "target of put-2 at 0.48 debit, GTC: Buy to Close 1 622P, Sell to Close 1 619P"
CALL = "target of call at 0.97 debit, GTC: Buy to Close 1 622C, Sell to Close 1 625C"
ALL_LEGS = "Buy to Close 2 622P, Sell to Close 2 619P, Buy to Close 1 622C, Sell to Close 1 625C"
TIME = f"4.06 debit today, Day: {ALL_LEGS}"


@pytest.mark.parametrize("mode", [ExitMode.ALL, ExitMode.TARGETS])
def test_the_targets_are_told_with_price_legs_and_life(mode: ExitMode) -> None:
    assert would_send(BLOCKED, ENTRY_DAY, replace(RULES, mode=mode)) == (PUT_1, PUT_2, CALL)


def test_what_is_told_is_what_the_rules_then_send() -> None:
    sent = next_action(of(), ENTRY_DAY)
    assert isinstance(sent, PlaceTargets)
    told = would_send(BLOCKED, ENTRY_DAY, RULES)
    assert all(f"at {plan.debit} debit" in line for plan, line in zip(sent.plans, told, strict=True))


@pytest.mark.parametrize(
    ("moment", "view", "mode", "told"),
    [
        (FIRST, BLOCKED, ExitMode.ALL, f"time exit of put-1, put-2, call at the mid, at most {TIME}"),
        (FIRST, BLOCKED, ExitMode.TARGETS, "no time exit: it was filled under targets alone"),
        (FIRST, of(BLOCKED, exits=TARGETS), ExitMode.ALL, f"{ALL_LEGS}; cancelled first: 7-put-1, 7-put-2, 7-call"),
        (at("2025-11-29", "12:00"), BLOCKED, ExitMode.ALL, f"Mon 1 Dec 09:30: {PUT_1}"),
        (at("2025-12-01", "08:00"), BLOCKED, ExitMode.ALL, f"09:30: {PUT_1}"),
        (ENTRY_DAY, of(BLOCKED, hands_off=HandsOff.RELEASED), ExitMode.ALL, "it is left alone: released"),
    ],
)  # fmt: skip
def test_what_else_would_come(moment: Moment, view: TridentView, mode: ExitMode, told: str) -> None:
    assert would_send(view, moment, replace(RULES, mode=mode))[0].endswith(told)


def test_a_price_whose_ticks_are_not_known_yet_says_so() -> None:
    [first, *_] = would_send(of(BLOCKED, ticks=TickTable((), None)), ENTRY_DAY, RULES)
    assert first == f"{PUT_1}, rounded down to a tick of its chain"
