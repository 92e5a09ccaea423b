"""Creates the records file and its folder so that only their owner can read them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from core.records.store.errors import RecordsError

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600


def make_private_file(path: Path, *, create: bool) -> None:
    """Creates the file and its folder when missing, and removes other users' rights to the file.

    Raises RecordsError when the file cannot be read and written, and when it is missing and `create` is False.
    """
    try:
        if not create and not path.exists():
            raise RecordsError(f"the records file {path} does not exist yet; start the console once")
        # Missing parents too, so that a new data folder is private as a whole.
        for folder in reversed([path.parent, *path.parent.parents]):
            if not folder.exists():
                folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise RecordsError(
                    f"the records file {path} is not a regular file; move it away, or start with --data-dir DIR"
                )
            if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & 0o077:
                os.fchmod(handle, _FILE_MODE)
        finally:
            os.close(handle)
    except IsADirectoryError:
        raise RecordsError(f"the records file {path} is a folder; move it away, or start with --data-dir DIR") from None
    except OSError as error:
        raise RecordsError(
            f"the records file {path} cannot be opened ({error.strerror}); give this user the right to read and write "
            "the file and its folder, or start with --data-dir DIR"
        ) from None
