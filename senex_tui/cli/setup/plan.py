"""What the dialogue of `senex setup` has agreed on, and how it is written: all at the end, each file whole or not at
all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from core.broker.port import BrokerAccount
from core.config.credential_store import keep_login
from core.config.credentials import KEYRING_SERVICE, PRIMARY
from core.config.folders import Folders
from core.config.keyring_value import keep_value
from core.config.loader import Loaded
from core.config.mail_password import KEYRING_NAME as MAIL_ENTRY
from core.config.mail_password import VARIABLE
from core.config.notify import KEYRING_NAME as PHONES_ENTRY
from core.config.notify import NotifySettings
from core.config.settings_file import NotChanged, Value, with_settings
from core.runtime.durable_file import write_durably
from senex_tui.support.refusals import Refused

_ENVIRONMENT = "environment"


@dataclass
class Plan:
    """What is to be written. `settings` are by their dotted names. `login` is the client secret and the refresh token
    of the primary login, `accounts` are those it reaches, `enabled` the numbers of those that are to be switched on."""

    settings: dict[str, Value] = field(default_factory=dict)
    login: tuple[str, str] | None = field(default=None, repr=False)
    keeps_login: bool = False
    accounts: list[BrokerAccount] = field(default_factory=list)
    enabled: list[str] = field(default_factory=list)
    mail_password: str = field(default="", repr=False)
    phones: tuple[str, ...] = field(default=(), repr=False)
    """The addresses that take the place of those of `notify`, what the settings have now."""
    notify: NotifySettings = field(default_factory=NotifySettings)
    unit: tuple[Path, str] | None = None
    simulated: bool = False
    """The broker is a simulated one: the keyring, which such a run never reads, is not written either."""

    @property
    def is_empty(self) -> bool:
        return not (self.settings or self.keeps_login or self.enabled or self.mail_password or self.phones or self.unit)

    def words(self, folders: Folders, file: Path) -> Iterator[str]:
        """What is written where, a line each, without any secret."""
        if self.keeps_login:
            yield f"the login {PRIMARY}: into the keyring, or {folders.credentials_file}"
        if self.mail_password:
            yield f"the password of the mail server: into the keyring, or {folders.config / _ENVIRONMENT}"
        if self.phones:
            yield f"the addresses of {len(self.phones)} phones: into the keyring, or {file}"
        if self.settings:
            yield f"{', '.join(self.settings)}: into {file}"
        if self.unit is not None:
            yield f"the service: {self.unit[0]}"
        if self.enabled:
            yield f"{len(self.enabled)} accounts to be switched on: into the records"


def settings_file(loaded: Loaded, folders: Folders) -> Path:
    """The file that is changed: the one that is read, not a link to it, else the user's own."""
    return (loaded.file or folders.config / "config.toml").resolve()


def write(plan: Plan, folders: Folders, file: Path) -> Iterator[str]:
    """Writes everything but the accounts, the secrets first; says of each where it went. Raises OSError, Refused."""
    settings = dict(plan.settings)
    text = _text(file)
    for way in ({"notify.keyring": True}, {"notify.urls": plan.phones}) if plan.phones else ({},):
        _changed(text, settings | way, file)  # refused before anything is written
    if plan.keeps_login and plan.login is not None:
        yield f"login {PRIMARY}: kept in {keep_login(PRIMARY, *plan.login, folders.credentials_file)}"
    if plan.mail_password:
        yield f"mail password: kept in {_keep_mail_password(plan, folders)}"
    if plan.phones:
        in_keyring = not plan.simulated and keep_value(PHONES_ENTRY, " ".join(plan.phones))
        if in_keyring or plan.notify.keyring:
            settings["notify.keyring"] = in_keyring
        if not in_keyring or plan.notify.urls:
            settings["notify.urls"] = () if in_keyring else plan.phones
        place = f"the keyring (service {KEYRING_SERVICE})" if in_keyring else f"{file}, which is yours alone to read"
        yield f"phones: kept in {place}"
    if settings:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(file, _changed(text, settings, file))
        yield f"settings: {', '.join(settings)} written to {file}"
    if plan.unit is not None:
        path, unit = plan.unit
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, unit)
        yield f"service: written to {path}"


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""


def _changed(text: str, settings: dict[str, Value], file: Path) -> str:
    try:
        return with_settings(text, settings)
    except NotChanged as error:
        names = ", ".join(line.partition(" = ")[0] for line in error.lines)
        raise Refused(f"{file} is written in a way that is not changed here; set {names} in it by hand.") from None


def _keep_mail_password(plan: Plan, folders: Folders) -> str:
    if not plan.simulated and keep_value(MAIL_ENTRY, plan.mail_password):
        return f"the keyring (service {KEYRING_SERVICE})"
    file = (folders.config / _ENVIRONMENT).resolve()
    others = [line for line in _text(file).splitlines() if not line.startswith(f"{VARIABLE}=")]
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_durably(file, "\n".join([*others, f"{VARIABLE}={plan.mail_password}"]) + "\n")
    return f"{file}, which docs/units/senex-tmux.sh reads; started otherwise, the console needs {VARIABLE}"


def unit_folder() -> Path:
    """Where systemd finds the units of this user."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"
