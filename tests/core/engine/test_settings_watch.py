"""Settings edited while a console runs are reported once, and change nothing before the next start."""

from __future__ import annotations

import asyncio
from pathlib import Path

from core.config.loader import Loaded, load_settings
from core.domain.operation.events import Event, Severity
from core.engine.settings_watch import SettingsWatch
from core.runtime.bus import Bus
from core.runtime.clock import SystemClock


def test_an_edit_is_said_once_with_its_names_or_with_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    environ = {"SENEX_TRADING__WIDTH": "5"}
    said: list[Event] = []

    def read() -> Loaded:
        return load_settings(path if path.exists() else None, environ)

    async def record(event: Event) -> None:
        said.append(event)

    async def edits() -> None:
        watch = SettingsWatch(read(), read, Bus(record, SystemClock()), SystemClock())

        async def after(text: str) -> list[str]:
            said.clear()
            path.write_text(text)
            await watch.check()
            await watch.check()
            return [event.text for event in said]

        assert await after("# nothing yet\n") == []
        assert await after("[trading]\nwidth = 7\n") == [], "the environment wins: no value has changed"
        assert await after("[trading]\nentry_offset_cents = 3\n[console]\nrefresh_hz = 2\n") == [
            "the settings were changed (trading.entry_offset_cents, console.refresh_hz); "
            "this console goes on as it is, the next start uses them"
        ]
        [wrong] = await after("[trading]\nentry_offset_cents = 99\n")
        assert wrong.startswith("the settings were changed and cannot be used: trading.entry_offset_cents must be")
        assert wrong.endswith(
            "99 was given (file " + str(path) + "); this console goes on as it is, the next start refuses"
        )
        assert said[0].severity is Severity.WARNING
        [torn] = await after("[trading\n")
        assert "is not valid TOML" in torn
        path.unlink()
        said.clear()
        await watch.check()
        assert [event.text for event in said] == ["the settings are again those this console started with"]
        await watch.check()
        assert len(said) == 1

    asyncio.run(edits())
