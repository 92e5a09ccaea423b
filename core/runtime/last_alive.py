"""A file with the time at which a trader last ran by its schedule (rules 3).

The next process tells by it the slots of a trader that could not write its records from those of one that was down.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

FILE = "last-alive"
_MODE = 0o600
_LENGTH = 40
"""Every text is as long, so that it is written over the one before: a full disk takes that too."""


class LastAlive:
    """The time is market time, aware, UTC. A file that cannot be read or written is as good as none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def read(self) -> datetime | None:
        """When a trader was last alive; None when that is not known."""
        try:
            at = datetime.fromisoformat(self._path.read_text(encoding="ascii").strip())
        except (OSError, ValueError):
            return None
        return None if at.tzinfo is None else at

    def write(self, at: datetime) -> None:
        """Notes that the trader is alive now."""
        with suppress(OSError):
            if self._handle is None:
                flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
                self._handle = os.open(self._path, flags, _MODE)
            os.pwrite(self._handle, at.isoformat().ljust(_LENGTH - 1).encode() + b"\n", 0)

    def close(self) -> None:
        """Closes the file; does nothing the second time."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
