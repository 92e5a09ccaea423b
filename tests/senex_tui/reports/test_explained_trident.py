"""The docs show the stories of two tridents as the real engine lives them and `senex explain` tells them."""

from __future__ import annotations

import pytest

from tests.support.console.explained_trident import BEGUN, LOST_ON, WHOLE, WON_ON, explained, on_the_page
from tests.support.proofs import ALL


@pytest.mark.proof
@pytest.mark.timeout(1200 if ALL else 240)
def test_the_page_tells_what_the_real_engine_lives() -> None:
    """To the end of both in `make proofs`, else the first day. After a change that means it: `python .ci/scenes.py
    story`."""
    if ALL:
        assert explained(WHOLE, (WON_ON, LOST_ON)) == on_the_page()
        return
    [story] = explained(BEGUN, (LOST_ON,))
    first_day = story[story.index("price and risk") :]
    assert "target of call at " in first_day
    assert any(first_day in told for told in on_the_page())
