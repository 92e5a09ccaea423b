"""Turns snapshots into JSON text and back, whole or as the change from another one. For recordings and watchers.

Fields are written by name, and fields that this version does not know are passed over. So a text of an older version
stays readable when it lacks only fields with a default. A field that goes raises `VERSION`, because older readers ask
for it, and the older version stays in `READABLE`; every other change of the form raises `VERSION` alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from core.snapshot import Snapshot
from core.snapshot.delta import NOTHING, applied, difference
from core.snapshot.json_values import Redact, as_written, read, written

VERSION = 4
READABLE = (2, 3, VERSION)
"""The versions that `decode` reads. Version 2 has the next slot in status and cycle, and the code of a cycle's
reason; version 3 the recent prices of a quote."""
_UNREADABLE = (
    msgspec.MsgspecError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class SnapshotUnreadable(Exception):
    """The bytes are not a snapshot of this version, or not a change of the snapshot that they were applied to."""


def encode(snapshot: Snapshot, redact: Redact = as_written) -> bytes:
    """The whole snapshot with its version: one line of JSON in UTF-8, without a line end."""
    return msgspec.json.encode({"version": VERSION, "snapshot": written(snapshot, redact)})


def decode(encoded: bytes) -> Snapshot:
    """The snapshot that `encode` was given. Raises SnapshotUnreadable, also for a version that is not readable."""
    return _reading(_decoded, encoded)


def encode_change(old: Snapshot, new: Snapshot, redact: Redact = as_written) -> bytes | None:
    """What changed from the old snapshot to the new one, as one line of JSON; None when nothing did."""
    found = difference(old, new)
    return None if found is NOTHING else msgspec.json.encode(written(found, redact))


def decode_change(old: Snapshot, encoded: bytes) -> Snapshot:
    """The new snapshot that `encode_change` was given with this old one. Raises SnapshotUnreadable."""
    return _reading(lambda change: applied(Snapshot, old, msgspec.json.decode(change)), encoded)


def _decoded(encoded: bytes) -> Any:
    found = msgspec.json.decode(encoded)
    if not isinstance(found, dict) or found.get("version") not in READABLE:
        raise SnapshotUnreadable(f"it is no snapshot of version {VERSION}")
    return read(Snapshot, found.get("snapshot"))


def _reading(reader: Callable[[bytes], Any], encoded: bytes) -> Snapshot:
    try:
        snapshot: Snapshot = reader(encoded)
    except _UNREADABLE as error:
        raise SnapshotUnreadable("it is not readable as a snapshot") from error
    return snapshot
