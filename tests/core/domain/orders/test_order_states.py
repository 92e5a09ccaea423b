"""The states of an entry, and which state each of the broker's statuses means (rules 9)."""

from __future__ import annotations

import itertools

import pytest

from core.domain.orders.order_states import (
    BROKER_STATUS,
    FREES_DAY,
    OPEN_STATES,
    TERMINAL_STATES,
    TRANSITIONS,
    OrderState,
    may_become,
    state_for,
)

S = OrderState


def reachable(start: OrderState) -> set[OrderState]:
    seen, waiting = {start}, [start]
    while waiting:
        fresh = TRANSITIONS[waiting.pop()] - seen
        seen |= fresh
        waiting += fresh
    return seen


def test_the_states_are_those_of_the_spec() -> None:
    assert {s.value for s in OrderState} == {
        "prepared", "sent", "working", "filled", "rejected", "cancelled", "expired",
        "not_sent", "unknown", "absent", "incident",
    }  # fmt: skip


def test_the_table_is_closed_over_the_states() -> None:
    assert set(TRANSITIONS) == set(OrderState)
    assert all(targets <= set(OrderState) for targets in TRANSITIONS.values())
    assert reachable(S.PREPARED) == set(OrderState)


def test_no_state_lists_itself_and_staying_is_always_allowed() -> None:
    for state in OrderState:
        assert state not in TRANSITIONS[state]
        assert may_become(state, state)


@pytest.mark.parametrize(
    "path",
    [
        (S.PREPARED, S.SENT, S.WORKING, S.FILLED),
        (S.PREPARED, S.SENT, S.WORKING, S.REJECTED),
        (S.PREPARED, S.SENT, S.WORKING, S.CANCELLED),
        (S.PREPARED, S.SENT, S.WORKING, S.EXPIRED),
        (S.PREPARED, S.SENT, S.REJECTED),
        (S.PREPARED, S.SENT, S.NOT_SENT),
        (S.PREPARED, S.SENT, S.UNKNOWN, S.WORKING),
        (S.PREPARED, S.SENT, S.UNKNOWN, S.ABSENT),
        (S.WORKING, S.UNKNOWN, S.ABSENT),  # the broker no longer knows its order
        (S.WORKING, S.INCIDENT),
        (S.CANCELLED, S.FILLED),
        (S.EXPIRED, S.INCIDENT),
    ],
)
def test_the_paths_of_the_spec_are_allowed(path: tuple[OrderState, ...]) -> None:
    assert all(may_become(a, b) for a, b in itertools.pairwise(path))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (S.PREPARED, S.WORKING),  # nothing works before it was recorded as sent
        (S.PREPARED, S.FILLED),
        (S.WORKING, S.NOT_SENT),  # an order seen at the broker was sent
        (S.WORKING, S.ABSENT),
        (S.WORKING, S.PREPARED),
        (S.UNKNOWN, S.PREPARED),  # nothing is resent
        (S.UNKNOWN, S.SENT),
        (S.SENT, S.PREPARED),
        (S.SENT, S.ABSENT),  # absence is a finding of reconciliation, by way of unknown
        (S.ABSENT, S.PREPARED),
        (S.ABSENT, S.NOT_SENT),  # `absent` holds the day
        (S.FILLED, S.WORKING),
        (S.FILLED, S.CANCELLED),
        (S.NOT_SENT, S.SENT),
        (S.NOT_SENT, S.PREPARED),  # the next slot makes an intent of its own
    ],
)
def test_the_dangerous_transitions_are_not(old: OrderState, new: OrderState) -> None:
    assert not may_become(old, new)


def test_an_incident_is_final() -> None:
    assert TRANSITIONS[S.INCIDENT] == frozenset()


def test_a_fill_is_never_undone() -> None:
    assert reachable(S.FILLED) == {S.FILLED, S.INCIDENT}


def test_a_late_fill_can_always_be_recorded() -> None:
    for state in (S.SENT, S.WORKING, S.UNKNOWN, S.CANCELLED, S.EXPIRED, S.REJECTED, S.ABSENT):
        assert may_become(state, S.FILLED), state


def test_terminal_states_are_never_polled() -> None:
    assert not TERMINAL_STATES & OPEN_STATES
    assert set(OrderState) == TERMINAL_STATES | OPEN_STATES
    assert {S.PREPARED, S.SENT, S.WORKING, S.UNKNOWN} == OPEN_STATES


def test_only_what_never_became_an_order_frees_the_day() -> None:
    assert {S.NOT_SENT, S.REJECTED} == FREES_DAY


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("Received", S.WORKING),
        ("Routed", S.WORKING),
        ("In Flight", S.WORKING),
        ("Live", S.WORKING),
        ("Contingent", S.WORKING),
        ("Cancel Requested", S.WORKING),
        ("Replace Requested", S.WORKING),
        ("Filled", S.FILLED),
        ("Rejected", S.REJECTED),
        ("Cancelled", S.CANCELLED),
        ("Removed", S.CANCELLED),
        ("Partially Removed", S.CANCELLED),
        ("Expired", S.EXPIRED),
    ],
)
def test_every_broker_status_of_the_spec(status: str, state: OrderState) -> None:
    assert state_for(status) is state
    assert may_become(S.WORKING, state)
    assert may_become(S.SENT, state)
    assert may_become(S.UNKNOWN, state)


def test_the_broker_table_has_nothing_else() -> None:
    assert len(BROKER_STATUS) == 13


@pytest.mark.parametrize("status", ["Dead", "", "live", "FILLED", "Partially Filled"])
def test_an_unknown_status_keeps_the_state(status: str) -> None:
    assert state_for(status) is None
