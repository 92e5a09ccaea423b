"""Finds the logins to the broker: in the environment, the system's keyring, or a file that only its owner may read."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SECRET = "TT_SECRET"  # noqa: S105 - the name of the variable
REFRESH = "TT_REFRESH"
LOGINS = "TT_LOGINS"
"""The keyring entry with the names of all logins but the primary one: the keyring itself cannot be listed."""
KEYRING_SERVICE = "senex"
PRIMARY = "primary"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")


class CredentialsError(Exception):
    """Credentials exist but cannot be used. The text is one sentence with the fix, without any part of a secret."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """One login: `secret` is the OAuth client secret, `refresh` the refresh token. Its representation shows neither.

    `origin` says in words where it was found.
    """

    secret: str = field(repr=False)
    refresh: str = field(repr=False)
    origin: str
    name: str = PRIMARY


def login_name(text: str) -> str:
    """The login's name in lower case. Raises CredentialsError when it cannot be stored in all three places."""
    name = text.lower()
    if not _NAME.fullmatch(name):
        raise CredentialsError(
            f"a login's name must be a letter and at most 31 letters, digits or hyphens; {text!r} was given."
        )
    return name


def find_logins(environ: Mapping[str, str], file: Path, *, environment_only: bool) -> tuple[Credentials, ...]:
    """All logins, the primary one first and the others by name.

    A login found in several places is taken from the first: environment, keyring, file. `environment_only` is for every
    broker but tastytrade: it must never get the secrets in the keyring or the file. Raises CredentialsError when only
    half of a pair is set, when others may read the file, or when the file cannot be understood.
    """
    places: list[Iterable[Credentials]] = [_in_environment(environ)]
    if not environment_only:
        places += [_in_keyring(), logins_in_file(file)]
    found: dict[str, Credentials] = {}
    for place in places:
        for login in place:
            found.setdefault(login.name, login)
    return tuple(sorted(found.values(), key=lambda login: (login.name != PRIMARY, login.name)))


def keyring_entries(name: str) -> tuple[str, str]:
    """The names of a login's two keyring entries: of its client secret and of its refresh token."""
    return (SECRET, REFRESH) if name == PRIMARY else (f"{SECRET} {name}", f"{REFRESH} {name}")


def keyring_names() -> tuple[str, ...]:
    """The names of the logins in the keyring, without the primary one. Raises keyring.errors.KeyringError."""
    import keyring

    return tuple(filter(_NAME.fullmatch, (keyring.get_password(KEYRING_SERVICE, LOGINS) or "").split(",")))


def _in_environment(environ: Mapping[str, str]) -> Iterator[Credentials]:
    """The logins in the environment.

    `TT_SECRET` and `TT_REFRESH` are the primary one, `TT_SECRET_ROTH` and `TT_REFRESH_ROTH` the one named roth.
    """
    pairs: dict[str, dict[str, str]] = {}
    for variable, value in environ.items():
        for key in (SECRET, REFRESH):
            if variable == key:
                pairs.setdefault(PRIMARY, {})[key] = value
            elif variable.startswith(f"{key}_"):
                name = variable.removeprefix(f"{key}_").lower().replace("_", "-")
                if _NAME.fullmatch(name):
                    pairs.setdefault(name, {})[key] = value
    for name, pair in pairs.items():
        login = _pair(pair, "the environment", name)
        if login is not None:
            yield login


def _pair(values: Mapping[str, str], origin: str, name: str) -> Credentials | None:
    """The login made of a pair of values; None when both are missing.

    Raises CredentialsError when only one is there, and for a value with blanks in it: no secret has one.
    """
    secret, refresh = values.get(SECRET, "").strip(), values.get(REFRESH, "").strip()
    if not secret and not refresh:
        return None
    if not secret or not refresh:
        there, missing = (SECRET, REFRESH) if secret else (REFRESH, SECRET)
        of = "" if name == PRIMARY else f" for login {name}"
        raise CredentialsError(f"{there} is set in {origin}{of} but {missing} is not; set both.")
    for key, value in ((SECRET, secret), (REFRESH, refresh)):
        if len(value.split()) > 1:
            raise CredentialsError(
                f"{key} in {origin} has blanks in it; write a comment on a line of its own, nothing after the value."
            )
    return Credentials(secret, refresh, origin, name)


def _in_keyring() -> Iterator[Credentials]:
    import keyring
    from keyring.errors import KeyringError

    try:
        found = {
            name: {
                key: keyring.get_password(KEYRING_SERVICE, kept) or ""
                for key, kept in zip((SECRET, REFRESH), keyring_entries(name), strict=True)
            }
            for name in (PRIMARY, *keyring_names())
        }
    except KeyringError:
        # A machine without a desktop has no keyring, or a locked one. Its logins are in the file.
        return
    for name, values in found.items():
        login = _pair(values, f"the keyring (service {KEYRING_SERVICE})", name)
        if login is not None:
            yield login


def logins_in_file(file: Path) -> tuple[Credentials, ...]:
    """The logins in the credentials file; none when there is no file.

    Raises CredentialsError when it cannot be used.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return ()
    except OSError as failure:
        raise CredentialsError(f"the credentials file {file} cannot be read: {failure.strerror}.") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise CredentialsError(f"the credentials file {file} is not a plain file; replace it by one.")
        if stat.S_IMODE(status.st_mode) & 0o177:
            raise CredentialsError(f"the credentials file {file} is not its owner's alone; run: chmod 600 '{file}'")
        with open(descriptor, "rb", closefd=False) as opened:
            content = opened.read()
    finally:
        os.close(descriptor)
    pairs = _parse(content, file)
    logins = (_pair(values, f"file {file}", name) for name, values in pairs.items())
    return tuple(login for login in logins if login is not None)


def _parse(content: bytes, file: Path) -> dict[str, dict[str, str]]:
    """The values by login name.

    The file is TOML with a table for each further login, or lines of KEY=VALUE as for a shell.
    """
    unreadable = CredentialsError(
        f"the credentials file {file} cannot be understood; it needs two lines: {SECRET}=... and {REFRESH}=..., "
        "and for each further login its [name] above two such lines"
    )
    try:
        text = content.decode("utf-8-sig")  # some editors begin a file with a byte order mark
    except UnicodeDecodeError:
        raise unreadable from None
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        values = _lines(text, unreadable)
    tables = {name: table for name, table in values.items() if isinstance(table, dict)}
    own = {key: value for key, value in values.items() if key in (SECRET, REFRESH)}
    pairs = ({PRIMARY: own} if own else {}) | tables
    if PRIMARY in tables and own:
        raise unreadable
    if values and not pairs:
        raise unreadable
    for name, pair in pairs.items():
        if not _NAME.fullmatch(name) or not pair or pair.keys() - {SECRET, REFRESH}:
            raise unreadable
        if not all(isinstance(value, str) for value in pair.values()):
            raise unreadable
    return pairs


def _lines(text: str, unreadable: CredentialsError) -> dict[str, object]:
    """The values of a file of KEY=VALUE lines. Raises `unreadable` for any other line."""
    values: dict[str, object] = {}
    for line in text.splitlines():
        stripped = line.strip().removeprefix("export ")
        if stripped and not stripped.startswith("#"):
            name, equals, value = stripped.partition("=")
            if not equals:
                raise unreadable from None
            values[name.strip()] = value.strip().strip("\"'")
    return values
