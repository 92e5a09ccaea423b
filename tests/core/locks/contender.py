"""A trader reduced to what could go wrong between two: the locks, the records, one entry, one order.

It runs in a process of its own and takes each step as the console does. Between steps it reports to the test where it
is and, when asked to, waits there.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from core.config.folders import account_locks
from core.domain.orders.order_states import OrderState
from core.locks.folder_lock import LockRefused, TraderLocks, lock_data_folder
from core.locks.holder import Holder
from core.records.records import DayHeld, FencedOff, Records
from core.runtime.clock import SystemClock
from tests.support.record_samples import ACCOUNT, AT, CLOSES, DAY, entry, url_of


@dataclass(frozen=True)
class Contender:
    """`data` is its data folder, `broker` the broker's address, `orders` the file of the broker's orders.

    It finds the folder of the account locks by itself, as a console does.
    """

    name: str
    data: Path
    broker: str
    orders: Path
    waits: str = ""
    """Where it waits until the test tells it to go on: `before sent`, when it is prepared, or `before the wire`, when
    it is recorded as sent and has not left. Empty: nowhere."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that it is started with beside those of the test."""


def contend(who: Contender, line: Connection) -> None:
    """Waits for the word to start, then reports `refused`, `held`, `fenced` or `traded`; trades until told to end."""
    os.environ.update(who.environment)
    line.recv()
    try:
        asyncio.run(_trade(who, line))
    except LockRefused as refused:
        line.send(("refused", str(refused)))
    except FencedOff as fenced:
        line.send(("fenced", str(fenced)))


async def _trade(who: Contender, line: Connection) -> None:
    holder = Holder.this_process("demo", SystemClock().now(), {})
    locks = TraderLocks(lock_data_folder(who.data, holder), account_locks(), who.broker)
    try:
        records = await Records.open(url_of(who.data / "records.sqlite3"))
        try:
            await locks.lock_accounts([ACCOUNT])
            line.send(await _enter(who, records, line))
            line.recv()
        finally:
            await records.close()
    finally:
        locks.release()


async def _enter(who: Contender, records: Records, line: Connection) -> tuple[str, str]:
    left = await records.entries.holding(ACCOUNT, DAY)
    if left is not None and left.state is OrderState.PREPARED:  # proof that nothing was sent (rules 9)
        await records.entries.become(left.id, OrderState.NOT_SENT, at=AT)
    prepared = await records.entries.prepare(entry(who.name))
    if isinstance(prepared, DayHeld):
        return "held", prepared.existing.state.value
    if who.waits == "before sent":
        line.send(("prepared", who.name))
        line.recv()
    if await records.entries.mark_sent(who.name, AT, epoch=records.epoch, closes=CLOSES):
        if who.waits == "before the wire":
            line.send(("sent", who.name))
            line.recv()
        with who.orders.open("a", encoding="utf-8") as broker:
            broker.write(f"{who.name}\n")
    return "traded", who.name
