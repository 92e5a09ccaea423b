"""What the dialogue of `senex setup` has agreed on, and how it is written: all at the end, each file whole or not at
all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from core.broker.port import BrokerAccount
from core.config import environment_file
from core.config.credential_store import keep_login
from core.config.credentials import KEYRING_SERVICE, PRIMARY, REFRESH, SECRET, logins_in_file
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

    def replaced_variables(self) -> list[str]:
        """The variables that would win over what is written."""
        names = [environment_file.setting_variable(dotted) for dotted in self.settings]
        if self.keeps_login:
            names += [SECRET, REFRESH]
        if self.mail_password:
            names.append(VARIABLE)
        if self.phones:
            names += map(environment_file.setting_variable, ("notify.urls", "notify.keyring"))
        return names

    def words(self, folders: Folders, file: Path) -> Iterator[str]:
        """What is written where, a line each, without any secret. Raises OSError."""
        if self.keeps_login:
            yield f"the login {PRIMARY}: into the keyring, or {folders.credentials_file}"
        if self.mail_password:
            yield f"the password of the mail server: into the keyring, or {folders.config / environment_file.FILE}"
        if self.phones:
            yield f"the addresses of {len(self.phones)} phones: into the keyring, or {file}"
        if self.settings:
            yield f"{', '.join(self.settings)}: into {file}"
        old = environment_file.names_in(_content(environment_of(folders)), self.replaced_variables())
        if old:
            yield f"{', '.join(old)}: the old line in {folders.config / environment_file.FILE} goes, it would win"
        if self.unit is not None:
            yield f"the service: {self.unit[0]}"
        if self.enabled:
            yield f"{len(self.enabled)} accounts to be switched on: into the records"


def settings_file(loaded: Loaded, folders: Folders) -> Path:
    """The file that is changed: the one that is read, not a link to it, else the user's own."""
    return (loaded.file or folders.config / "config.toml").resolve()


def environment_of(folders: Folders) -> Path:
    """The file with what only the environment can carry, not a link to it."""
    return (folders.config / environment_file.FILE).resolve()


def write(plan: Plan, folders: Folders, file: Path) -> Iterator[str]:
    """Writes everything but the accounts; says of each where it went. What is there is read before the first write, and
    an old line goes only once the new value is kept. Raises OSError, Refused, CredentialsError."""
    settings = dict(plan.settings)
    text, environment = _text(file), _content(environment_of(folders))
    if plan.keeps_login:
        logins_in_file(folders.credentials_file)
    for way in ({"notify.keyring": True}, {"notify.urls": plan.phones}) if plan.phones else ({},):
        _changed(text, settings | way, file)  # refused before anything is written
    if plan.keeps_login and plan.login is not None:
        yield f"login {PRIMARY}: kept in {keep_login(PRIMARY, *plan.login, folders.credentials_file)}"
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
    left = environment_file.without(environment, plan.replaced_variables())
    in_keyring = bool(plan.mail_password) and not plan.simulated and keep_value(MAIL_ENTRY, plan.mail_password)
    if plan.mail_password and not in_keyring:
        left = environment_file.with_value(left, VARIABLE, plan.mail_password)
    if left != environment:
        folders.config.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(environment_of(folders), left)
    if plan.mail_password:
        yield f"mail password: kept in {_mail_place(folders, in_keyring=in_keyring)}"
    kept = environment_file.names_in(left, (VARIABLE,))
    gone = [name for name in plan.replaced_variables() if name not in kept]
    if old := environment_file.names_in(environment, gone):
        yield f"environment: {', '.join(old)} left out of {environment_of(folders)}"
    if plan.unit is not None:
        path, unit = plan.unit
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, unit)
        yield f"service: written to {path}"


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def _text(file: Path) -> str:
    try:
        return _content(file).decode()
    except UnicodeDecodeError:
        raise Refused(f"{file} is not UTF-8 text; save it as UTF-8. Nothing was written.") from None


def _changed(text: str, settings: dict[str, Value], file: Path) -> str:
    try:
        return with_settings(text, settings)
    except NotChanged as error:
        names = ", ".join(line.partition(" = ")[0] for line in error.lines)
        raise Refused(f"{file} is written in a way that is not changed here; set {names} in it by hand.") from None


def _mail_place(folders: Folders, *, in_keyring: bool) -> str:
    if in_keyring:
        return f"the keyring (service {KEYRING_SERVICE})"
    file = environment_of(folders)
    return f"{file}, which docs/units/senex-tmux.sh reads; started otherwise, the console needs {VARIABLE}"


def unit_folder() -> Path:
    """Where systemd finds the units of this user."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"
