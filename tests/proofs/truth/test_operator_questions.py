"""An operator's questions in eight states: the console answers each within two keys at 80x24, as the records say."""

from __future__ import annotations

import pytest

from tests.proofs.truth.console_screens import answered, lived
from tests.proofs.truth.operator_questions import STATES
from tests.proofs.truth.scenes import Looked
from tests.support.proofs import ALL

SAMPLED = ("rejected", "paused")
"""The states of `make test`; `make proofs` asks in all of them."""


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
