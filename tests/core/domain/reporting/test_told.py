"""What is told of a run: over every pair of a recorded outcome and a fate, the fate stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import product

import pytest

from core.domain.operation.outcomes import Outcome, outcome_for, worst
from core.domain.operation.reasons import Reason
from core.domain.operation.runs import AccountRun
from core.domain.orders.fate import Fate, fate_of, fate_words
from core.domain.orders.order_states import FREES_DAY, OrderState
from core.domain.reporting.told import (
    CycleEnd,
    Told,
    may_tell_of_filled,
    told_accounts,
    told_cycle,
    told_run,
    told_slot,
    told_totals,
)
from tests.support.domain_builders import D
from tests.support.record_samples import entry

ONE, TWO, THREE = "5WT00001", "5WT00002", "5WT00003"
ENDED = CycleEnd(True, "succeeded", "", "")


def fate(state: OrderState, **more: object) -> Fate:
    made = fate_of(replace(entry(), state=state, holds_day=state not in FREES_DAY, detail=""))
    return replace(made, **more)  # type: ignore[arg-type]


FILLED = fate(OrderState.FILLED, filled=6, credit=D("6.73"), fills_missing=False)
REJECTED = fate(OrderState.REJECTED, why="no money")


def run(reason: Reason | None = None, account: str = ONE, text: str = "a sentence") -> AccountRun:
    outcome = Outcome.SUCCEEDED if reason is None else outcome_for(reason)
    words, code = ("", "") if reason is None else (text, reason.code)
    return AccountRun(7, account, date(2026, 3, 2), outcome, code, words, 1, True, 0)


def recorded(outcome: Outcome) -> AccountRun:
    return replace(run(), outcome=outcome, reason="" if outcome is Outcome.SUCCEEDED else "internal")


@pytest.mark.parametrize(("outcome", "state"), list(product(Outcome, OrderState)))
def test_the_fate_stands_over_every_recorded_outcome(outcome: Outcome, state: OrderState) -> None:
    became = fate(state)
    told = told_run(recorded(outcome), became)
    if state is OrderState.NOT_SENT:
        assert told == told_run(recorded(outcome), None)
        return
    assert told == told_run(None, became), "also where the run was interrupted"
    assert (told.outcome, told.word, told.words) == (became.outcome, became.kind.value, fate_words(became))
    assert told.fate is became
    assert told.reason == ("" if became.reason is None else became.reason.code)


@pytest.mark.parametrize("outcome", Outcome)
def test_without_an_entry_the_run_s_own_end_is_told(outcome: Outcome) -> None:
    told = told_run(recorded(outcome), None)
    assert (told.outcome, told.word, told.fate) == (outcome, outcome.value, None)


def test_a_rejected_order_is_never_told_as_succeeded_nor_a_found_one_as_refused() -> None:
    assert told_run(run(), REJECTED) == Told(Outcome.FAILED, "rejected", "REJECTED: no money", "rejected", REJECTED)
    found = told_run(run(Reason.OUTCOME_UNKNOWN), FILLED)
    assert (found.outcome, found.words, found.reason) == (Outcome.SUCCEEDED, "FILLED 6.73", "")


def test_a_validated_suggestion_and_a_run_still_running_have_words_of_their_own() -> None:
    assert told_run(run(), None, validated=True) == Told(Outcome.SUCCEEDED, "validated", "validated")
    assert told_run(None, None) == Told(None, "running", "running")
    assert told_run(None, fate(OrderState.NOT_SENT)).word == "not sent"


def test_a_run_that_met_the_day_s_entry_tells_that_entry_s_fate_as_it_is_now() -> None:
    met = run(Reason.ENTRY_TODAY, text="an entry already holds the day: working")
    assert told_run(met, None, held_by=FILLED) == Told(Outcome.SKIPPED, "held", "day held: FILLED 6.73", "entry_today")
    assert told_run(met, None).words == "an entry already holds the day: working"


# Cycles and slots


def test_a_cycle_is_the_worst_of_its_accounts_in_the_words_of_the_one_that_decided() -> None:
    runs = (run(), run(account=TWO))
    told = told_cycle(ENDED, told_accounts(runs, {ONE: FILLED, TWO: REJECTED}))
    assert (told.outcome, told.word, told.words, told.fate) == (
        Outcome.FAILED, "rejected", "1 rejected, 1 filled", REJECTED,
    )  # fmt: skip
    assert told_cycle(ENDED, told_accounts(runs[:1], {ONE: FILLED})) == told_run(runs[0], FILLED)


def test_accounts_that_are_off_or_were_not_asked_are_not_told_of() -> None:
    runs = (run(Reason.ACCOUNT_DISABLED, TWO), run(Reason.NOT_ASKED, THREE), run())
    assert told_cycle(ENDED, told_accounts(runs, {ONE: FILLED})) == told_run(runs[2], FILLED)
    low = run(Reason.LOW_SCORE, text="QQQ scores 12.0; 40.0 needed")
    assert told_cycle(ENDED, told_accounts((*runs[:2], low), {})).words == "QQQ scores 12.0; 40.0 needed"
    assert told_cycle(ENDED, told_accounts(runs[:1], {})).reason == "account_disabled"


def test_an_interrupted_cycle_is_told_by_its_entry_else_as_interrupted() -> None:
    interrupted = CycleEnd(True, "failed", "interrupted", "")
    assert told_cycle(interrupted, told_accounts((), {ONE: FILLED})).words == "FILLED 6.73"
    told = told_cycle(interrupted, told_accounts((), {ONE: fate(OrderState.NOT_SENT)}))
    assert (told.outcome, told.word, told.words) == (Outcome.FAILED, "interrupted", Reason.INTERRUPTED.sentence)
    assert told_cycle(CycleEnd(False, "", "", ""), told_accounts((), {ONE: FILLED})).outcome is None


def test_a_slot_tells_its_cycle_else_why_it_was_missed() -> None:
    cycle = told_cycle(ENDED, told_accounts((run(),), {ONE: REJECTED}))
    assert told_slot("done", "succeeded", "", "", cycle) is cycle
    assert told_slot("missed", "", "paused", "automation is paused", None) == Told(
        None, "missed", "automation is paused", "paused"
    )
    assert told_slot("claimed", "", "", "", None).word == "running"
    assert told_slot("interrupted", "", "interrupted", "", None).word == "interrupted"
    assert told_slot("done", "skipped", "low_score", "a sentence", None) == Told(
        Outcome.SKIPPED, "skipped", "a sentence", "low_score"
    )


def test_totals_count_what_was_asked_by_what_became_of_it() -> None:
    told = [told_run(run(), FILLED), told_run(run(), REJECTED), told_run(run(Reason.NOT_ASKED), None)]
    assert told_totals([*told, told_run(None, None)]) == {
        Outcome.UNKNOWN: 0, Outcome.FAILED: 1, Outcome.SUCCEEDED: 1, Outcome.SKIPPED: 0,
    }  # fmt: skip


def test_who_was_not_asked_makes_no_cycle_better_or_worse() -> None:
    for outcome in Outcome:
        if outcome is not Outcome.NOT_ASKED:
            assert worst((Outcome.NOT_ASKED, outcome)) is outcome
    assert worst((Outcome.NOT_ASKED,)) is Outcome.SKIPPED


@pytest.mark.parametrize("more", [{}, {"fills_missing": True}, {"max_risk": None}, {"packages": 3}])
def test_what_is_told_of_filled_entries_alone_is_told_from_other_words(more: dict[str, object]) -> None:
    """No search for words in it passes over such a cycle; words that never stand in it do."""
    filled = replace(FILLED, **more)  # type: ignore[arg-type]
    held = told_run(run(Reason.ENTRY_TODAY), None, held_by=filled)
    alone = told_run(recorded(Outcome.SUCCEEDED), filled)
    counted = told_cycle(
        CycleEnd(True, "succeeded", "", ""), {ONE: alone, TWO: told_run(recorded(Outcome.SUCCEEDED), None)}
    )
    for words in (held.words, alone.words, counted.words, alone.beside_outcome):
        parts = (words[start:end] for start in range(len(words)) for end in range(start + 1, len(words) + 1))
        assert all(may_tell_of_filled(part) for part in parts)
    for words in ("no such words", "by the exchange", "score 31", "rejected because", "günstig"):
        assert not may_tell_of_filled(words)


def test_any_text_without_letters_may_be_told_of_filled_entries() -> None:
    assert may_tell_of_filled("4.08, 2")
    assert may_tell_of_filled("")
