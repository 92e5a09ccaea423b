"""The locks of one trader, held by the kernel until the process is gone (rules 9, 10).

A stopped or suspended process keeps its locks, so it cannot wake up beside a new trader.

Each lock is a folder with a file `trader.lock` in it, and both are locked. The lock on the folder is the one that
counts: deleting or replacing the file lets nobody in. The lock on the file is for other programs. The file says who
holds the lock; its text counts only while the file is locked.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from core.domain.operation.events import masked
from core.locks.holder import Holder, refusal
from core.runtime.task_groups import AnotherTrader

LOCK_FILE = "trader.lock"
_FOLDER_MODE = 0o700
_FILE_MODE = 0o600
_OTHERS_WRITE = 0o022
_TRIES = 100
_LOOKS = 50
_LOOK_EVERY_S = 0.01


class LockRefused(Exception):
    """The lock is held by another trader or cannot be taken. The text is one sentence that says what to do."""


class LockLost(LockRefused, AnotherTrader):
    """A lock that this process held is gone: nothing keeps a second trader out any more."""


class LockUnconfirmed(LockLost):
    """It is not known at this moment whether the lock is still held. Nothing is sent until the answer comes."""


class Watched(Protocol):
    """Something that must stay as it is for the locks to keep others out, beside the locks themselves."""

    def verify(self) -> None:
        """Raises LockLost when it did not."""
        ...


class OneTrader(Protocol):
    """The locks of the running trader, as the engine sees them."""

    @property
    def session(self) -> int | None:
        """The number of the database session that holds the lock; None where the kernel holds it."""
        ...

    async def lock_accounts(self, numbers: Sequence[str]) -> None:
        """Takes the lock of every account. Raises LockRefused when one is held; then none of them is taken."""
        ...

    def verify(self) -> None:
        """Raises LockLost when a lock no longer keeps others out, LockUnconfirmed when that is not known."""
        ...

    def watch(self, records: Watched) -> None:
        """Has `verify` ask these records too, from now on."""
        ...

    async def keep(self) -> None:
        """Has the locks confirmed for as long as the engine runs.

        Raises LockLost; returns at once where nothing has to be asked.
        """
        ...

    def release(self) -> None:
        """Gives back every lock. The records must be closed first."""
        ...


class AloneInVirtualTime:
    """No locks: nothing else uses the records and the broker of a simulated day."""

    session = None

    def __init__(self) -> None:
        self._watched: list[Watched] = []

    async def lock_accounts(self, numbers: Sequence[str]) -> None:
        return None

    def watch(self, records: Watched) -> None:
        self._watched.append(records)

    def verify(self) -> None:
        for each in self._watched:
            each.verify()

    async def keep(self) -> None:
        return None

    def release(self) -> None:
        return None


class FolderLock:
    """A lock on a folder, held until it is released or the process ends. No child process inherits it."""

    def __init__(self, folder: Path, subject: str, holder: Holder, *, remove: bool = False) -> None:
        """Takes the lock at once. Raises LockRefused.

        `subject` names what is locked, for the sentences. With `remove` the folder is removed when the lock is
        released.
        """
        self._folder = folder
        self._subject = subject
        self._remove = remove
        self.holder = holder
        try:
            handles = _take(folder)
        except OSError as error:
            raise LockRefused(
                f"{subject} cannot be locked in {folder} ({error.strerror}); it needs a folder on a local disk that "
                "this user can write."
            ) from None
        if handles is None:
            raise LockRefused(refusal(subject, _named_holder(folder)))
        self._handles: tuple[int, ...] = handles
        _held.add(self)
        os.ftruncate(self._handles[1], 0)
        os.pwrite(self._handles[1], holder.to_text().encode(), 0)

    def verify(self) -> None:
        """Raises LockLost when the folder was removed or replaced, or the lock was released."""
        if not self._handles or not _is_at(self._folder, self._handles[0]):
            raise LockLost(
                f"the lock of {self._subject} is gone: {self._folder} was removed or replaced while in use; "
                "nothing more is sent, start again."
            )

    def release(self) -> None:
        """Releases the lock; does nothing the second time."""
        if not self._handles:
            return
        folder, file = self._handles
        os.ftruncate(file, 0)
        if self._remove and _is_at(self._folder, folder):
            # Removed while still locked: a process that has just opened it sees that it is gone, and tries again.
            with suppress(OSError):
                (self._folder / LOCK_FILE).unlink(missing_ok=True)
                self._folder.rmdir()
        self.forget()

    def forget(self) -> None:
        """Closes this process's handles and changes nothing else.

        A forked child calls it; its parent keeps the lock.
        """
        handles, self._handles = self._handles, ()
        _held.discard(self)
        for handle in reversed(handles):
            os.close(handle)


@dataclass(eq=False, repr=False)
class AccountLocks:
    """The locks of the accounts that one trading process uses on this machine.

    `folder` is the one folder of this user for account locks (`core.config.folders`). `broker` is the broker's address
    as `broker_address` writes it.
    """

    folder: Path
    broker: str
    holder: Holder
    _accounts: list[FolderLock] = field(init=False, default_factory=list)

    def take(self, numbers: Sequence[str]) -> None:
        """Locks all these accounts or none. Raises LockRefused."""
        _require_own(self.folder)
        # Every process takes them in the same order: of two traders with several accounts one then gets them all.
        names = sorted((_account_name(self.broker, number), number) for number in numbers)
        taken: list[FolderLock] = []
        try:
            for name, number in names:
                subject = f"account {masked(number)}"
                taken.append(FolderLock(self.folder / name, subject, self.holder, remove=True))
        except LockRefused:
            for lock in taken:  # the locks of an earlier call stay
                lock.release()
            raise
        self._accounts.extend(taken)

    def verify(self) -> None:
        """Raises LockLost when one of the locks no longer keeps others out."""
        for lock in self._accounts:
            lock.verify()

    def release(self) -> None:
        while self._accounts:
            self._accounts.pop().release()


class TraderLocks:
    """The locks of one trading process: of its data folder at the start, of its accounts once they are discovered."""

    session = None

    def __init__(self, data: FolderLock, accounts: Path, broker: str) -> None:
        """`data` is the lock already taken; `accounts` and `broker` are the folder and the broker of `AccountLocks`."""
        self._data = data
        self._accounts = AccountLocks(accounts, broker, data.holder)
        self._watched: list[Watched] = []

    async def lock_accounts(self, numbers: Sequence[str]) -> None:
        self._accounts.take(numbers)

    def watch(self, records: Watched) -> None:
        self._watched.append(records)

    def verify(self) -> None:
        self._data.verify()
        self._accounts.verify()
        for each in self._watched:
            each.verify()

    async def keep(self) -> None:
        return None

    def release(self) -> None:
        self._accounts.release()
        self._data.release()


def lock_data_folder(folder: Path, holder: Holder) -> FolderLock:
    """Locks a mode's data folder. Raises LockRefused.

    Call it before the records are opened: opening them stops the writes of a trader that is running.
    """
    return FolderLock(folder, f"the data folder {folder}", holder)


def who_holds(folder: Path) -> Holder | None:
    """The trader that holds a data folder, as its file says; None when its process is gone. Takes no lock.

    The system may have given a killed trader's process number to another process; then the trader looks alive. Only
    taking the lock is certain.
    """
    try:
        holder = Holder.from_text((folder / LOCK_FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    return holder if holder is not None and holder.is_running() else None


def broker_address(url: str | None, *, sandbox: bool) -> str:
    """The broker that an account number belongs to: the real one, its certification environment, or a host and port."""
    if url is None:
        return "tastytrade sandbox" if sandbox else "tastytrade"
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    loopback = host in ("localhost", "::1") or host.startswith("127.")
    return f"{'localhost' if loopback else host}:{parts.port or 80}"


def account_digest(broker: str, number: str) -> bytes:
    """The digest by which an account is locked everywhere, so that its number stays in the records (rules 13.7)."""
    return hashlib.sha256(f"{broker}\n{number}".encode()).digest()


def _account_name(broker: str, number: str) -> str:
    """The name of the folder that is an account's lock."""
    return account_digest(broker, number).hex()[:32]


