"""Nothing from outside and no error inside a panel, a worker or a callback ends the console."""

from __future__ import annotations

import dataclasses
import logging
from enum import Enum
from typing import Any

import pytest

from core.snapshot import Snapshot
from senex_tui.app import SenexApp
from senex_tui.screens.dashboard import Dashboard
from tests.console import double
from tests.console.driving import driven
from widgets.cycle import CyclePanel
from widgets.panel import LinePanel

HOSTILE = "[/x] [red] [0] [@click=app.quit]x[/] \x1b[31m\x1b]2;owned\x07 \u202eevil\u202c 日本語 \t\n ${} $error {0}"


def poisoned(value: Any, text: str) -> Any:
    """The same value with every text in it replaced."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return text
    if isinstance(value, tuple):
        return tuple(poisoned(item, text) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changes = {f.name: poisoned(getattr(value, f.name), text) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **changes)
    return value


@pytest.mark.parametrize(("size", "keys"), [((80, 24), "123456"), ((200, 55), "1")])
async def test_hostile_text_is_shown_as_text(size: tuple[int, int], keys: str) -> None:
    async with driven(size=size) as console:
        for scene in ("retrying", "failed", "filled"):
            hostile: Snapshot = poisoned(double.SCENES[scene](), HOSTILE)
            console.engine.current = hostile
            await console.pull()
            for key in keys if scene == "filled" else "1":
                await console.press(key)
                text = console.text
                assert "[/x] [red]" in text
                assert not any(c in text for c in "\x1b\x07\u202e\t")
                assert "panel error" not in text
        await console.press("q", "n", "f", "n")
        console.app.say(HOSTILE, "error")
        await console.pilot.pause()
        assert isinstance(console.app.screen, Dashboard)
        assert console.app.is_running


async def test_one_failing_panel_says_so_in_its_box_and_the_others_paint(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("no [such] step")

    monkeypatch.setattr(CyclePanel, "draw", broken)
    with caplog.at_level(logging.CRITICAL):
        async with driven() as console:
            assert "panel error: ValueError: no [such] step" in console.text
            assert "621.83" in console.text
            assert "max risk $" in console.text
            await console.press("p")
            assert len(console.engine.sent) == 1


async def test_a_failing_snapshot_is_said_and_the_console_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL):
        async with driven() as console:

            def broken() -> Snapshot:
                raise RuntimeError("gone")

            monkeypatch.setattr(console.engine, "snapshot", broken)
            for _ in range(3):
                await console.pull()
            assert console.toasts[0].startswith("screen error: RuntimeError: gone")
            await console.press("f", "q")
            assert "The engine does not answer (gone); quitting stops it." in console.text
            await console.press("n")
            monkeypatch.undo()
            await console.pull()
            await console.press("question_mark", "q")
            assert isinstance(console.app.screen, Dashboard)


async def test_errors_in_callbacks_timers_and_workers_do_not_end_the_app(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise RuntimeError("callback")

    async def broken_work() -> None:
        raise RuntimeError("worker")

    with caplog.at_level(logging.CRITICAL):
        async with driven() as console:
            for target in (console.app, console.app.screen, console.app.screen.query_one("#spread", LinePanel)):
                target.call_later(broken)
                target.set_timer(0.001, broken)
            console.app.run_worker(broken_work(), exit_on_error=False)
            await console.pilot.pause(0.05)
            await console.press("question_mark", "q", "p")
            assert len(console.engine.sent) == 1
            assert any("callback" in toast for toast in console.toasts)


async def test_a_command_that_cannot_be_sent_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object, **__: object) -> str:
        raise RuntimeError("inbox closed")

    with caplog.at_level(logging.CRITICAL):
        async with driven() as console:
            monkeypatch.setattr(console.engine, "send", broken)
            await console.press("p", "f", "y")
            assert console.app.is_running
            assert any("inbox closed" in toast for toast in console.toasts)


async def test_a_crash_report_shows_no_local_variables(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "refresh-token-" + "0123456789"

    class Crashing(SenexApp):
        def on_load(self) -> None:
            token = secret
            raise RuntimeError(f"cannot start, {len(token)} characters")

    app = Crashing(double.FixedEngine(double.calm()))
    shown = ""

    def keep() -> None:
        nonlocal shown
        shown = "".join(segment.text for report in app._exit_renderables for segment in report.segments)

    monkeypatch.setattr(app, "_print_error_renderables", keep)
    with caplog.at_level(logging.CRITICAL), pytest.raises(RuntimeError, match="cannot start"):
        async with app.run_test():
            pass
    assert "cannot start, 24 characters" in shown
    assert secret not in shown
    assert secret not in caplog.text
