"""All places tell one truth in the scenes; and a lie in any one place is seen (rules 13.8)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proofs.truth.mutants import MUTANTS, Mutant
from tests.proofs.truth.mutated import lies_with
from tests.proofs.truth.scenes import SCENES
from tests.support.fresh_interpreter import in_fresh_interpreter
from tests.support.proofs import ALL

SAMPLED_MUTANTS = 3
IN_THE_SAMPLE = ("rejected", "opposed", "lost", "paused", "all off", "two accounts")
PLACES = (
    "day",
    "explain",
    "explain text",
    "history cycles",
    "history cycles table",
    "history orders",
    "history orders table",
    "mail",
    "once",
    "plain line",
    "report",
    "screen attempts",
    "screen automation",
    "screen bar",
    "screen cycle",
    "screen force dialog",
    "screen metrics",
    "screen next step",
    "screen orders panel",
    "screen overall",
    "screen pane title",
    "screen plain line",
    "screen position",
    "screen resume dialog",
    "screen schedule",
    "screen spread panel",
    "screen strip",
    "status",
    "status --json",
    "watcher",
    "watcher alone cycle",
    "watcher alone orders",
    "watcher alone schedule",
)
"""The places that must have been asked, by the beginning of their names."""

pytestmark = pytest.mark.proof


@pytest.mark.parametrize("name", SCENES if ALL else IN_THE_SAMPLE)
def test_all_places_tell_the_truth(name: str, tmp_path: Path) -> None:
    looked = SCENES[name].live(tmp_path)
    assert looked.said > 60 * (looked.looks - 2)
    assert looked.lies == []


def _chosen(config: pytest.Config) -> Iterator[Mutant]:
    seed = int(config.getoption("randomly_seed"))
    yield from MUTANTS if ALL else random.Random(seed).sample(MUTANTS, SAMPLED_MUTANTS)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "mutant" in metafunc.fixturenames:
        metafunc.parametrize("mutant", list(_chosen(metafunc.config)), ids=str)


def test_a_lie_in_one_place_is_seen(mutant: Mutant, tmp_path: Path) -> None:
    told = in_fresh_interpreter(lies_with, mutant.lie, tmp_path)
    assert any(mutant.place in lie for lie in told), told[:5]


@pytest.mark.skipif(not ALL, reason="it lives several days")
def test_every_place_is_asked(tmp_path: Path) -> None:
    asked: set[str] = set()
    for number, name in enumerate(("filled", "other underlying", "once", "mailed")):
        folder = tmp_path / str(number)
        folder.mkdir()
        asked |= SCENES[name].live(folder).places
    assert [place for place in PLACES if not any(one.startswith(place) for one in asked)] == []
