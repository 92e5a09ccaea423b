"""Nothing from outside and no error inside a panel, a worker or a callback ends the console."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from textual.worker import WorkerFailed

from core.domain.operation.amounts import price
from core.runtime import redaction
from core.snapshot import Snapshot
from senex_tui.console.app import SenexApp
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.support.crash_report import keep_reports_in, tell_crash
from tests.support.console import parts, scenes
from tests.support.console.driver import driven
from tests.support.replaced_text import with_text
from widgets.base.panel import LinePanel
from widgets.cycle import CyclePanel

HOSTILE = "[/x] [red] [0] [@click=app.quit]x[/] \x1b[31m\x1b]2;owned\x07 \u202eevil\u202c 日本語 \t\n ${} $error {0}"


@pytest.mark.parametrize(("size", "keys"), [((80, 24), "123456"), ((200, 55), "1")])
async def test_hostile_text_is_shown_as_text(size: tuple[int, int], keys: str) -> None:
    async with driven(size=size) as console:
        for scene in ("retrying", "failed", "filled"):
            hostile: Snapshot = with_text(scenes.SCENES[scene](), HOSTILE)
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
            assert "panel error: the log has the details" in console.text
            assert f"bid {price(parts.quotes()[0].bid)}" in console.text
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
            assert console.toasts[0].startswith("screen error: the log has the details")
            await console.press("f", "q")
            assert "The engine does not answer; quitting stops it." in console.text
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
            assert any(toast.startswith("screen error: ") for toast in console.toasts)


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
            assert any(toast.startswith("screen error: ") for toast in console.toasts)


class CrashingAtStart(SenexApp):
    def on_load(self) -> None:
        token = SECRET
        raise RuntimeError(f"cannot start, {len(token)} characters, {token}")


class CrashingInAWorker(SenexApp):
    def on_mount(self) -> None:
        super().on_mount()
        self.run_worker(self._break())

    async def _break(self) -> None:
        token = SECRET
        raise RuntimeError(f"cannot go on, {len(token)} characters, {token}")


class Pictured(RuntimeError):
    def __rich__(self) -> str:
        return f"a picture of {SECRET}"


class CrashingWithAPicture(SenexApp):
    def on_load(self) -> None:
        raise Pictured("cannot draw, 24 characters")


SECRET = "refresh-token-" + "0123456789"


@pytest.mark.parametrize("app_type", [CrashingAtStart, CrashingInAWorker, CrashingWithAPicture])
async def test_a_crash_is_one_sentence_and_a_report_without_secrets(
    app_type: type[SenexApp], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("senex_tui.support.crash_report._reports_in", [])
    keep_reports_in(tmp_path)
    redaction.redact.add(SECRET)
    app = app_type(scenes.FixedEngine(scenes.calm()), tell_crash=lambda failure: tell_crash("the console was", failure))
    shown: list[str] = []

    def keep() -> None:
        shown.extend(report.plain for report in app._exit_renderables)
        app._exit_renderables.clear()

    monkeypatch.setattr(app, "_print_error_renderables", keep)
    with caplog.at_level(logging.CRITICAL), pytest.raises((RuntimeError, WorkerFailed), match="cannot"):
        async with app.run_test():
            await app.workers.wait_for_complete()
    assert app.return_code == 1
    [report] = (tmp_path / "crashes").iterdir()
    name = "Pictured" if app_type is CrashingWithAPicture else "RuntimeError"
    assert shown == [f"senex: the console was stopped by a defect ({name}); the report is {report}."]
    assert report.stat().st_mode & 0o777 == 0o600
    told = report.read_text()
    assert "24 characters" in told
    assert "Traceback (most recent call last)" in told
    assert SECRET not in told
    [record] = [record for record in caplog.records if record.message == "the console failed"]
    assert record.exc_info is not None


def test_only_the_newest_reports_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("senex_tui.support.crash_report._reports_in", [])
    monkeypatch.setattr("senex_tui.support.crash_report.KEPT", 3)
    assert tell_crash("it was", ValueError("early")) == "it was stopped by a defect (ValueError): early."
    keep_reports_in(tmp_path)
    named = [tell_crash("it was", ValueError(str(number))) for number in range(5)]
    left = sorted((tmp_path / "crashes").iterdir())
    assert len(left) == 3
    assert [str(path) in sentence for path, sentence in zip(left, named[2:], strict=True)] == [True] * 3
    monkeypatch.setattr("senex_tui.support.crash_report.FOLDER", "a-file")
    (tmp_path / "a-file").touch()
    keep_reports_in(tmp_path)
    assert "no report could be written" in tell_crash("it was", ValueError("late"))
