"""Puts the temporary files of the tests in memory, where the machine has room for them."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM_BYTES = 3 * 1024**3


def keep_temporary_files_in(folder: Path = MEMORY, room_bytes: int = ROOM_BYTES) -> bool:
    """Makes `folder` the one for temporary files, here and in processes started from here; false when it is not fit.

    Each commit of the records waits for the disk, and the tests make some hundred thousand. What a killed process
    leaves is the same in memory: only a loss of power would tell the two apart. A folder that the user has named is
    kept.
    """
    if "TMPDIR" in os.environ or not os.access(folder, os.W_OK | os.X_OK):
        return False
    if shutil.disk_usage(folder).free < room_bytes or os.statvfs(folder).f_flag & os.ST_NOEXEC:
        return False
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None  # it may have been asked for already
    return True
