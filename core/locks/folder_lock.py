"""One trader: locks the kernel holds until the process is gone (SPEC 9, 10; reference reliability 2.5.1).

A stopped or suspended process keeps its locks, so it can not wake up beside a new trader. Each lock is a folder: the
folder itself is locked, so that deleting or replacing the file in it lets nobody in; its file `trader.lock` is locked
too, for other programs, and says who holds it. What the file says without a lock means nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
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

LOCK_FILE = "trader.lock"
_FOLDER_MODE = 0o700
_FILE_MODE = 0o600
_TRIES = 100
_LOOKS = 50
_LOOK_EVERY_S = 0.01


class LockRefused(Exception):
    """Another trader is there, or the lock cannot be taken; the text is one sentence with what to do."""


class LockLost(LockRefused):
    """What was locked is gone: nothing keeps a second trader out any more."""


class LockUnconfirmed(LockLost):
    """Whether the lock is still held is not known at this moment: nothing is sent, and it is asked for."""


class OneTrader(Protocol):
    """What keeps every other trader out, as the engine sees it."""

    @property
    def session(self) -> int | None:
        """The database server's number of the session that holds the lock; None where the kernel holds it."""
        ...

    async def lock_accounts(self, numbers: Sequence[str]) -> None:
        """Takes the lock of every account; raises LockRefused when one is held, and then keeps none of them."""
        ...

    def verify(self) -> None:
        """Raises LockLost when a lock no longer keeps others out."""
        ...

    async def keep(self) -> None:
        """Asks, for as long as the engine runs, whoever has to be asked. Raises LockLost; may return at once."""
        ...

    def release(self) -> None:
        """Gives everything back; the records are closed before."""
        ...


class AloneInVirtualTime:
    """No locks: a simulated day has its records and its broker to itself."""

    session = None

    async def lock_accounts(self, numbers: Sequence[str]) -> None:
        return None

    def verify(self) -> None:
        return None

    async def keep(self) -> None:
        return None

    def release(self) -> None:
        return None


class FolderLock:
    """A folder locked for life. Not inherited: a child process, forked or started, never holds it."""

    def __init__(self, folder: Path, subject: str, holder: Holder, *, remove: bool = False) -> None:
        """Takes the lock at once. `subject` is what is locked, for the sentences; with `remove` the folder is removed
        when the lock is given back. Raises LockRefused."""
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
            raise LockRefused(refusal(subject, _told(folder)))
        self._handles: tuple[int, ...] = handles
        _held.add(self)
        os.ftruncate(self._handles[1], 0)
        os.pwrite(self._handles[1], holder.to_text().encode(), 0)

    def verify(self) -> None:
        """Raises LockLost when the folder was removed or replaced, or the lock was given back."""
        if not self._handles or not _is_at(self._folder, self._handles[0]):
            raise LockLost(
                f"the lock of {self._subject} is gone: {self._folder} was removed or replaced while in use; "
                "nothing more is sent, start again."
            )

    def release(self) -> None:
        """Gives the lock back; again does nothing."""
        if not self._handles:
            return
        folder, file = self._handles
        os.ftruncate(file, 0)
        if self._remove and _is_at(self._folder, folder):
            # While it is held: whoever opened it meanwhile finds another folder, or none, in its place and tries again.
            with suppress(OSError):
                (self._folder / LOCK_FILE).unlink(missing_ok=True)
                self._folder.rmdir()
        self.forget()

    def forget(self) -> None:
        """Closes this process's handles and touches nothing else; in a forked child the parent's lock stays."""
        handles, self._handles = self._handles, ()
        _held.discard(self)
        for handle in reversed(handles):
            os.close(handle)


@dataclass(eq=False, repr=False)
class AccountLocks:
    """The accounts one trading process has on this machine, once they are discovered.

    `folder` is the one folder of this user for account locks, whatever the data folder; `broker` is the address of the
    broker (`broker_address`).
    """

    folder: Path
    broker: str
    holder: Holder
    _accounts: list[FolderLock] = field(init=False, default_factory=list)

    def take(self, numbers: Sequence[str]) -> None:
        """All of them or none. Raises LockRefused."""
        # In one order for everybody, so that of two traders with several accounts one gets them all.
        names = sorted((_account_name(self.broker, number), number) for number in numbers)
        taken: list[FolderLock] = []
        try:
            for name, number in names:
                subject = f"account {masked(number)}"
                taken.append(FolderLock(self.folder / name, subject, self.holder, remove=True))
        except LockRefused:
            for lock in taken:  # those of an earlier call stay
                lock.release()
            raise
        self._accounts.extend(taken)

    def verify(self) -> None:
        """Raises LockLost."""
        for lock in self._accounts:
            lock.verify()

    def release(self) -> None:
        while self._accounts:
            self._accounts.pop().release()


class TraderLocks:
    """The locks of one trading process: its data folder from the start, its accounts once they are discovered."""

    session = None

    def __init__(self, data: FolderLock, accounts: Path, broker: str) -> None:
        """As `AccountLocks` has it."""
        self._data = data
        self._accounts = AccountLocks(accounts, broker, data.holder)

    async def lock_accounts(self, numbers: Sequence[str]) -> None:
        self._accounts.take(numbers)

    def verify(self) -> None:
        self._data.verify()
        self._accounts.verify()

    async def keep(self) -> None:
        return None

    def release(self) -> None:
        self._accounts.release()
        self._data.release()


def lock_data_folder(folder: Path, holder: Holder) -> FolderLock:
    """The lock of a mode's data folder. Taken before its records are opened, which would fence a running trader off.

    Raises LockRefused.
    """
    return FolderLock(folder, f"the data folder {folder}", holder)


def who_holds(folder: Path) -> Holder | None:
    """The trader of a data folder, by its own words and its process; nothing is locked by asking.

    A killed one whose process number was given away again looks alive: only taking the lock is certain.
    """
    try:
        holder = Holder.from_text((folder / LOCK_FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    return holder if holder is not None and holder.is_running() else None


def broker_address(url: str | None, *, sandbox: bool) -> str:
    """Which broker an account number belongs to: the real one, its certification environment, or host and port."""
    if url is None:
        return "tastytrade sandbox" if sandbox else "tastytrade"
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    loopback = host in ("localhost", "::1") or host.startswith("127.")
    return f"{'localhost' if loopback else host}:{parts.port or 80}"


def account_digest(broker: str, number: str) -> bytes:
    """What an account is locked by, wherever: its number stays in the records (SPEC 13.7)."""
    return hashlib.sha256(f"{broker}\n{number}".encode()).digest()


def _account_name(broker: str, number: str) -> str:
    return account_digest(broker, number).hex()[:32]


def _take(folder: Path) -> tuple[int, int] | None:
    """Locked handles of the folder and of its file, None when another process holds one. Raises OSError."""
    for _ in range(_TRIES):
        try:
            for missing in reversed([each for each in (folder, *folder.parents) if not each.exists()]):
                missing.mkdir(mode=_FOLDER_MODE, exist_ok=True)
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
    """A handle that holds the lock of what is at `path` now; None when another process holds it. Raises OSError."""
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
        os.close(handle)  # it was replaced between the opening and the lock: that lock keeps nobody out


def _is_at(path: Path, handle: int) -> bool:
    try:
        there, ours = os.stat(path, follow_symlinks=True), os.fstat(handle)
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)


def _told(folder: Path) -> Holder | None:
    """Who holds the folder; a holder that has only just taken it gets a moment to say so."""
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
