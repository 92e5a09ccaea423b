"""The rows of this machine beside a console that runs: no login, settings as they are now, no full read."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.config.folders import Folders, folders, settings_path
from core.config.loader import Loaded, load_settings
from core.records.records import Records
from core.snapshot import Mode
from core.snapshot.health import Finding, HealthRow
from senex_tui.doctor.beside_console import rows_of_machine
from senex_tui.trader.place import Place
from tests.support.record_samples import url_of


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    for name in ("SENEX_CONFIG", "TMUX", "TT_SECRET", "TT_REFRESH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return folders(tmp_path / "data")


def looked(started: Loaded, here: Folders) -> dict[str, HealthRow]:
    place = Place(Mode.DRY_RUN, here.records("dry-run"), here.halt_file)
    rows = rows_of_machine(started, here, place, own_simulator=False)
    assert all(row.todo for row in rows if row.finding in (Finding.WARN, Finding.FAIL))
    return {row.name: row for row in rows}


def test_it_tells_of_the_machine_and_asks_no_broker(here: Folders) -> None:
    file = here.records("dry-run")
    file.parent.mkdir(parents=True)
    file.touch(mode=0o600)
    file.unlink()

    async def make() -> None:
        await (await Records.open(url_of(file))).close()

    asyncio.run(make())
    found = looked(load_settings(settings_path(here, {}), {}), here)
    assert list(found) == [
        "settings", "calendar", "records", "lock", "redis", "mail", "phone", "ping", "disk", "halt", "terminal",
    ]  # fmt: skip
    assert found["settings"].finding is Finding.OK
    assert str(file) in found["records"].found
    assert " MB, revision " in found["records"].found, "its size, and not whether it is whole"
    assert found["lock"].found == "free: no console trades with these records"
    assert found["redis"] == HealthRow("redis", Finding.SKIP, "not used")
    assert "GB free" in found["disk"].found


def test_settings_edited_since_the_start_are_told(here: Folders) -> None:
    started = load_settings(settings_path(here, {}), {})
    file = here.config / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("[trading]\nminimum_score = 55\n")
    file.chmod(0o600)
    edited = looked(started, here)["settings"]
    assert edited.finding is Finding.WARN
    assert "edited since the start: trading.minimum_score" in edited.found
    assert edited.todo == "the next start uses them"
    file.write_text("[trading]\nminimum_scor = 55\n")
    broken = looked(started, here)["settings"]
    assert broken.finding is Finding.FAIL
    assert "minimum_scor" in broken.found
