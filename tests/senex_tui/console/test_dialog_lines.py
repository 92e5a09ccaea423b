"""What stands above a dialog stands there alone."""

from __future__ import annotations

import pytest

from tests.support.console import scenes
from tests.support.console.driver import driven

SAID = "PAUSED by ada at the console since 10:10, no entries"


@pytest.mark.parametrize("page", ["", "t", "a", "H"])
@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 55)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_the_banner_stands_once_over_a_dialog_and_again_below_when_it_is_closed(
    page: str, size: tuple[int, int]
) -> None:
    async with driven(scenes.paused(), size=size) as console:
        await console.press(*page)
        await console.pull()
        assert console.text.count(SAID) == 1
        for key in ("p", "question_mark", "colon"):
            await console.press(key)
            await console.pull()
            assert console.text.count(SAID) == 1, key
            await console.press("ctrl+g")
            await console.pull()
            assert console.text.count(SAID) == 1, key
