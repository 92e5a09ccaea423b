"""The docs show a trident's story as the real engine lives it and `senex explain` tells it."""

from __future__ import annotations

from tests.support.console.explained_trident import explained, on_the_page


def test_the_story_in_the_docs_is_that_of_the_real_engine() -> None:
    """After a change that means it: `python .ci/scenes.py story`."""
    story = explained()
    assert story == on_the_page()
    for unit in ("put-1", "put-2", "call"):
        assert f"filled       target of {unit} at " in story
        assert f"            {unit:<16}closed at " in story
