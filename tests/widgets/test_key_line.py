"""The footer names the keys that do something and the pages, at every width."""

from __future__ import annotations

import pytest

from senex_tui.console.keys import KEYS, PAGES, Where
from widgets.base.lines import width_of
from widgets.key_line import KeyLine, Offer

DASHBOARD = (Where.EVERYWHERE, Where.DASHBOARD)
SAYABLE = {"resume", "end_halt"}
"""Actions that share their key with another one; one of them is offered at a time."""


def offers(*without: str) -> tuple[Offer, ...]:
    return tuple(
        Offer(key.key, key.shipped, key.label, key.action)
        for key in KEYS
        if key.in_footer and key.where in DASHBOARD and key.action not in SAYABLE | set(without)
    )


def line(width: int, *without: str) -> str:
    [drawn] = KeyLine().draw(offers(*without), width, 1).lines
    assert width_of(drawn) <= width
    return "".join(text for text, _ in drawn)


@pytest.mark.parametrize("width", range(59, 200))
def test_the_pages_are_named_wherever_a_console_can_be(width: int) -> None:
    """With their names where all of them fit, else by their keys; what the engine is commanded by stands beside."""
    text = line(width, "unknown")
    pages = [key for key in KEYS if key.group == PAGES]
    named = all(f"{key.shipped} {key.label}" in text for key in pages)
    assert named or text.endswith(" ".join(key.shipped for key in pages))
    for needed in ("p Pause", "f Force", "c Cancel", "? Help", "q Quit"):
        assert needed in text


def test_with_room_for_all_nothing_is_left_out() -> None:
    text = line(200)
    for key in KEYS:
        if key.in_footer and key.where in DASHBOARD and key.action not in SAYABLE:
            assert f"{key.shipped} {key.label}" in text


def test_at_120_columns_the_pages_have_their_names() -> None:
    assert "t Tridents h History" in line(118, "cancel", "unknown")


def test_at_80_columns_their_letters_stand_alone_and_with_more_room_after_the_word() -> None:
    assert line(78, "unknown", "cancel").endswith("  t h o a A w m H s")
    assert line(90, "unknown", "cancel").endswith("pages t h o a A w m H s")
