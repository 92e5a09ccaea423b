"""The login to the broker: from the environment, the system's keyring, or a file only its owner reads."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SECRET = "TT_SECRET"  # noqa: S105 - the name of the variable
REFRESH = "TT_REFRESH"
KEYRING_SERVICE = "senex"


class CredentialsError(Exception):
    """Credentials are there but cannot be used; one sentence with the fix, without any part of them."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """`secret` is the OAuth client secret, `refresh` the refresh token; neither shows in a representation."""

    secret: str = field(repr=False)
    refresh: str = field(repr=False)
    origin: str


def find_credentials(environ: Mapping[str, str], file: Path, *, environment_only: bool) -> Credentials | None:
    """The first of environment, keyring and file that holds both values; None when none does.

    `environment_only` is for another broker than tastytrade, which must never be handed what the keyring or the file
    hold. Raises CredentialsError for half a pair, and for a file that others may read or that cannot be understood.
    """
    found = _pair(environ, "the environment")
    if found or environment_only:
        return found
    return _in_keyring() or _in_file(file)


def _pair(values: Mapping[str, str], origin: str) -> Credentials | None:
    secret, refresh = values.get(SECRET, "").strip(), values.get(REFRESH, "").strip()
    if not secret and not refresh:
        return None
    if not secret or not refresh:
        there, missing = (SECRET, REFRESH) if secret else (REFRESH, SECRET)
        raise CredentialsError(f"{there} is set in {origin} but {missing} is not; set both.")
    return Credentials(secret, refresh, origin)


def _in_keyring() -> Credentials | None:
    import keyring
    from keyring.errors import KeyringError

    try:
        values = {name: keyring.get_password(KEYRING_SERVICE, name) or "" for name in (SECRET, REFRESH)}
    except KeyringError:
        # A box without a desktop has no keyring, or a locked one: the file is the way there.
        return None
    return _pair(values, f"the keyring (service {KEYRING_SERVICE})")


def _in_file(file: Path) -> Credentials | None:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
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
    return _pair(_parse(content, file), f"file {file}")


def _parse(content: bytes, file: Path) -> dict[str, str]:
    """TOML, or lines of KEY=VALUE as shells and containers write them."""
    unreadable = CredentialsError(
        f"the credentials file {file} cannot be understood; it needs two lines: {SECRET}=... and {REFRESH}=..."
    )
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise unreadable from None
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        values = {}
        for line in text.splitlines():
            stripped = line.strip().removeprefix("export ")
            if stripped and not stripped.startswith("#"):
                name, equals, value = stripped.partition("=")
                if not equals:
                    raise unreadable from None
                values[name.strip()] = value.strip().strip("\"'")
    if not all(isinstance(values.get(name, ""), str) for name in (SECRET, REFRESH)):
        raise unreadable
    if values and not values.keys() & {SECRET, REFRESH}:
        raise unreadable
    return {name: values[name] for name in (SECRET, REFRESH) if name in values}
