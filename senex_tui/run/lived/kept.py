"""The histories that demos open on. Each is lived once, kept under what it follows from, and never written again.

`<data>/demo/kept/KEY` holds `records.sqlite3`, `simulator.json` (the state of the simulated broker) and `kept.json`,
which describes both. It is made in a folder beside it and renamed whole, so that an interruption leaves nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import msgspec

from core.domain.reporting.cash_sum import CashSum
from core.runtime.durable_file import write_durably
from senex_tui.run.lived.order import Lived
from senex_tui.support.outlet import print_line

FORMAT = 1
NEWEST = 3
"""How many histories are kept."""
RECORDS, STATE, ABOUT, LOCK = "records.sqlite3", "simulator.json", "kept.json", "lock"
_MAKING = ".making-"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a history follows from. `opens_on` is the first date on which the demo may open."""

    seed: int
    sessions: int
    opens_on: date
    account: str
    cash: Decimal
    position_limit: int
    settings: str
    code: str

    @property
    def key(self) -> str:
        """The name of its folder."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class KeptDays:
    """A history that was lived: its files, the session on which a demo opens, and what it earned. The state is that of
    `at`."""

    folder: Path
    account: str
    code: str
    at: datetime
    opens: date
    earned: CashSum | None = None

    @property
    def records(self) -> Path:
        return self.folder / RECORDS

    @property
    def state(self) -> Path:
        return self.folder / STATE


@dataclass(frozen=True, slots=True)
class _About:
    """`kept.json`. `files` has the size and the SHA-256 of the others."""

    format: int
    account: str
    code: str
    at: datetime
    opens: date
    earned: CashSum | None
    files: dict[str, tuple[int, str]]


class _Torn(Exception):
    """A kept history that cannot be used; the text says why."""


def kept_days(root: Path, wanted: Wanted, live: Callable[[Path], Lived]) -> KeptDays:
    """The history that was asked for: the kept one, or a new one that `live` makes in the folder it is given.

    One that is torn is said and made again. Of two processes that ask at once the second waits. Raises OSError, and
    what `live` raises; then nothing is kept.
    """
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _in_turn(root / LOCK):
        for left in root.glob(f"{_MAKING}*"):  # of a process that ended meanwhile
            _remove(left)
        folder = root / wanted.key
        if os.path.lexists(folder):
            try:
                found = _read(folder)
            except _Torn as torn:
                print_line(f"senex: the kept history is torn ({torn}); it is made again.", error=True)
                _remove(folder)
            else:
                os.utime(folder)
                return found
        making = root / f"{_MAKING}{os.getpid()}"
        making.mkdir(mode=0o700)
        try:
            lived = live(making)
            files = {name: _print_of(making / name) for name in (RECORDS, STATE)}
            about = _About(FORMAT, wanted.account, wanted.code, lived.at, lived.opens, lived.earned, files)
            write_durably(making / ABOUT, msgspec.json.encode(about).decode())
            making.rename(folder)
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            raise
        _drop_oldest(root)
        return _read(folder)


def _read(folder: Path) -> KeptDays:
    """Raises _Torn."""
    try:
        about = msgspec.json.decode((folder / ABOUT).read_bytes(), type=_About)
        if about.format != FORMAT:
            raise _Torn("it has the format of another version")
        for name in (RECORDS, STATE):
            if about.files.get(name) != _print_of(folder / name):
                raise _Torn(f"{name} is not as it was kept")
    except msgspec.MsgspecError:
        raise _Torn(f"{ABOUT} cannot be read") from None
    except OSError as error:
        raise _Torn(f"{Path(error.filename or folder).name}: {error.strerror}") from None
    return KeptDays(folder, about.account, about.code, about.at, about.opens, about.earned)


def _print_of(file: Path) -> tuple[int, str]:
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
        return os.fstat(opened.fileno()).st_size, digest


def _remove(path: Path) -> None:
    """Removes a history, or what stands in the place of one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _drop_oldest(root: Path) -> None:
    kept = sorted((f for f in root.iterdir() if f.is_dir()), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in kept[NEWEST:]:
        shutil.rmtree(folder)


@contextmanager
def _in_turn(lock: Path) -> Iterator[None]:
    """Holds the lock of the kept histories; waits, and says so, while another process makes one."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print_line("senex: another `senex demo` lives its days; waiting for it.", error=True)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
