"""Follows the trader's snapshot in Redis: reads it whole once, then its changes; whole again after a gap or a
restart."""

from __future__ import annotations

from typing import Any

from core.remote.keys import RedisKeys
from core.remote.quote_hashes import TraderSeen, texts
from core.snapshot import Snapshot
from core.snapshot.codec import VERSION, SnapshotUnreadable, decode, decode_change

EVENTS_AT_ONCE = 200


class OtherVersion(Exception):
    """The trader runs another version of senex. The text is one sentence that says what to do."""


class Follower:
    """Holds the newest snapshot known, also while it waits for a whole one; None before the first."""

    def __init__(self, keys: RedisKeys) -> None:
        self._keys = keys
        self._epoch: str | None = None
        self._sequence = 0
        self._after = ""
        self._differs = False
        self.snapshot: Snapshot | None = None
        self.wholes = 0
        """How many whole snapshots were read."""

    def queue(self, pipeline: Any) -> None:
        """Puts one command on the pipeline: for the whole snapshot, or for the events after the last one read."""
        if self._epoch is None:
            pipeline.hgetall(self._keys.snapshot)
        else:
            pipeline.xread({self._keys.events: self._after}, count=EVENTS_AT_ONCE)

    def take(self, answer: Any, trader: TraderSeen | None) -> None:
        """Takes the answer to what was queued. Raises OtherVersion, and SnapshotUnreadable, after which a whole
        snapshot is read."""
        if trader is not None:
            require_same_version(trader)
        try:
            if self._epoch is None:
                self._take_whole(answer, trader)
            else:
                for identifier, fields in answer[0][1] if answer else ():
                    self._take_event(identifier.decode(), texts(fields), fields.get(b"changed", b""))
                    if self._epoch is None:
                        return
                self._compare(trader)
        except SnapshotUnreadable:
            self._epoch = None
            raise

    def _take_whole(self, answer: dict[bytes, bytes], trader: TraderSeen | None) -> None:
        fields = {name.decode(): value for name, value in answer.items()}
        epoch = fields.get("epoch", b"").decode()
        if not epoch or (trader is not None and trader.fields.get("epoch") != epoch):
            return  # nothing was published yet, or not by the trader there now
        if fields.get("version") != str(VERSION).encode():
            raise SnapshotUnreadable(f"it is no snapshot of version {VERSION}")
        self.snapshot = decode(fields.get("snapshot", b""))
        self._epoch, self._sequence = epoch, _number(fields.get("sequence", b"").decode())
        self._after = fields.get("after", b"0-0").decode()
        self._differs = False
        self.wholes += 1

    def _take_event(self, identifier: str, fields: dict[str, str], change: bytes) -> None:
        sequence = _number(fields.get("sequence", ""))
        began_anew = not change and sequence != self._sequence
        gap = sequence > self._sequence + 1
        if fields.get("epoch") != self._epoch or gap or began_anew or self.snapshot is None:
            self._epoch = None
            return
        self._after = identifier
        if sequence == self._sequence + 1:
            self.snapshot = decode_change(self.snapshot, change)
            self._sequence = sequence

    def _compare(self, trader: TraderSeen | None) -> None:
        """Begins anew when the count of events differs from the trader's twice in a row. A first difference may be an
        event still under way."""
        if trader is None:
            return
        differs = _number(trader.fields.get("sequence", "")) != self._sequence
        if trader.fields.get("epoch") != self._epoch or (differs and self._differs):
            self._epoch = None
        self._differs = differs


def require_same_version(trader: TraderSeen) -> None:
    """Raises OtherVersion unless the trader publishes in the form that is read here."""
    if trader.fields.get("version") != str(VERSION):
        theirs = trader.fields.get("senex", "unknown")
        raise OtherVersion(
            f"the trader runs another version of senex ({theirs}, screen format "
            f"{trader.fields.get('version', 'unknown')}, here {VERSION}); install the same version on both machines"
        )


def _number(text: str) -> int:
    if not text.isdecimal():
        raise SnapshotUnreadable(f"{text[:20]!r} is no sequence number")
    return int(text)
