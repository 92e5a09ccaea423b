"""Where the files of this user live: the platform's own folders, unless a data folder is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from platformdirs import PlatformDirs

from core.config.loader import FILE_VARIABLE


@dataclass(frozen=True, slots=True)
class Folders:
    """None of these need exist yet; who writes into one creates it, for this user only."""

    config: Path
    data: Path
    state: Path
    logs: Path

    def records(self, mode: str) -> Path:
        """The database of one mode (SPEC 9: each mode has its own)."""
        return self.data / mode / "records.sqlite3"

    @property
    def halt_file(self) -> Path:
        """Its existence halts entries without any screen (SPEC 9)."""
        return self.data / "HALT"

    @property
    def credentials_file(self) -> Path:
        return self.config / "credentials"


def folders(data_dir: Path | None) -> Folders:
    """The folders of this run; a named data folder holds data, state and logs, the settings stay where they are."""
    dirs = PlatformDirs("senex", appauthor=False)
    if data_dir is None:
        return Folders(dirs.user_config_path, dirs.user_data_path, dirs.user_state_path, dirs.user_log_path)
    inside = data_dir.expanduser().absolute()
    return Folders(dirs.user_config_path, inside, inside / "state", inside / "logs")


def account_locks() -> Path:
    """Where the accounts of this user are locked, the same for every data folder (SPEC 10)."""
    return PlatformDirs("senex", appauthor=False).user_state_path / "locks"


def settings_path(chosen: Folders, environ: Mapping[str, str]) -> Path | None:
    """The settings file to read: the one the environment names, else the user's own if there is one."""
    named = environ.get(FILE_VARIABLE)
    if named:
        return Path(named).expanduser()
    own = chosen.config / "config.toml"
    return own if own.exists() else None
