"""The screen of a watcher: what is old is said first, and a key that commands says why it does nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.operation.commands import CommandKind
from core.remote.watch_client import FOREIGN, READS_ONLY, WatchState
from core.snapshot import Automation, Health, PartHealth, Snapshot, Watching
from senex_tui.console.watch_app import WatchApp, watching_alarms
from tests.support.console.parts import status
from tests.support.console.scenes import FixedEngine, calm


class FixedWatch(FixedEngine):
    """The stand-in for the engine as a watcher's client."""

    state = WatchState(0.1, 10.0)


def watched(role: Watching, **changes: object) -> Snapshot:
    shown = replace(status(**changes), watching=role, redis=PartHealth(Health.OK))
    return replace(calm(), status=shown)


def text_of(app: WatchApp) -> str:
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


async def test_a_watcher_looks_and_commands_nothing() -> None:
    engine = FixedWatch(watched(Watching.READ_ONLY))
    app = WatchApp(engine, Watching.READ_ONLY)  # type: ignore[arg-type]
    async with app.run_test(size=(170, 55)) as pilot:
        await pilot.pause()
        assert "WATCHING" in text_of(app).splitlines()[0]
        assert "redis ok" in text_of(app)
        for key in ("p", "f"):
            await pilot.press(key)
        assert engine.sent == []
        assert all(READS_ONLY in notification.message for notification in app._notifications)
        assert len(app._notifications) >= 1
        await pilot.press("q")
        await pilot.pause()
    assert app.return_code == 0


async def test_an_operator_pauses_without_and_resumes_with_a_question() -> None:
    engine = FixedWatch(watched(Watching.OPERATOR))
    app = WatchApp(engine, Watching.OPERATOR)  # type: ignore[arg-type]
    async with app.run_test(size=(170, 55)) as pilot:
        await pilot.pause()
        assert "WATCHING AS OPERATOR" in text_of(app)
        await pilot.press("p")
        assert engine.sent == [CommandKind.PAUSE]
        engine.current = watched(Watching.OPERATOR, automation=Automation.PAUSED)
        app.pull()
        await pilot.pause()
        await pilot.press("p", "y")
        await pilot.pause()
        assert engine.sent == [CommandKind.PAUSE, CommandKind.RESUME]
        assert app.why_not("reconcile") is not None


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 55)])
async def test_a_trader_not_seen_is_said_at_every_size(size: tuple[int, int]) -> None:
    engine = FixedWatch(watched(Watching.READ_ONLY))
    app = WatchApp(engine, Watching.READ_ONLY)  # type: ignore[arg-type]
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert "not been seen" not in text_of(app)
        engine.state = WatchState(7.2, 60.0)
        app.pull()
        await pilot.pause()
        shown = " ".join(text_of(app).split())
        assert "The trader has not been seen for 7 s" in shown
        assert "WATCHING" in shown


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (WatchState(2.9, 60.0), []),
        (WatchState(3.0, 60.0), ["The trader has not been seen for 3 s: what you see is old."]),
        (WatchState(None, 2.0), []),
        (WatchState(None, 3.0), ["No trader has been seen yet"]),
        (WatchState(1.0, 60.0, "the Redis at h:1 is full"), ["the Redis at h:1 is full."]),
        (WatchState(9.0, 60.0, "the Redis at h:1 is full"), ["the Redis at h:1 is full. The trader has not been seen"]),
        (WatchState(1.0, 60.0, foreign=True), [f"NOT THESE RECORDS: {FOREIGN}"]),
    ],
)
def test_what_the_banner_says(state: WatchState, words: list[str]) -> None:
    said = [text for text, _ in watching_alarms(state)]
    assert len(said) == len(words)
    assert all(text.startswith(begin) for text, begin in zip(said, words, strict=True))
