"""The folders of this user's files: the platform's own, unless a data folder is named."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from platformdirs import PlatformDirs

from core.config.loader import FILE_VARIABLE


@dataclass(frozen=True, slots=True)
class Folders:
    """The four folders of a run. None of them need exist: whoever writes into one creates it, for this user only."""

    config: Path
    data: Path
    state: Path
    logs: Path

    def records(self, mode: str) -> Path:
        """The SQLite file of a mode (rules 9: each mode has its own)."""
        return self.data / mode / "records.sqlite3"

    @property
    def halt_file(self) -> Path:
        """The file `HALT`: while it exists no entry is made, also without any screen. `HALT-ALL` beside it stops exits
        too (rules 9)."""
        return self.data / "HALT"

    @property
    def credentials_file(self) -> Path:
        """The file with the broker's logins."""
        return self.config / "credentials"


def folders(data_dir: Path | None) -> Folders:
    """The folders of this run.

    A named data folder also holds state and logs; the settings stay in the platform's folder.
    """
    dirs = PlatformDirs("senex", appauthor=False)
    if data_dir is None:
        return Folders(dirs.user_config_path, dirs.user_data_path, dirs.user_state_path, dirs.user_log_path)
    inside = data_dir.expanduser().absolute()
    return Folders(dirs.user_config_path, inside, inside / "state", inside / "logs")


def account_locks() -> Path:
    """The folder in which this user's accounts are locked: one for all processes of the user (rules 10).

    It follows from the user's number and from the system's list of users alone. What a process is started with, such as
    HOME, XDG_STATE_HOME or another data folder, changes nothing. A user without a home of their own, such as that of a
    service, has it in /var/tmp.
    """
    user = os.geteuid()
    try:
        home = Path(pwd.getpwuid(user).pw_dir)
        own = home.is_absolute() and home.stat().st_uid == user
    except (KeyError, OSError):
        own = False
    return home / ".local" / "state" / "senex" / "locks" if own else Path(f"/var/tmp/senex-{user}")  # noqa: S108 - checked


def settings_path(chosen: Folders, environ: Mapping[str, str]) -> Path | None:
    """The settings file to read: the one that `SENEX_CONFIG` names, else the user's own if there is one."""
    named = environ.get(FILE_VARIABLE)
    if named:
        return Path(named).expanduser()
    own = chosen.config / "config.toml"
    return own if own.exists() else None
