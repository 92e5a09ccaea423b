"""The locks that keep every other trader out: of the kernel for records in a file, of the server for PostgreSQL."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.locks.folder_lock import FolderLock, OneTrader
    from core.locks.holder import Holder
    from senex_tui.trader.place import Place


def this_trader(place: Place) -> Holder:
    """This process as others see it in the lock; with its machine when the records are in PostgreSQL."""
    from core.locks.holder import Holder
    from core.runtime.clock import SystemClock

    host = "" if place.database is None else socket.gethostname()
    return replace(Holder.this_process(place.mode.value, SystemClock().now(), os.environ), host=host)


def lock_data(place: Place) -> FolderLock:
    """Takes the lock of the folder with the records. Take it before they are opened. Raises LockRefused."""
    from core.locks.folder_lock import lock_data_folder

    return lock_data_folder(place.records_file.parent, this_trader(place))


async def take_locks(place: Place, broker: str, data_lock: FolderLock | None = None) -> OneTrader:
    """Takes the locks of the trader of these records. Take them before the records are opened.

    `broker` is the broker's address, by which accounts are locked. `data_lock` is the folder's lock when it is taken.

    Raises LockRefused, RecordsError.
    """
    from core.config.folders import account_locks
    from core.locks.folder_lock import AccountLocks, TraderLocks
    from core.runtime.clock import SystemClock

    if place.database is None:
        return TraderLocks(data_lock or lock_data(place), account_locks(), broker)
    from core.locks.postgres_lock import take_trader_lock

    place.records_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # the market clock is noted there
    accounts = AccountLocks(account_locks(), broker, this_trader(place))
    return await take_trader_lock(place.url, accounts, broker, SystemClock())


async def require_free(place: Place) -> None:
    """Raises LockRefused while somebody trades with these records, and RecordsError. Takes no lock."""
    from core.locks.folder_lock import LockRefused
    from core.locks.holder import refusal
    from core.records.store.postgres_url import store_name_of

    holder = await place.holder()
    if holder is not None:
        subject = f"the data folder {place.records_file.parent}" if place.database is None else store_name_of(place.url)
        raise LockRefused(refusal(subject, holder))
