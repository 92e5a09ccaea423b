"""Which folders the files go to."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.config.folders import folders, settings_path


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_the_platforms_own_folders_by_default(tmp_path: Path) -> None:
    chosen = folders(None)
    for folder in (chosen.config, chosen.data, chosen.state, chosen.logs):
        assert folder.is_relative_to(tmp_path)
    assert len({chosen.config, chosen.data}) == len({chosen.data, chosen.logs}) == 2


def test_a_data_folder_holds_everything_but_the_settings(tmp_path: Path) -> None:
    chosen = folders(tmp_path / "box")
    assert chosen.config == folders(None).config
    for folder in (chosen.data, chosen.state, chosen.logs, chosen.halt_file, chosen.records("demo")):
        assert folder.is_relative_to(tmp_path / "box")
    assert chosen.halt_file == tmp_path / "box" / "HALT"


def test_each_mode_has_its_own_database(tmp_path: Path) -> None:
    chosen = folders(tmp_path)
    assert chosen.records("demo") == tmp_path / "demo" / "records.sqlite3"
    assert chosen.records("dry-run") == tmp_path / "dry-run" / "records.sqlite3"


def test_a_relative_data_folder_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert folders(Path("box")).data == tmp_path / "box"


def test_the_settings_file_is_the_named_one_or_the_users_if_it_exists(tmp_path: Path) -> None:
    chosen = folders(None)
    assert settings_path(chosen, {}) is None
    chosen.config.mkdir(parents=True)
    (chosen.config / "config.toml").touch()
    assert settings_path(chosen, {}) == chosen.config / "config.toml"
    assert settings_path(chosen, {"SENEX_CONFIG": "~/other.toml"}) == tmp_path / "other.toml"
