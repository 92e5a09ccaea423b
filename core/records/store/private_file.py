"""Creates the records file and its folder so that only their owner can read them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from core.records.store.errors import RecordsError

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600
_BESIDE = ("", "-wal", "-shm", "-journal")
"""The ends of the names of the files that SQLite keeps for one database."""


def make_private_file(path: Path, *, create: bool) -> None:
    """Creates the file and its folder when missing, and removes other users' rights to the file.

    Raises RecordsError when the file cannot be read and written, when it is missing and `create` is False, and when it
    or a file that SQLite keeps beside it is a link or has a second name; then nothing was changed.
    """
    try:
        require_one_name(path)
        if not create and not path.exists():
            raise RecordsError(f"the records file {path} does not exist yet; start the console once")
        # Missing parents too, so that a new data folder is private as a whole.
        for folder in reversed([path.parent, *path.parent.parents]):
            if not folder.exists():
                folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _FILE_MODE)
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


def why_not_one_file(path: Path) -> str:
    """Why the records may not be kept in this file; empty when they may. Raises OSError.

    The trader's lock is on the folder. Two names of one file may be in two folders, so that two traders could open it
    under two locks.
    """
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    if stat.S_ISLNK(found.st_mode):
        return (
            f"the records file {path} is a link to another place; replace the link by the file itself (its folder may "
            "be a link), or start with --data-dir DIR"
        )
    if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
        return (
            f"the records file {path} has a second name (find it with: find / -xdev -inum {found.st_ino}); remove the "
            "name that is not used"
        )
    return ""


def require_one_name(path: Path) -> None:
    """Raises RecordsError when the records file, or one that SQLite keeps beside it, is a link or has a second name."""
    for end in _BESIDE:
        why = why_not_one_file(path.with_name(path.name + end))
        if why:
            raise RecordsError(why)
