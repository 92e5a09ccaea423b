"""What comes next in words: every action, and every kind of waiting."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import get_args

import pytest

from core.domain.orders.order_states import OrderState
from core.domain.positions.actions import (
    Action,
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
from core.domain.positions.exits import ExitKind
from core.domain.positions.next_action import next_action
from core.domain.positions.next_words import words
from core.domain.positions.trident_view import Moment, TridentView
from core.domain.positions.tridents import ExitMode, HandsOff, Phase
from core.domain.positions.units import UnitName
from tests.support.trident_views import (
    ALL_CLOSED,
    ENTRY_DAY,
    FIRST,
    LAST,
    RULES,
    TARGETS,
    VIEW,
    at,
    closing,
    gone,
    of,
    target,
    works,
)
from tests.support.tridents import CALL, PUT_1, PUT_2, SHORT_PUT, D

WALKS = works(UnitName, "3.60", FIRST)
AT_CAP = works(UnitName, "4.06", FIRST)
LET = replace(RULES, let_index_expire=True)
TARGETS_ALONE = replace(RULES, mode=ExitMode.TARGETS)
OFF = replace(RULES, mode=ExitMode.OFF)
CANCELLED = {"state": OrderState.CANCELLED, "cancel_requested_by": "anna", "released_at": ENTRY_DAY.now}
DESK_TIME = at("2025-12-19", "15:00")

TABLE: list[tuple[TridentView, Moment, type, str]] = [
    # what is done now
    (VIEW, ENTRY_DAY, PlaceTargets, "targets go out now: put-1 at 0.73, put-2 at 0.48, call at 0.97"),
    (of(exits=TARGETS), FIRST, MarkClosing, "its time exit begins: 7 days to its expiration"),
    (
        closing(exits=TARGETS),
        FIRST,
        Cancel,
        "3 orders (7-put-1, 7-put-2, 7-call) are being cancelled: what is left is closed",
    ),
    (
        closing(exits=(replace(WALKS, cancel_asked_at=FIRST.now),)),
        FIRST,
        Prove,
        "the end of the time exit of put-1, put-2, call (order 71) is being proved; nothing is sent before",
    ),
    (
        of(exits=tuple(replace(one, state=OrderState.CANCELLED) for one in TARGETS)),
        ENTRY_DAY,
        Prove,
        "the ends of 3 orders (7-put-1, 7-put-2, 7-call) are being proved; nothing is sent before",
    ),
    (
        closing(),
        FIRST,
        PlaceClose,
        "a time exit of put-1, put-2, call goes out now at 3.60, its cap 4.06",
    ),
    (
        closing(exits=(WALKS,)),
        at("2025-12-12", "10:03"),
        Cancel,
        "the time exit of put-1, put-2, call (order 71) is being cancelled: the next step of the walk",
    ),
    (closing(), at(LAST, "15:00"), MarkSplit, "its puts and its call are closed apart from now on"),
    (
        of(),
        DESK_TIME,
        LeaveToDesk,
        "left to the broker's desk, which may close its legs now; no order of ours is sent today",
    ),
    (VIEW, at("2025-12-20", "08:30"), MarkSettling, "it has expired; the broker's rows say how its units ended"),
    (of(units=ALL_CLOSED), ENTRY_DAY, End, "its last unit has ended"),
    # what it waits for
    (of(exits=TARGETS), ENTRY_DAY, Wait, "3 targets rest; time exit Fri 12 Dec 10:00"),
    (
        of(exits=(*TARGETS[:2], target(CALL, **CANCELLED))),
        ENTRY_DAY,
        Wait,
        "2 targets rest; no target works for call: an operator cancelled it; time exit Fri 12 Dec 10:00",
    ),
    (
        of(agrees=False),
        ENTRY_DAY,
        Wait,
        "no target works for put-1, put-2, call: the broker does not show all contracts yet; "
        "time exit Fri 12 Dec 10:00",
    ),
    (
        of(opposed=True),
        ENTRY_DAY,
        Wait,
        "no target works for put-1, put-2, call: an entry of ours works on its strikes; time exit Fri 12 Dec 10:00",
    ),
    (
        of(refused_at=(ENTRY_DAY.now,) * 3),
        ENTRY_DAY,
        Wait,
        "the broker refused 3 orders of this session; the next session tries again",
    ),
    (of(rules=OFF), ENTRY_DAY, Wait, "its exits are off"),
    (
        of(exits=TARGETS[:1], rules=replace(TARGETS_ALONE, targets={PUT_1: 40, PUT_2: None, CALL: None})),
        ENTRY_DAY,
        Wait,
        "1 target rests; no time exit: it was filled under targets alone",
    ),
    (of(exits=TARGETS, rules=LET, cash_settled=True), FIRST, Wait, "3 targets rest; no time exit: it may expire"),
    (
        of(exits=TARGETS, blocked="closing orders are held"),
        ENTRY_DAY,
        Wait,
        "blocked: closing orders are held; 3 targets rest",
    ),
    (
        of(exits=TARGETS),
        at("2025-12-01", "09:00"),
        Wait,
        "3 targets rest; time exit Fri 12 Dec 10:00",
    ),
    (of(exits=TARGETS), at("2025-11-29", "09:00"), Wait, "3 targets rest; time exit Fri 12 Dec 10:00"),
    (
        of(exits=TARGETS, agrees=False, blocked="the account was not read"),
        at("2025-11-29", "09:00"),
        Wait,
        "3 targets rest; time exit Fri 12 Dec 10:00",
    ),
    (of(agrees=False), at("2025-12-01", "09:00"), Wait, "the market is closed until 09:30"),
    (
        of(exits=(*TARGETS[:2], target(CALL, **CANCELLED))),
        at("2025-12-01", "09:00"),
        Wait,
        "2 targets rest; no target works for call: an operator cancelled it; time exit Fri 12 Dec 10:00",
    ),
    (of(rules=OFF), at("2025-12-01", "09:00"), Wait, "its exits are off"),
    (
        of(exits=TARGETS, rules=LET, cash_settled=True),
        at(LAST, "17:00"),
        Wait,
        "3 targets rest; no time exit: it may expire",
    ),
    (
        of(exits=TARGETS),
        at("2025-12-12", "17:00"),
        Wait,
        "3 targets rest; the market is closed until Mon 15 Dec 09:30",
    ),
    (
        closing(exits=(replace(WALKS, state=OrderState.EXPIRED, released_at=FIRST.now),)),
        at("2025-12-12", "17:00"),
        Wait,
        "the market is closed; its walk goes on Mon 15 Dec 10:00",
    ),
    (closing(), at("2025-12-19", "09:00"), Wait, "the market is closed; its walk goes on 09:45"),
    (
        closing(exits=(WALKS,)),
        FIRST,
        Wait,
        "the time exit of put-1, put-2, call works at 3.60; the next step is not due until 10:03",
    ),
    (
        closing(exits=(AT_CAP,)),
        at("2025-12-12", "10:03"),
        Wait,
        "the time exit of put-1, put-2, call works at 4.06; it rests at the cap until 15:00",
    ),
    (
        closing(exits=(WALKS,), put=None),
        at("2025-12-12", "10:03"),
        Wait,
        "the time exit of put-1, put-2, call works at 3.60; no fresh quotes",
    ),
    (
        of(exits=(TARGETS[0], TARGETS[2]), units=gone(PUT_2, SHORT_PUT)),
        ENTRY_DAY,
        Wait,
        "2 targets rest; a unit is broken: the operator settles it",
    ),
    (of(hands_off=HandsOff.RELEASED), ENTRY_DAY, Wait, "it is left alone: released"),
    (
        closing(exits=(works(UnitName, "3.60", FIRST, state=OrderState.UNKNOWN),)),
        FIRST,
        Wait,
        "nobody knows what an order of it does",
    ),
    (of(phase=Phase.ENDED), ENTRY_DAY, Wait, "it has ended"),
]


@pytest.mark.parametrize(("view", "moment", "kind", "told"), TABLE, ids=lambda one: one if isinstance(one, str) else "")
def test_what_comes_next_is_one_sentence(view: TridentView, moment: Moment, kind: type, told: str) -> None:
    action = next_action(view, moment)
    assert isinstance(action, kind)
    assert words(action, view, moment.today) == told


def test_every_action_is_in_the_table() -> None:
    assert {kind for _, _, kind, _ in TABLE} == set(get_args(Action))


@pytest.mark.parametrize("why", CancelWhy)
def test_a_cancel_says_why(why: CancelWhy) -> None:
    told = words(Cancel(("t-put-1",), why), of(exits=TARGETS))
    assert told == f"the target of put-1 (order 7-put-1) is being cancelled: {why.value}"


def test_an_order_without_an_id_is_named_all_the_same() -> None:
    view = of(exits=(target(PUT_1, order_id=None),))
    assert words(Cancel(("t-put-1",), CancelWhy.DESK), view).startswith("the target of put-1 is being cancelled")


def test_a_close_by_hand_is_named_so() -> None:
    found = next_action(closing(), FIRST)
    assert isinstance(found, PlaceClose)
    by_hand = PlaceClose(replace(found.plan, kind=ExitKind.MANUAL, debit=D("3.70")))
    assert words(by_hand, VIEW) == "a manual close of put-1, put-2, call goes out now at 3.70, its cap 4.06"


def test_without_the_date_a_day_has_its_year() -> None:
    view = of(exits=TARGETS)
    action = next_action(view, ENTRY_DAY)
    assert words(action, view) == "3 targets rest; time exit Fri 12 Dec 2025 10:00"
    assert words(action, view, date(2026, 1, 2)) == "3 targets rest; time exit Fri 12 Dec 2025 10:00"
