"""A snapshot as text and back, whole or as what changed since another: for recordings and for watchers.

The form is JSON by field name (`core.snapshot.delta`), so that what an older version wrote without a field that has a
default stays readable; `VERSION` rises when it does not.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

from core.snapshot import Snapshot
from core.snapshot.delta import Nothing, ObjectForm, Plain, Text, as_written

VERSION = 1

T = TypeVar("T")

_UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class SnapshotUnreadable(Exception):
    """These bytes are no snapshot of this version, or no change of the snapshot they were applied to."""


def to_plain(snapshot: Snapshot, text: Text = as_written) -> Plain:
    """The whole snapshot."""
    return _SNAPSHOT.plain(snapshot, text)


def from_plain(plain: object) -> Snapshot:
    """The snapshot `to_plain` was given. Raises SnapshotUnreadable."""
    return _read(lambda: _SNAPSHOT.value(plain))


def change(old: Snapshot, new: Snapshot, text: Text = as_written) -> Plain | Nothing:
    """What `changed` needs to make the new one of the old; NOTHING when they are the same."""
    return _SNAPSHOT.change(old, new, text)


def changed(old: Snapshot, plain: object) -> Snapshot:
    """The snapshot after this change; the old one is left as it is. Raises SnapshotUnreadable."""
    return _read(lambda: _SNAPSHOT.changed(old, plain))


def encode(snapshot: Snapshot, text: Text = as_written) -> bytes:
    """The whole snapshot with its version, as one line of ASCII JSON without its end."""
    return to_json({"version": VERSION, "snapshot": to_plain(snapshot, text)})


def decode(encoded: bytes) -> Snapshot:
    """The snapshot `encode` was given. Raises SnapshotUnreadable, also for another version."""
    found = from_json(encoded)
    if not isinstance(found, dict) or found.get("version") != VERSION:
        raise SnapshotUnreadable(f"it is no snapshot of version {VERSION}")
    return from_plain(found.get("snapshot"))


def to_json(plain: Plain) -> bytes:
    """As compact ASCII JSON."""
    return json.dumps(plain, separators=(",", ":")).encode("ascii")


def from_json(encoded: bytes) -> object:
    """Raises SnapshotUnreadable."""
    return _read(lambda: json.loads(encoded))


def _read(attempt: Callable[[], T]) -> T:
    try:
        return attempt()
    except _UNREADABLE as error:
        raise SnapshotUnreadable(f"it is not readable as a snapshot: {type(error).__name__}: {error}") from error


_SNAPSHOT = ObjectForm(Snapshot)
