"""Random courses of events at two consoles that do not know of each other, on one trident."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.proofs.kill.exit_templates import make_templates
from tests.proofs.kill.exit_world import Template
from tests.proofs.states.exit_machine import EVENTS, wrong_in
from tests.support.proofs import ALL, rounds

pytestmark = [pytest.mark.proof, pytest.mark.timeout(7200 if ALL else 240)]
Course = list[tuple[str, int]]


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("templates")
    make_templates(folder)
    return folder


@settings(max_examples=rounds(3, 400), deadline=None)
@example(begins="targets", events=[("first: crash", 0), ("assigned", 30), ("first: starts", 0)])
@given(
    begins=st.sampled_from(["held", "targets", "seven-days"]),
    events=st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 59)), min_size=3, max_size=12),
)
def test_two_consoles_break_no_rule_of_exits(begins: str, events: Course, templates: Path) -> None:
    assert wrong_in(events, Template(templates, begins)) == []
