"""What `senex check` prints: every setting with its origin, the folders, the mode and where credentials were found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, time
from typing import Any

from core.config.credentials import PRIMARY, Credentials
from core.config.folders import Folders
from core.config.loader import Loaded, Settings
from core.runtime.redaction import MASK


def check_lines(
    loaded: Loaded, folders: Folders, mode: str, logins: tuple[Credentials, ...], mail_password: str, phones: str
) -> Iterator[str]:
    """The lines, without any secret. `mail_password` says where the mail password comes from, `phones` which
    kinds of phones are told."""
    yield from columns(
        [
            ("mode", mode),
            ("settings file", str(loaded.file or f"none; {folders.config / 'config.toml'} would be read")),
            ("data folder", str(folders.data)),
            ("state folder", str(folders.state)),
            ("log folder", str(folders.logs)),
            *(_credentials(login) for login in logins),
            *([] if logins else [("credentials", "none found; set TT_SECRET and TT_REFRESH, or run `senex login`")]),
            ("mail password", mail_password),
            ("phones", phones),
        ]
    )
    yield ""
    yield from columns(
        [(name, shown(value_of(loaded.settings, name)), origin) for name, origin in loaded.origins.items()]
    )


def shown(value: Any) -> str:
    """A setting's value as a line of text."""
    match value:
        case None:
            return "not set"
        case bool():
            return "true" if value else "false"
        case dict():
            return ", ".join(f"{name} {part}" for name, part in value.items()) or "none"
        case tuple():
            return ", ".join(str(part) for part in value)
        case time():
            return f"{value:%H:%M}"
        case datetime():
            return value.isoformat()
        case float():
            return f"{value:g}"
    return str(value)


def value_of(settings: Settings, dotted: str) -> Any:
    """A setting by its dotted name."""
    value: Any = settings
    for part in dotted.split("."):
        value = getattr(value, part)
    return value


def _credentials(login: Credentials) -> tuple[str, str]:
    label = "credentials" if login.name == PRIMARY else f"credentials {login.name}"
    return label, f"client secret {MASK}, refresh token {MASK}, from {login.origin}"


def columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """The rows as lines with aligned columns."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
