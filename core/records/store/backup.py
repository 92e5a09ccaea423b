"""Copies an SQLite file of records as it is at one moment, while a trader may write to it (SQLite's own backup)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from core.records.store.errors import RecordsError
from core.records.store.private_file import require_one_name

KEPT_BEFORE_UPGRADES = 5
_PAGES_AT_A_TIME = 1_000
_BUSY_S = 10.0
_FILE_MODE = 0o600


def back_up(records: Path, target: Path) -> int:
    """Copies the records into a new file that only this user may read, and returns its size in bytes.

    The copy is checked before it gets its name, and needs no other file. Raises RecordsError when the target exists,
    when the records are missing or damaged, when their file is a link or has a second name, and when the disk is full;
    then there is no target, and nothing was changed.
    """
    require_one_name(records)
    if not records.is_file():
        raise RecordsError(f"there are no records yet in {records.parent}; start the console once")
    with _refusing_to_replace(target):
        if target.exists() or target.is_symlink():
            raise FileExistsError
    unfinished = target.with_name(f"{target.name}.unfinished-{os.getpid()}")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE))
        _copy(records, unfinished)
        _require_whole(unfinished, records)
        _to_disk(unfinished)
        with _refusing_to_replace(target):
            os.link(unfinished, target)
        _to_disk(target.parent)
    except OSError as error:
        raise RecordsError(f"the backup {target} cannot be written ({error.strerror}); choose another place") from None
    except sqlite3.Error as error:
        raise RecordsError(f"the records file {records} could not be copied to {target}: {error}") from None
    finally:
        for end in ("", "-journal", "-wal", "-shm"):
            with suppress(OSError):
                unfinished.with_name(unfinished.name + end).unlink(missing_ok=True)
    return target.stat().st_size


def keep_before_upgrade(records: Path, revision: str, now: datetime) -> Path:
    """Copies the records beside themselves before they are upgraded to this revision. The newest five copies are kept.

    `now` is the machine's time, aware, UTC. Raises RecordsError.
    """
    target = records.with_name(f"{records.name}.before-{revision}.{now:%Y%m%dT%H%M%S.%fZ}")
    back_up(records, target)
    earlier = sorted(records.parent.glob(f"{records.name}.before-*"), key=_when)
    for old in earlier[:-KEPT_BEFORE_UPGRADES]:
        old.unlink(missing_ok=True)
    return target


def _when(copy: Path) -> str:
    """The time in the name of a copy before an upgrade."""
    return copy.name.rpartition(".before-")[2].partition(".")[2]


@contextmanager
def _refusing_to_replace(target: Path) -> Iterator[None]:
    """Turns FileExistsError into a RecordsError about the target."""
    try:
        yield
    except FileExistsError:
        raise RecordsError(f"{target} exists already; name another file, or remove it first") from None


def _copy(records: Path, target: Path) -> None:
    source = sqlite3.connect(f"{records.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)
    with closing(source), closing(sqlite3.connect(target, timeout=_BUSY_S)) as copy:
        source.execute("BEGIN")  # one view of everything: without it, each write of the trader would restart the copy
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(copy, pages=_PAGES_AT_A_TIME)
        copy.execute("PRAGMA journal_mode = DELETE")


def _require_whole(copy: Path, records: Path) -> None:
    """Raises RecordsError when the copy is damaged."""
    with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True)) as opened:
        [verdict, *_] = [row[0] for row in opened.execute("PRAGMA integrity_check(1)")]
    if verdict != "ok":
        raise RecordsError(
            f"the records file {records} is damaged ({verdict}); no backup was made: keep a copy of the file as it is, "
            "and restore an earlier backup"
        )


def _to_disk(path: Path) -> None:
    """Forces a file or folder to disk."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
