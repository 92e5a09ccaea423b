"""A trader on a database server, reduced to what could go wrong between two; each runs as if on a machine of its
own."""

from __future__ import annotations

import asyncio
import ctypes
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from core.domain.orders.order_states import OrderState
from core.locks.folder_lock import AccountLocks, LockLost, LockRefused
from core.locks.holder import Holder
from core.locks.postgres_lock import ServerLocks, take_trader_lock
from core.orders.desk import MAX_WIRE_DELAY_S
from core.records.records import DayHeld, Records, RecordsError
from core.runtime.clock import SystemClock
from tests.support.record_samples import ACCOUNT, AT, CLOSES, DAY, entry

BROKER = "localhost:8700"
LOOK_EVERY_S = 0.02
_CLONE_NEWNET = 0x40000000


@dataclass(frozen=True)
class ServerContender:
    """`url` is how this machine reaches the records, `orders` the file of the broker's orders."""

    name: str
    url: str
    locks: Path
    orders: Path
    network: str = ""
    """The network namespace it runs in; empty means the test's own."""


def contend_on_server(who: ServerContender, line: Connection) -> None:
    """Waits for the lock and reports `trader`, then `traded`, `held`, or `lost` with the reason; trades until told to
    end."""
    line.recv()
    if who.network:
        enter_network(who.network)
    asyncio.run(_trade(who, line))


def enter_network(name: str) -> None:
    """Moves this process into the network namespace; raises OSError."""
    with Path("/run/netns", name).open("rb") as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "the network namespace cannot be entered", name)


async def _trade(who: ServerContender, line: Connection) -> None:
    locks = await _when_free(who)
    line.send(("trader", who.name))
    keeping = asyncio.create_task(locks.keep())
    ending = asyncio.create_task(asyncio.to_thread(line.recv))
    working = asyncio.create_task(_work(who, locks, line))
    try:
        done, _ = await asyncio.wait({keeping, ending, working}, return_when=asyncio.FIRST_COMPLETED)
        if working in done:
            done, _ = await asyncio.wait({keeping, ending}, return_when=asyncio.FIRST_COMPLETED)
        if keeping in done:
            line.send(("lost", str(keeping.exception())))
            await ending
    finally:
        locks.release()
        for task in (keeping, working):
            task.cancel()
        await asyncio.wait({keeping, working})


async def _when_free(who: ServerContender) -> ServerLocks:
    holder = Holder.this_process("demo", SystemClock().now(), {})
    while True:
        try:
            return await take_trader_lock(who.url, AccountLocks(who.locks, BROKER, holder), BROKER, SystemClock())
        except (LockRefused, RecordsError):
            await asyncio.sleep(LOOK_EVERY_S)


async def _work(who: ServerContender, locks: ServerLocks, line: Connection) -> None:
    try:
        records = await Records.open(who.url, session=locks.session)
        try:
            await locks.lock_accounts([ACCOUNT])
            line.send(await _enter(who, records, locks))
        finally:
            await records.close()
    except (RecordsError, LockLost) as lost:
        line.send(("stopped", str(lost)))


async def _enter(who: ServerContender, records: Records, locks: ServerLocks) -> tuple[str, str]:
    """Enters as the desk does: records the intent, marks it sent, checks once more, sends."""
    left = await records.entries.holding(ACCOUNT, DAY)
    if left is not None and left.state is OrderState.PREPARED:  # proof that nothing was sent (rules 9)
        await records.entries.become(left.id, OrderState.NOT_SENT, at=AT)
    prepared = await records.entries.prepare(entry(who.name))
    if isinstance(prepared, DayHeld):
        return "held", prepared.existing.state.value
    if not await records.entries.mark_sent(who.name, AT, epoch=records.epoch, closes=CLOSES):
        return "held", "taken over"
    committed = time.monotonic()
    locks.verify()
    if time.monotonic() - committed > MAX_WIRE_DELAY_S:
        return "held", "too late"
    with who.orders.open("a", encoding="utf-8") as broker:
        broker.write(f"{who.name}\n")
    return "traded", who.name
