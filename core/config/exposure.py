"""What the settings and the folders leave open to others: sent readable through a network, or theirs to read or change.

`senex doctor` warns of each, and a live console refuses to start with the worst (rules 13.7).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from core.config.folders import Folders
from core.config.hosts import is_this_machine
from core.config.loader import Loaded
from core.config.postgres_tls import AddressError, hosts_of, is_socket, tls_of
from core.config.redis import secrets_of
from core.config.settings import Settings

_READABLE, _WRITABLE = 0o077, 0o022


@dataclass(frozen=True, slots=True)
class Exposure:
    """One thing that others can read or change. `about` is what it concerns: records, redis, mail, settings or disk.

    `found` says what, `todo` what to do about it. `live` is the sentence with which a live console refuses to start,
    empty when it only warns.
    """

    about: str
    found: str
    todo: str
    live: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.found}; {self.todo}"


def network_exposures(settings: Settings, environ: Mapping[str, str]) -> tuple[Exposure, ...]:
    """What leaves this machine so that others can read it. `environ` may hold PGSSLMODE and its like."""
    return (*_redis(settings), *_database(settings, environ), *_mail(settings))


def file_exposures(loaded: Loaded, folders: Folders, mode: str) -> tuple[Exposure, ...]:
    """A settings file with a secret that others may read, and folders that others may change."""
    return (*_settings_file(loaded), *_folders(folders, mode))


def _redis(settings: Settings) -> Iterator[Exposure]:
    parts = urlsplit(settings.redis.url or "")
    host = parts.hostname or ""
    if parts.scheme == "redis" and not is_this_machine(host):
        todo = "write rediss:// in redis.url"
        live = f"live does not publish to {host} unencrypted: {todo}."
        yield Exposure("redis", f"quotes and the screen go to {host} unencrypted", todo, live)


def _database(settings: Settings, environ: Mapping[str, str]) -> Iterator[Exposure]:
    url = settings.database.url
    if url is None:
        return
    elsewhere = [host for host in hosts_of(url, environ) if not is_socket(host) and not is_this_machine(host)]
    try:
        wish = tls_of(url, environ)
    except AddressError:  # no connection is ever made with it
        return
    if not elsewhere or wish.is_checked:
        return
    todo = "write ?sslmode=verify-full in database.url"
    if wish.is_encrypted:
        yield Exposure("records", f"{elsewhere[0]} is encrypted, but the server is not checked", todo)
        return
    live = f"live does not send records to {elsewhere[0]} unencrypted: {todo}."
    yield Exposure("records", f"sslmode {wish.mode} lets the records go to {elsewhere[0]} unencrypted", todo, live)


def _mail(settings: Settings) -> Iterator[Exposure]:
    mail = settings.mail
    if mail.is_on and mail.security == "none" and not mail.is_local:
        yield Exposure("mail", f"mails go to {mail.host} unencrypted", 'write security = "starttls" or "tls" in [mail]')


def _settings_file(loaded: Loaded) -> Iterator[Exposure]:
    settings = loaded.settings
    secret = {
        "database.url": bool(urlsplit(settings.database.url or "").password),
        "redis.url": any(secrets_of(settings.redis.url)),
        "ping.url": settings.ping.url is not None,
        "notify.urls": bool(settings.notify.urls),
    }
    held = [name for name, is_secret in secret.items() if is_secret and loaded.origins[name].startswith("file ")]
    if loaded.file is None or not held:
        return
    try:
        mode = loaded.file.stat().st_mode
    except OSError:
        return
    if mode & _READABLE:
        found = f"{loaded.file} holds a secret ({', '.join(held)}) and others may read it"
        yield Exposure("settings", found, f"run: chmod 600 '{loaded.file}'")


def _folders(folders: Folders, mode: str) -> Iterator[Exposure]:
    uses = {
        folders.data: "where HALT and the records are",
        folders.records(mode).parent: "where the records are",
        folders.state: "where locks and reports are",
        folders.config: "where the settings and the login are",
    }
    for folder, use in uses.items():
        whose = _who_else_may_write(folder)
        if not whose:
            continue
        found = f"{whose} {folder}, {use}"
        fix = f"chmod 700 '{folder}'" if whose.startswith("others") else f"sudo chown -R \"$USER\" '{folder}'"
        yield Exposure("disk", found, f"run: {fix}", f"live does not start while {found}; run: {fix}")


def _who_else_may_write(folder: Path) -> str:
    """The words for who else may write in the folder; empty when nobody may, or there is no folder yet."""
    try:
        found = folder.stat()
    except OSError:
        return ""
    if found.st_uid not in (os.geteuid(), 0):
        return "another user owns"
    return "others may write in" if stat.S_IMODE(found.st_mode) & _WRITABLE else ""
