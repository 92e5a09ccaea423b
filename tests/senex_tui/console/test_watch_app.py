"""The screen of a watcher: what is old is said first, and a key that commands says why it does nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.operation.commands import CommandKind
from core.remote.watch_client import FOREIGN, READS_ONLY, WatchState
from core.snapshot import (
    Automation,
    EngineState,
    ExitsView,
    Health,
    Level,
    MessageView,
    Mode,
    PartHealth,
    Snapshot,
    Watching,
    without_engine_yet,
)
from senex_tui.console.actions.permission import HELD_ELSEWHERE
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
        for key in ("p", "f", "c", "X"):
            await pilot.press(key)
            assert READS_ONLY in text_of(app).splitlines()[-1]
        assert engine.sent == []
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


async def test_an_operator_holds_exits_and_is_told_who_lets_them_go_on() -> None:
    engine = FixedWatch(watched(Watching.OPERATOR, exits=ExitsView("on", "", ("72",))))
    app = WatchApp(engine, Watching.OPERATOR)  # type: ignore[arg-type]
    async with app.run_test(size=(170, 55)) as pilot:
        await pilot.pause()
        await pilot.press("X")
        assert (engine.sent, engine.about) == ([CommandKind.EXITS], [("", "hold")])
        assert not app.is_asking, "a watcher cancels nothing that rests"
    engine = FixedWatch(watched(Watching.OPERATOR, exits=ExitsView("held", "by anna", ("72",))))
    app = WatchApp(engine, Watching.OPERATOR)  # type: ignore[arg-type]
    async with app.run_test(size=(170, 55)) as pilot:
        await pilot.pause()
        await pilot.press("X")
        await pilot.pause()
        assert engine.sent == []
        assert not app.is_asking
        assert HELD_ELSEWHERE in text_of(app).splitlines()[-1]


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


def said(shown: Snapshot, *messages: tuple[int, str]) -> Snapshot:
    """The snapshot with these critical messages, by number."""
    at = shown.status.now
    assert at is not None
    return replace(shown, messages=tuple(MessageView(n, at, Level.CRITICAL, "orders", text) for n, text in messages))


@pytest.mark.parametrize("reads_records_first", [False, True])
async def test_a_watcher_that_attaches_later_rings_only_for_what_comes_then(reads_records_first: bool) -> None:
    """Its screen is there before anything of the trader is: what the first snapshot brings is not new."""
    empty = without_engine_yet(Mode.DEMO, "no trader seen yet")
    engine = FixedWatch(replace(empty, status=replace(empty.status, watching=Watching.READ_ONLY)))
    app = WatchApp(engine, Watching.READ_ONLY)  # type: ignore[arg-type]
    rung: list[str] = []
    async with app.run_test(size=(60, 20)) as pilot:  # its messages are not in sight: toasts tell of them

        async def shows(snapshot: Snapshot) -> list[str]:
            engine.current = replace(snapshot, status=replace(snapshot.status, watching=Watching.READ_ONLY))
            app.pull()
            await pilot.pause()
            told = [notification.message for notification in app._notifications]
            new = [one for one in told if one not in rung]  # a toast goes once it is no longer so
            rung[:] = told
            return new

        assert await shows(engine.current) == []
        if reads_records_first:
            assert await shows(replace(said(calm()), status=status(engine=EngineState.UNSEEN))) == []
        published = said(calm(), (-1, "of yesterday"), (3, "the order is unknown"))
        failed = status(engine=EngineState.FAILED, failure="the disk is full")
        assert await shows(replace(published, status=failed)) == []
        assert await shows(published) == []
        assert await shows(said(calm(), (3, "the order is unknown"), (4, "margin call"))) == ["orders: margin call"]
        again = said(calm(), (-1, "the order is unknown"), (0, "margin call"))
        assert await shows(again) == [], "the trader has started again, and numbers its messages anew"
        assert await shows(said(again, (0, "margin call"), (1, "the clock is off"))) == ["orders: the clock is off"]
        caught_up = said(calm(), *((number, f"of the next start {number}") for number in (1, 2, 3)))
        assert "orders: of the next start 1" in await shows(caught_up), "also a start that has said as much by now"
