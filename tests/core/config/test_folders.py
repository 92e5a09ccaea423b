"""Which folders the files go to."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest

from core.config.folders import account_locks, folders, settings_path


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


def _user(home: Path | None) -> Callable[[int], pwd.struct_passwd]:
    """The system's list of users: everybody has this home, or nobody is in it."""

    def getpwuid(number: int) -> pwd.struct_passwd:
        if home is None:
            raise KeyError(number)
        return pwd.struct_passwd(("anna", "x", number, number, "", str(home), "/bin/sh"))

    return getpwuid


def test_the_account_locks_are_in_the_home_that_the_system_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "known"
    home.mkdir()
    monkeypatch.setattr("pwd.getpwuid", _user(home))
    for name in ("HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "TMPDIR", "USER", "LOGNAME"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    assert account_locks() == home / ".local" / "state" / "senex" / "locks"


@pytest.mark.parametrize("home", [None, "", "known", "/nonexistent/home", "somebody's"])
def test_a_user_without_a_home_has_the_account_locks_under_their_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "known").mkdir()
    found = None if home is None else tmp_path if home == "somebody's" else Path(home)
    monkeypatch.setattr("pwd.getpwuid", _user(found))
    number = os.geteuid() + (home == "somebody's")
    monkeypatch.setattr("os.geteuid", lambda: number)
    assert account_locks() == Path(f"/var/tmp/senex-{number}")
