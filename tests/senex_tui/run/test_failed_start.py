"""A console whose start failed says at which step and why, and promises nothing that will not come (rules 13)."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

from core.config.folders import folders
from core.config.loader import load_settings
from core.engine.engine import Engine
from core.engine.host import EngineHost
from core.runtime.ids import RandomIds
from core.snapshot import EngineState, Mode, Snapshot, StartState
from senex_tui.console.app import SenexApp
from senex_tui.run.wiring import BrokerAccess, build_engine
from senex_tui.support.refusals import explain
from widgets.base.panel import LinePanel


def after_a_failed_start(data: Path, url: str) -> EngineHost:
    async def open_engine() -> Engine:
        access = BrokerAccess(url, "primary", "secret", "refresh")
        return await build_engine(
            load_settings(None, {}).settings, folders(data), Mode.DRY_RUN, access, starting=host.starting
        )

    host = EngineHost(open_engine, Mode.DRY_RUN, "tester", RandomIds(), explain)
    host.start()
    while host.running:
        threading.Event().wait(0.01)
    return host


def states(shown: Snapshot) -> dict[str, StartState]:
    return {step.name: step.state for step in shown.status.start}


async def test_a_broker_that_is_not_reached_is_the_step_that_failed(tmp_path: Path) -> None:
    with socket.socket() as taken:  # bound and not listening: every connection is refused
        taken.bind(("127.0.0.1", 0))
        host = after_a_failed_start(tmp_path, f"http://127.0.0.1:{taken.getsockname()[1]}")
    shown = host.snapshot()
    assert shown.status.engine is EngineState.FAILED
    assert "broker" in shown.status.failure
    told = states(shown)
    assert told.pop("setup") is StartState.DONE
    assert told.pop("broker") is StartState.FAILED
    assert set(told.values()) == {StartState.TODO}
    app = SenexApp(host)
    async with app.run_test(size=(120, 40)) as pilot:
        app.pull()
        await pilot.pause()
        text = {panel.id: panel.text for panel in app.screen.query(LinePanel) if panel.display}
        assert shown.status.failure.split(";")[0][:40] in text["banner"].replace("\n", " ")
        assert "starting" not in text["status"]
        promised = [name for name, said in text.items() if "reading today" in said or "waiting for" in said]
        assert promised == []
        assert "✖ broker" in text["cycle"]
