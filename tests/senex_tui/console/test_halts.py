"""A pause and a halt say in the banner who, why and since when; a halt ends from the screen by a typed word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.operation.commands import HALT, CommandKind
from core.snapshot import Automation, CycleSlice, Snapshot, Watching
from senex_tui.console.actions.questions import END_HALT_WORD
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.screens.dialogs import TypedQuestion
from tests.support.console import parts, scenes
from tests.support.console.driver import driven
from widgets.alarms import alarms

SIZES = [(60, 20), (80, 24), (120, 40), (200, 55)]


def halted(**more: object) -> Snapshot:
    """Halted by an operator, with nothing else in the banner."""
    shown = scenes.paused()
    status = replace(shown.status, automation=Automation.HALTED, who="ada at a shell", why="margin call", **more)  # type: ignore[arg-type]
    return replace(shown, status=status)


@pytest.mark.parametrize("size", SIZES)
async def test_a_pause_says_who_and_since_when_and_what_ends_it(size: tuple[int, int]) -> None:
    async with driven(scenes.paused(), size=size) as console:
        assert await console.shows("PAUSED by ada at the console since 10:10, no entries; p resumes")


@pytest.mark.parametrize("size", SIZES)
async def test_a_halt_says_who_why_and_since_when_and_what_ends_it(size: tuple[int, int]) -> None:
    async with driven(halted(), size=size) as console:
        assert await console.shows(
            "HALTED by ada at a shell since 10:10, no entries: margin call; p or `senex reset halt` ends it"
        )


async def test_a_halt_ends_by_the_typed_word_alone_and_as_in_the_shell() -> None:
    async with driven(halted(), size=(80, 24)) as console:
        assert "p End halt" in console.bottom
        await console.press("p")
        assert isinstance(console.app.screen, TypedQuestion)
        for fact in ("ada at a shell", "margin call", "`senex reset halt`"):
            assert fact in " ".join(console.text.replace("┃", " ").split())
        await console.press("enter", "y", "enter")
        assert console.engine.sent == []
        await console.press("backspace", *END_HALT_WORD, "enter")
        await console.pilot.pause()
        assert isinstance(console.app.screen, Dashboard)
        assert console.engine.sent == [CommandKind.RESET]
        assert console.engine.about == [(HALT, "")]
        assert "RESETTING…" in console.text


async def test_the_question_is_over_when_another_ended_the_halt() -> None:
    async with driven(halted(), size=(80, 24)) as console:
        await console.press("p", *END_HALT_WORD)
        console.engine.status(automation=Automation.PAUSED)
        await console.press("enter")
        await console.pilot.pause()
        assert console.engine.sent == []
        assert "nothing was sent" in console.toasts[-1]


async def test_a_halt_by_a_cause_is_not_offered_to_be_ended() -> None:
    """A breaker or the file HALT: `senex reset halt` ends neither."""
    shown = halted()
    by_file = replace(shown.status, who="", since=None, why="", automation_detail="halted by the file HALT; remove it")
    async with driven(replace(shown, status=by_file), size=(120, 40)) as console:
        assert "End halt" not in console.bottom
        await console.press("p")
        assert isinstance(console.app.screen, Dashboard)
        assert console.bottom == "end halt: not now, this halt ends with its cause: halted by the file HALT; remove it"


def test_a_watcher_is_told_of_the_shell_alone() -> None:
    [(text, _)] = alarms(halted(watching=Watching.OPERATOR))
    assert text.endswith("; `senex reset halt` ends it")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("c", "cancel: not now, no entry and no closing order is working"),
        ("u", "unknown: not now, no entry and no closing order is unknown"),
        ("r", "re-enter: not now, no entry's day was closed by a cancel"),
        ("x", "close: not now, no unit of a trident can be closed"),
        ("X", "exits: not now, no trident is held"),
    ],
)
async def test_a_key_that_does_not_apply_says_why(key: str, said: str) -> None:
    idle = scenes.closed()
    assert not isinstance(idle.cycle, CycleSlice) or not idle.cycle.running
    async with driven(replace(idle, orders=(), exits=(), status=parts.status(exits=None)), size=(80, 24)) as console:
        await console.press(key)
        assert console.bottom == said
        console.ticker.now += 60
        await console.pull()
        assert "Help" in console.bottom, "it does not stay"
