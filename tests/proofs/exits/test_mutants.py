"""Faults put into the product turn a named check of exits red: nine that a proof of exits must notice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.proofs.exits.mutants import MUTANTS, Mutant, violations_with
from tests.proofs.kill.exit_templates import make_templates
from tests.support.fresh_interpreter import in_fresh_interpreter
from tests.support.proofs import ALL

pytestmark = pytest.mark.proof
IN_EACH_TEST_RUN = ("no claim index", "cap ignored")
"""What `make test` runs, the same two each time; `make proofs` runs all of them."""
CHOSEN = [mutant for mutant in MUTANTS if ALL or mutant.name in IN_EACH_TEST_RUN]


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("templates")
    make_templates(folder)
    return folder


@pytest.mark.parametrize("mutant", CHOSEN, ids=str)
def test_a_fault_of_the_product_turns_its_check_red(mutant: Mutant, templates: Path) -> None:
    found = in_fresh_interpreter(violations_with, mutant, templates)
    assert any(mutant.check in sentence for sentence in found), found


def test_the_index_alone_keeps_a_second_exit_from_a_unit(templates: Path) -> None:
    """What the product plans has forgotten every claim, and no unit is claimed twice."""
    (mutant,) = [mutant for mutant in MUTANTS if mutant.sql]
    found = in_fresh_interpreter(violations_with, replace(mutant, sql=""), templates)
    assert not any(mutant.check in sentence for sentence in found), found
