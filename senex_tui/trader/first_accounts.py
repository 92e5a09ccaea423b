"""Records the accounts that a login reaches before any console has run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from senex_tui.trader.locks import take_locks, this_trader

if TYPE_CHECKING:
    from core.broker.port import BrokerAccount
    from senex_tui.trader.place import Place


async def record_accounts(place: Place, found: Sequence[BrokerAccount]) -> None:
    """Records them under the trader's own lock, switched off. Where a console has the lock it has recorded them.
    Raises RecordsError."""
    from core.config.credentials import PRIMARY
    from core.locks.folder_lock import LockRefused
    from core.records.records import Records
    from core.runtime.clock_file import noted_clock

    place.records_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        lock = await take_locks(place, "no broker is asked")
    except LockRefused:
        return
    try:
        records = await Records.open(place.url, holder=this_trader(place).to_text(), session=lock.session)
        try:
            at = noted_clock(place.records_file.parent).now()
            await records.accounts.discover(PRIMARY, found, enable_new=False, at=at)
        finally:
            await records.close()
    finally:
        lock.release()
