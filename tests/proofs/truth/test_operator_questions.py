"""An operator's questions in eight states: the console answers each within two keys at 80x24, as the records say."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from tests.proofs.truth.console_screens import answered, lived
from tests.proofs.truth.operator_questions import QUESTIONS, STATES, Seen, answers
from tests.proofs.truth.scenes import Looked
from tests.proofs.truth.values import Kind, NextTruth, Step
from tests.support.proofs import ALL

SAMPLED = ("rejected",)
"""The state of `make test`; `make proofs` asks in all of them."""


@pytest.fixture
def looked(state: str, tmp_path_factory: pytest.TempPathFactory) -> Looked:
    """The scene of this state."""
    return lived(STATES[state][0], tmp_path_factory.getbasetemp())


@pytest.mark.proof
@pytest.mark.parametrize("state", STATES if ALL else SAMPLED)
async def test_each_question_is_answered_within_two_keys(state: str, looked: Looked) -> None:
    found, screens = await answered(state, looked)
    assert all(len(keys.split()) <= 2 for keys, _ in found.values())
    missing = {asked: (keys, lacks) for asked, (keys, lacks) in found.items() if lacks}
    assert not missing, "\n".join(f"{asked}: {lacks}:\n{screens[keys]}" for asked, (keys, lacks) in missing.items())


@pytest.mark.parametrize("state", ["rejected"])
async def test_the_screens_of_another_state_answer_wrongly(state: str, looked: Looked) -> None:
    """Of the questions about the trade and what comes next, none is answered by a screen that tells of another day."""
    _, screens = await answered(state, looked)
    snapshot, day, _ = looked.kept[STATES[state][1]]
    filled = tuple(replace(entry, kind=Kind.FILLED, contracts=6, credit=entry.limit) for entry in day.entries)
    done = {account: NextTruth(account, None, frozenset({Step.DONE})) for account in day.accounts}
    with closing(sqlite3.connect(":memory:")) as nothing:
        other = Seen(snapshot, replace(day, entries=filled, next=done), nothing)
        for question in QUESTIONS:
            if question.asked in ("will it trade next, when", "on which account", "did it fill, at what, how much"):
                assert answers(question, other, screens)[1] != []
