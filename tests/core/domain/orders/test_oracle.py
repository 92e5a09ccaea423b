"""The product's tables of entries say what the proofs' own say, which were written by hand (rules 9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.domain.orders.fills import filled_by_symbol, is_complete
from core.domain.orders.identifiers import PREFIX, maker_of
from core.domain.orders.order_states import (
    ATTESTED,
    BROKER_STATUS,
    FREES_DAY,
    OPEN_STATES,
    TRANSITIONS,
    OrderState,
    state_for,
)
from core.domain.orders.orders import IntentKind
from tests.support import oracle
from tests.support.record_samples import AT, fill, request


def _words(table: dict[OrderState, frozenset[OrderState]]) -> dict[str, set[str]]:
    return {state.value: {other.value for other in others} for state, others in table.items()}


def test_states_change_as_the_proofs_expect() -> None:
    assert _words(TRANSITIONS) == oracle.CHANGES
    assert _words(ATTESTED) == oracle.BY_ATTESTATION
    assert {state.value for state in OPEN_STATES} == oracle.OPEN
    assert {state.value for state in FREES_DAY} == oracle.NEVER_HOLDS_DAY


def test_the_brokers_words_mean_what_the_proofs_expect() -> None:
    assert {word: state.value for word, state in BROKER_STATUS.items()} == oracle.STATE_OF_STATUS
    assert {word for word, state in oracle.STATE_OF_STATUS.items() if state not in ("working", "filled")} == oracle.DEAD
    assert state_for("Sleeping") is None
    assert PREFIX == oracle.IDENTIFIER_PREFIX
    for identifier in (None, "", "senex", "senex-", f"{PREFIX}1", "other-senex-1", "senexit-1"):
        assert (maker_of(identifier) is IntentKind.ENTRY) == oracle.is_ours(identifier)


def test_fills_add_up_as_the_proofs_expect() -> None:
    fills = [fill("a", "2"), fill("b", "1"), fill("c", "0.5")]
    assert filled_by_symbol(fills) == oracle.contracts(fills)
    assert list(oracle.contracts(fills).values()) == [fill("x", "3.5").quantity]


def test_an_order_is_whole_as_the_proofs_expect() -> None:
    order = request("any")
    whole = [replace(fill(str(n), str(leg.quantity)), symbol=leg.symbol) for n, leg in enumerate(order.legs)]
    for fills in (whole, whole[1:], [*whole[1:], replace(whole[0], quantity=whole[0].quantity / 2)], []):
        assert is_complete(order, fills) == oracle.is_whole(order.legs, fills)
    assert oracle.is_whole(order.legs, whole)


def _seen(kind: str, after_s: float, *, complete: bool = True, **detail: object) -> oracle.SeenRow:
    return oracle.SeenRow(kind, complete, detail, AT + timedelta(seconds=after_s))


def _read(after_s: float, *, complete: bool = True, **other: object) -> oracle.SeenRow:
    return _seen("listing", after_s, complete=complete, **{"found": False, "alerts": [1, 2], "positions": "a", **other})


@pytest.mark.parametrize(
    ("evidence", "proved"),
    [
        ([_read(0), _read(30)], True),
        ([_read(0), _read(15), _read(30)], True),
        ([_read(0), _read(29)], False),
        ([_read(0), _read(30, complete=False)], False),
        ([_read(0), _read(30, found=True)], False),
        ([_read(0), _read(30, alerts=[1, 3])], False),
        ([_read(0), _read(30, positions="b")], False),
        ([_read(0)], False),
        ([_seen("attestation", 0, seen="absent")], True),
        ([_seen("attestation", 0, reentry=True)], False),
        ([_seen("missing", 0), _seen("missing", 60)], False),
    ],
)
def test_what_proves_that_no_order_is_there(evidence: list[oracle.SeenRow], proved: bool) -> None:
    assert oracle.is_proved_absent(evidence) is proved


@pytest.mark.parametrize(
    ("evidence", "proved"),
    [
        ([_seen("missing", 0), _seen("missing", 30)], True),
        ([_seen("missing", 0), _seen("missing", 29)], False),
        ([_seen("missing", 0, complete=False), _seen("missing", 30)], False),
        ([_read(0), _read(30)], False),
    ],
)
def test_what_proves_that_the_broker_forgot_an_order(evidence: list[oracle.SeenRow], proved: bool) -> None:
    assert oracle.is_proved_forgotten(evidence) is proved