def _make(folder: Path) -> None:
    """Makes the folder and those above it that are missing, for this user only. Raises OSError."""
    for missing in reversed([each for each in (folder, *folder.parents) if not each.exists()]):
        missing.mkdir(mode=_FOLDER_MODE, exist_ok=True)


def _require_own(folder: Path) -> None:
    """Makes the folder of the account locks. Raises LockRefused unless it is this user's alone to change.

    Where others may write, one of them may have made it, and could put another in its place.
    """
    try:
        _make(folder)
        found = folder.lstat()
    except OSError as error:
        raise LockRefused(f"accounts cannot be locked in {folder} ({error.strerror}); make it writable.") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise LockRefused(f"accounts cannot be locked in {folder}: it is no folder of this user; remove it.")
    if found.st_mode & _OTHERS_WRITE:
        raise LockRefused(f"accounts cannot be locked in {folder}: others may write there; run chmod go-w {folder}")


def _take(folder: Path) -> tuple[int, int] | None:
    """The locked handles of the folder and of its file; None when another process holds one. Raises OSError."""
    for _ in range(_TRIES):
        try:
            _make(folder)
            held = _locked(folder, os.O_RDONLY | os.O_DIRECTORY)
            if held is None:
                return None
            try:
                file = _locked(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
            except BaseException:
                os.close(held)
                raise
            if file is None:
                os.close(held)
                return None
            return held, file
        except FileNotFoundError:  # a holder that ended removed the folder between two steps
            continue
    raise FileNotFoundError(2, "it is removed again and again", str(folder))


def _locked(path: Path, flags: int) -> int | None:
    """A handle that holds the lock of the file or folder now at `path`; None when another process has it. Raises
    OSError."""
    while True:
        handle = os.open(path, flags | os.O_CLOEXEC, _FILE_MODE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(path, handle):
                return handle
        except BlockingIOError:
            os.close(handle)
            return None
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # replaced after it was opened: the lock of a removed file keeps nobody out


def _is_at(path: Path, handle: int) -> bool:
    """Whether the handle is of the file or folder now at the path."""
    try:
        there, ours = os.stat(path, follow_symlinks=True), os.fstat(handle)
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)


def _named_holder(folder: Path) -> Holder | None:
    """Who holds the folder; None when its file does not say.

    Waits up to half a second for a holder that has only just begun.
    """
    for _ in range(_LOOKS):
        holder = who_holds(folder)
        if holder is not None:
            return holder
        time.sleep(_LOOK_EVERY_S)  # noqa: TID251 - real time: this process is refused and does nothing else
    return None


_held: weakref.WeakSet[FolderLock] = weakref.WeakSet()


def _forget_in_child() -> None:
    for lock in tuple(_held):
        lock.forget()


os.register_at_fork(after_in_child=_forget_in_child)
