"""Stores and removes the broker's logins: in the system's keyring, else in a file that only its owner may read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from core.config.credentials import (
    KEYRING_SERVICE,
    LOGINS,
    PRIMARY,
    REFRESH,
    SECRET,
    Credentials,
    CredentialsError,
    keyring_entries,
    keyring_names,
    logins_in_file,
)
from core.runtime.durable_file import write_durably


def keep_login(name: str, secret: str, refresh: str, file: Path) -> str:
    """Stores a login in place of an earlier one of this name, and returns where, in words.

    Raises CredentialsError when the existing file cannot be understood, OSError when it cannot be written.
    """
    others = [login for login in logins_in_file(file) if login.name != name]
    if _keep_in_keyring(name, secret, refresh):
        if len(others) != len(logins_in_file(file)):
            _write(others, file)  # an old copy must not come back when the keyring is locked
        return f"the keyring (service {KEYRING_SERVICE})"
    _write([*others, Credentials(secret, refresh, f"file {file}", name)], file)
    return f"file {file}"


def forget_login(name: str, file: Path) -> tuple[str, ...]:
    """Removes a login wherever it is stored, and returns the places, in words. Raises CredentialsError, OSError."""
    places = []
    if _forget_in_keyring(name):
        places.append(f"the keyring (service {KEYRING_SERVICE})")
    logins = logins_in_file(file)
    if any(login.name == name for login in logins):
        _write([login for login in logins if login.name != name], file)
        places.append(f"file {file}")
    return tuple(places)


def _keep_in_keyring(name: str, secret: str, refresh: str) -> bool:
    """Whether the keyring stored the login: False without a keyring, or when it does not return what it was given."""
    import keyring
    from keyring.errors import KeyringError

    values = dict(zip(keyring_entries(name), (secret, refresh), strict=True))
    try:
        for kept, value in values.items():
            keyring.set_password(KEYRING_SERVICE, kept, value)
        if name != PRIMARY:
            names = ",".join(sorted({*keyring_names(), name}))
            keyring.set_password(KEYRING_SERVICE, LOGINS, names)
            if name not in keyring_names():
                return False
        return all(keyring.get_password(KEYRING_SERVICE, kept) == value for kept, value in values.items())
    except KeyringError:
        return False


def _forget_in_keyring(name: str) -> bool:
    """Whether the keyring had the login; it is removed."""
    import keyring
    from keyring.errors import KeyringError, PasswordDeleteError

    try:
        there = any(keyring.get_password(KEYRING_SERVICE, kept) for kept in keyring_entries(name))
        for kept in keyring_entries(name):
            with suppress(PasswordDeleteError):
                keyring.delete_password(KEYRING_SERVICE, kept)
        left = [other for other in keyring_names() if other != name]
        if len(left) != len(keyring_names()):
            keyring.set_password(KEYRING_SERVICE, LOGINS, ",".join(left))
    except KeyringError:
        return False
    return there


def _write(logins: Sequence[Credentials], file: Path) -> None:
    parts = []
    for login in sorted(logins, key=lambda each: (each.name != PRIMARY, each.name)):
        head = "" if login.name == PRIMARY else f"[{login.name}]\n"
        parts.append(f"{head}{SECRET} = {_quoted(login.secret)}\n{REFRESH} = {_quoted(login.refresh)}\n")
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_durably(file, "\n".join(parts))


def _quoted(secret: str) -> str:
    """The secret as a TOML string. Raises CredentialsError when it holds a character that cannot be printed."""
    if not secret.isprintable():
        raise CredentialsError("a secret holds characters that cannot be printed; paste it again.")
    return json.dumps(secret, ensure_ascii=False)
