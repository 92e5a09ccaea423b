"""Locks of a data folder and of an account: one process holds each, even when the lock file is deleted or replaced."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.locks.folder_lock import (
    LOCK_FILE,
    FolderLock,
    LockLost,
    LockRefused,
    TraderLocks,
    broker_address,
    lock_data_folder,
)
from core.locks.holder import Holder

SINCE = datetime(2026, 3, 2, 14, 31, tzinfo=UTC)
OURS = Holder(os.getpid(), SINCE, "dry-run", "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "dry-run"


def taken(folder: Path, holder: Holder = OURS) -> FolderLock:
    return lock_data_folder(folder, holder)


def refused(folder: Path) -> str:
    with pytest.raises(LockRefused) as raised:
        taken(folder)
    return str(raised.value)


def test_the_second_is_told_who_has_it_since_when_and_what_to_do(folder: Path) -> None:
    lock = taken(folder)
    assert refused(folder) == (
        f"another senex (process {os.getpid()}, dry-run) trades with the data folder {folder} since 2026-03-02 "
        f"09:31 ET; end it first (quit it, or kill {os.getpid()})"
    )
    lock.release()
    lock = taken(folder, Holder(os.getpid(), SINCE, "demo", "tmux attach -t 'my desk'"))
    assert refused(folder).endswith("since 2026-03-02 09:31 ET; attach to it with: tmux attach -t 'my desk'")
    lock.release()
    taken(folder).release()


def test_the_lock_and_its_folder_are_private_and_other_programs_see_it(folder: Path) -> None:
    lock = taken(folder)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder.parent, folder, folder / LOCK_FILE)]
    assert modes == [0o700, 0o700, 0o600]
    with (folder / LOCK_FILE).open() as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    lock.release()


@pytest.mark.parametrize("left", ["", "half a li", Holder(1, SINCE, "demo", "").to_text(), '{"pid": 1}\n', "\0" * 10])
def test_the_file_of_a_dead_holder_does_not_block_the_lock(folder: Path, left: str) -> None:
    folder.mkdir(parents=True)
    (folder / LOCK_FILE).write_text(left)
    lock = taken(folder)
    assert Holder.from_text((folder / LOCK_FILE).read_text()) == OURS
    lock.release()


def _delete(folder: Path) -> None:
    (folder / LOCK_FILE).unlink()


def _replace(folder: Path) -> None:
    other = folder / "other"
    other.write_text("")
    other.rename(folder / LOCK_FILE)


def _put_a_folder_there(folder: Path) -> None:
    (folder / LOCK_FILE).unlink()
    (folder / LOCK_FILE).mkdir()


@pytest.mark.parametrize("meddle", [_delete, _replace, _put_a_folder_there])
def test_a_lock_file_deleted_or_replaced_while_held_lets_nobody_in(
    folder: Path, meddle: Callable[[Path], None]
) -> None:
    lock = taken(folder)
    meddle(folder)
    assert refused(folder) == f"another process holds the data folder {folder}; end it first, then start again."
    lock.verify()
    lock.release()


@pytest.mark.parametrize("recreated", [False, True])
def test_a_holder_whose_folder_was_removed_notices(folder: Path, recreated: bool) -> None:
    lock = taken(folder)
    shutil.rmtree(folder)
    other = taken(folder) if recreated else None
    with pytest.raises(LockLost, match="was removed or replaced while in use; nothing more is sent"):
        lock.verify()
    lock.release()
    if other is not None:
        other.verify()
        assert (folder / LOCK_FILE).read_text() == OURS.to_text()
        other.release()


@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_file_replaced_between_opening_and_locking_is_not_the_one_locked(
    folder: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir(parents=True)
    (folder / LOCK_FILE).touch()
    swapped = folder if what == "folder" else folder / LOCK_FILE
    calls = []

    def flock(handle: int, operation: int) -> None:
        calls.append(handle)
        if os.path.isdir(f"/proc/self/fd/{handle}") == (what == "folder") and swapped not in done:
            done.append(swapped)
            swapped.rename(folder.parent / "elsewhere")
            swapped.mkdir() if what == "folder" else swapped.touch()
        real(handle, operation)

    done: list[Path] = []
    real = fcntl.flock
    monkeypatch.setattr("core.locks.folder_lock.fcntl.flock", flock)
    lock = taken(folder)
    monkeypatch.undo()
    assert len(calls) == 3
    lock.verify()
    assert "another senex" in refused(folder)
    with swapped.open() if what == "file" else (folder / LOCK_FILE).open() as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    lock.release()


def test_a_folder_that_cannot_be_locked_is_refused_in_words(folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("in the way")
    assert refused(folder) == (
        f"the data folder {folder} cannot be locked in {folder} (Not a directory); it needs a folder on a local disk "
        "that this user can write."
    )


def test_a_started_program_does_not_inherit_the_lock(folder: Path) -> None:
    lock = taken(folder)
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        close_fds=False,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        lock.forget()  # as when this process dies: nothing is unlocked by hand
        taken(folder).release()
        assert child.poll() is None
        child.communicate(b"\n", 10)


def test_a_forked_child_does_not_hold_the_lock_nor_give_it_back(folder: Path) -> None:
    lock = taken(folder)
    (read, write), (ready, released) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        lock.release()
        os.write(released, b".")
        os.close(write)
        os.read(read, 1)
        os._exit(0)
    os.read(ready, 1)
    assert "another senex" in refused(folder)
    lock.forget()
    taken(folder).release()
    for handle in (write, read, ready, released):
        os.close(handle)
    assert os.waitpid(child, 0)[1] == 0


class Accounts:
    """Traders by name, each with a data folder of its own and the account locks of one user."""

    def __init__(self, root: Path) -> None:
        self.locks = root / "locks"
        self._root = root

    def trader(self, name: str, broker: str = "tastytrade") -> TraderLocks:
        return TraderLocks(taken(self._root / name), self.locks, broker)


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(tmp_path)


async def test_an_account_is_traded_once_whatever_the_data_folder(accounts: Accounts) -> None:
    first, second = accounts.trader("one"), accounts.trader("two")
    await first.lock_accounts(["5WT00002"])
    with pytest.raises(LockRefused, match=r"^another senex \(process \d+, dry-run\) trades with account …0002 since"):
        await second.lock_accounts(["5WT00001", "5WT00002", "5WT00003"])
    assert len(list(accounts.locks.iterdir())) == 1, "the refused one gave back what it had"
    await first.lock_accounts(["5WT00001", "5WT00003"])
    first.verify()
    first.release()
    assert list(accounts.locks.iterdir()) == []
    await second.lock_accounts(["5WT00001", "5WT00002", "5WT00003"])
    second.release()


async def test_the_same_number_at_another_broker_is_another_account(accounts: Accounts) -> None:
    first, second = accounts.trader("one"), accounts.trader("two", "localhost:8700")
    await first.lock_accounts(["5WT00001"])
    await second.lock_accounts(["5WT00001"])
    names = [path.name for path in accounts.locks.iterdir()]
    assert len(names) == 2
    assert not any("00001" in name or "5WT" in name for name in names)
    for words in accounts.locks.rglob(LOCK_FILE):
        assert "00001" not in words.read_text()
    first.release()
    second.release()


async def test_a_trader_whose_account_lock_was_removed_notices(accounts: Accounts) -> None:
    trader = accounts.trader("one")
    await trader.lock_accounts(["5WT00001"])
    trader.verify()
    shutil.rmtree(accounts.locks)
    with pytest.raises(LockLost, match=r"the lock of account …0001 is gone"):
        trader.verify()
    trader.release()


def _link(folder: Path) -> None:
    folder.parent.joinpath("real").mkdir()
    folder.symlink_to(folder.parent / "real")


NOT_OURS: dict[str, Callable[[Path], object]] = {
    "a link": _link,
    "a link to nothing": lambda folder: folder.symlink_to(folder.parent / "nothing"),
    "a file": Path.touch,
    "writable by others": lambda folder: (folder.mkdir(), folder.chmod(0o777)),
}


@pytest.mark.parametrize("kind", NOT_OURS)
async def test_accounts_are_locked_only_where_nobody_else_may_change_anything(accounts: Accounts, kind: str) -> None:
    trader = accounts.trader("one")
    NOT_OURS[kind](accounts.locks)
    with pytest.raises(LockRefused, match=r"^accounts cannot be locked in .*locks"):
        await trader.lock_accounts(["5WT00001"])
    trader.release()


async def test_accounts_are_not_locked_in_a_folder_of_somebody_else(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    trader = accounts.trader("one")
    accounts.locks.mkdir(mode=0o700)
    other = os.geteuid() + 1
    monkeypatch.setattr("os.geteuid", lambda: other)
    with pytest.raises(LockRefused, match="it is no folder of this user; remove it"):
        await trader.lock_accounts(["5WT00001"])
    assert list(accounts.locks.iterdir()) == []
    trader.release()


def test_one_broker_has_one_address_however_it_is_spelled() -> None:
    spellings = ("http://127.0.0.1:8700", "http://LOCALHOST:8700/", "http://[::1]:8700")
    assert {broker_address(url, sandbox=False) for url in spellings} == {"localhost:8700"}
    assert broker_address("http://127.0.0.1", sandbox=False) == "localhost:80"
    assert broker_address(None, sandbox=False) == "tastytrade"
    assert broker_address(None, sandbox=True) != "tastytrade"
