"""Writes snapshots into the files of their days. It reports a full disk once and continues as soon as it can."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path

from core.recording.day_file import SUFFIX, DayWriter, day_path
from core.runtime.clock import exchange_time
from core.runtime.redaction import redact
from core.snapshot import CycleSlice, Snapshot
from core.snapshot.codec import encode, encode_change

KEY_EVERY = 300
"""A key frame comes after this many frames, so that a seek never reads more."""
RETRY_EVERY = 60
"""How many snapshots are skipped after one could not be written."""
log = logging.getLogger(__name__)


class DayRecorder:
    """Writes snapshots into the files of their exchange days; `say` tells the operator when that fails and works again.

    Only one thread may use it. Every text is redacted; account numbers are already masked in a snapshot.
    """

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say
        self._writer: DayWriter | None = None
        self._day: date | None = None
        self._last: Snapshot | None = None
        self._frames = 0
        self._wait = 0
        self._failed = False

    def take(self, snapshot: Snapshot) -> None:
        """Records what changed since the last snapshot. One without a time is skipped, for it belongs to no day."""
        now = snapshot.status.now
        if now is None:
            return
        if self._wait:
            self._wait -= 1
            return
        try:
            self._write(snapshot, now)
        except OSError as error:
            self._trouble(error)
        else:
            if self._failed:
                self._failed = False
                self._say("the recording of the day goes on")

    def _write(self, snapshot: Snapshot, now: datetime) -> None:
        day = exchange_time(now).date()
        if day != self._day:
            self.close()
            self._day = day
        if self._writer is None:
            self._writer = DayWriter(day_path(self._folder, day))
        began = _began(self._last, snapshot)
        if self._last is None or self._frames % KEY_EVERY == 0:
            self._writer.write(now, encode(snapshot, redact), key=True, cycle=began)
        else:
            found = encode_change(self._last, snapshot, redact)
            if found is None:
                return
            self._writer.write(now, found, key=False, cycle=began)
        self._last = snapshot
        self._frames += 1

    def _trouble(self, error: OSError) -> None:
        log.warning("the day is not recorded: %s", error)
        self.close()
        self._wait = RETRY_EVERY
        if not self._failed:
            self._failed = True
            self._say(f"the day is not recorded: {error.strerror or error}; trading goes on, and so does trying")

    def close(self) -> None:
        """Closes the file. The next snapshot becomes a key frame."""
        writer, self._writer = self._writer, None
        self._last, self._frames = None, 0
        if writer is not None:
            with suppress(OSError):  # what it wrote is on the disk, or the failure was reported
                writer.close()


def _began(last: Snapshot | None, now: Snapshot) -> bool:
    """Whether a cycle began between these two snapshots. Without a last one: whether a cycle is running."""
    cycle = now.cycle
    if cycle is None or cycle.number == 0:
        return False
    before: CycleSlice | None = None if last is None else last.cycle
    return cycle.running if last is None else before is None or before.number != cycle.number


def prune(folders: list[Path], keep_days: int, now: datetime) -> int:
    """Removes the files not written for this many days before `now`, wall time. Returns how many it removed."""
    oldest = (now - timedelta(days=keep_days)).timestamp()
    gone = 0
    for folder in folders:
        for path in folder.glob(f"*{SUFFIX}*"):
            try:
                if path.stat().st_mtime < oldest:
                    path.unlink()
                    gone += 1
            except OSError as error:
                log.warning("an old recorded day stays: %s", error)
    return gone
