"""The product's tables of entries say what the proofs' own say, which were written by hand (rules 9)."""

from __future__ import annotations

from core.domain.orders.fills import filled_by_symbol
from core.domain.orders.identifiers import PREFIX
from core.domain.orders.order_states import (
    ATTESTED,
    BROKER_STATUS,
    FREES_DAY,
    OPEN_STATES,
    TRANSITIONS,
    EntryState,
    state_for,
)
from tests.support import oracle
from tests.support.record_samples import fill


def _words(table: dict[EntryState, frozenset[EntryState]]) -> dict[str, set[str]]:
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


def test_fills_add_up_as_the_proofs_expect() -> None:
    fills = [fill("a", "2"), fill("b", "1"), fill("c", "0.5")]
    assert filled_by_symbol(fills) == oracle.contracts(fills)
    assert list(oracle.contracts(fills).values()) == [fill("x", "3.5").quantity]
