"""Writes a small file whole and durably: for its owner alone, and never half, whatever happens meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

_MODE = 0o600


def write_durably(path: Path, content: str | bytes) -> None:
    """Replaces the whole file at once: written beside it, forced to disk, then renamed into its place. Its folder must
    exist. Raises OSError; the file is then as it was."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)  # left behind by a process that had this number
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, _MODE)
    try:
        with open(descriptor, "wb") as opened:
            opened.write(content.encode() if isinstance(content, str) else content)
            opened.flush()
            os.fsync(opened.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
