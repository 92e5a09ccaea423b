"""Notices that the records file was removed or replaced while it is in use.

SQLite goes on writing into a file without a name, and no call fails. The next console would know nothing of what is
written there, so nothing more may be sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from core.locks.folder_lock import LockLost

_Identity = tuple[int, int]


@dataclass(eq=False)
class RecordsFile:
    """The records file of a trader, and the log (`-wal`) in which SQLite keeps the newest commits.

    Make it once the records are open. The log stays the same for as long as they are.
    """

    path: Path
    _seen: dict[Path, _Identity] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.verify()

    def verify(self) -> None:
        """Raises LockLost when one of the files is no longer the one that was opened."""
        for path in (self.path, self.path.with_name(f"{self.path.name}-wal")):
            found = _identity(path)
            known = self._seen.get(path)
            if known is None and found is not None:
                self._seen[path] = found
            elif known != found or (found is None and path == self.path):
                raise LockLost(
                    f"the records file {path} was removed or replaced while in use; nothing more is sent, start again."
                )


def _identity(path: Path) -> _Identity | None:
    """Which file is at the path; None when there is none, or it cannot be reached."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
