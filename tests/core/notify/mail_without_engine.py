"""The outbox and the task that sends it, without an engine, in virtual time: real records, and mail that a test
writes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from core.broker.port import BrokerAccount
from core.config.mail import MailSettings
from core.domain.market.sessions import SlotTimes
from core.domain.operation.mail_preference import MailPreference
from core.domain.orders.next_step import NextStep, next_step
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, Fill
from core.notify.mail_queue import MailQueue
from core.records.records import Records
from core.records.search.standings import ConsoleNow, standings_of
from core.runtime.bus import Bus
from core.runtime.clock_jumps import JumpDetector
from core.runtime.intervals import Intervals
from core.runtime.virtual_time import VirtualClock, run_virtual
from tests.support.empty_records import copy_empty_records
from tests.support.memory_mail_server import MemoryMailServer
from tests.support.record_samples import ACCOUNT, entry, url_of
from tests.support.sqlite_on_the_loop import Disk, on_disk
from tests.support.world import MONDAY, StoreCalls, calendar_around, et

T = TypeVar("T")
OTHER = "5WT00002"


def mail_settings(preference: MailPreference = MailPreference.IMMEDIATE) -> MailSettings:
    return MailSettings(
        host="post.example", sender="senex@box.example", operator="me@example.com", preference=preference
    )


class MailQueueSetup:
    """One records file and one mail server. `open` starts a process on them, `crash` ends it as SIGKILL would."""

    def __init__(self, clock: VirtualClock, calls: StoreCalls, folder: Path) -> None:
        self.clock = clock
        self.server = MemoryMailServer(clock)
        self.phones: list[MemoryMailServer] = []
        """The services of phones, one a channel; none unless a test says so."""
        self.folder = folder
        self.look_every_s = 2.0
        self._calls = calls
        self._records: Records | None = None
        self._sending: list[asyncio.Task[None]] = []

    @property
    def records(self) -> Records:
        assert self._records is not None
        return self._records

    async def open(self, preference: MailPreference = MailPreference.IMMEDIATE, *, sends: bool = True) -> MailQueue:
        self._calls.under_way += 1
        try:
            self._records = await Records.open(url_of(self.folder / "records.sqlite3"))
        finally:
            self._calls.under_way -= 1
        self._calls.one_at_a_time(self.records.database)
        accounts = [BrokerAccount(number, "Demo", "Margin", False) for number in (ACCOUNT, OTHER)]
        await self.records.accounts.discover("main", accounts, enable_new=True, at=self.clock.now())
        self.bus = Bus(self.records.journal.append, self.clock)
        self.mail = MailQueue(
            self.server,
            mail_settings(preference),
            "live",
            self.records,
            self.bus,
            self.clock,
            calendar_around(2026),
            Intervals(mail_s=self.look_every_s),
            self._next_steps,
            JumpDetector(self.clock, 60.0).age_s,
            phones=self.phones,
        )
        if sends:
            self._sending = [asyncio.create_task(sender.run()) for sender in self.mail.senders]
        return self.mail

    async def _next_steps(self) -> Mapping[str, NextStep]:
        ahead = calendar_around(2026).ahead(self.clock.now(), SlotTimes())
        standings = standings_of(await self.records.standings.of_day(ahead.today, 1.0), ahead, ConsoleNow())
        return {standing.number: next_step(standing) for standing in standings}

    async def crash(self) -> None:
        """Ends the sending task where it is; what it had not recorded is lost."""
        for sending in self._sending:
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
        await self.close()

    async def close(self) -> None:
        for sending in self._sending:
            sending.cancel()
        self._sending = []
        self._calls.under_way += 1
        try:
            await self.records.close()
        finally:
            self._calls.under_way -= 1

    # What happens

    async def works(self, entry_id: str = "one", account: str = ACCOUNT) -> Entry:
        """Records an entry of today that works at the broker."""
        now = self.clock.now()
        entries = self.records.entries
        made = replace(entry(entry_id, account), prepared_at=now)
        await entries.prepare(made)
        assert await entries.mark_sent(entry_id, now, epoch=self.records.epoch, closes=now + timedelta(days=1))
        return await entries.become(
            entry_id, OrderState.WORKING, at=now, order_id=f"41{len(entry_id)}", broker_status="Live"
        )

    async def fill(self, made: Entry, legs: int = 4, *, rest_is_open: bool = True) -> None:
        """Fills the first `legs` legs of the entry; with all four the entry is filled."""
        prices = ("3.155", "1.60", "3.30", "2.35")
        fills = [
            Fill(f"{made.id}-{n}", leg.symbol, Decimal(leg.quantity), Decimal(price), self.clock.now())
            for n, (leg, price) in enumerate(zip(made.request.legs, prices, strict=True))
        ]
        await self.records.entries.add_fills(made.id, fills[:legs], self.clock.now(), rest_is_open=rest_is_open)
        if legs == len(fills):
            await self.become(made, OrderState.FILLED, "Filled")

    async def become(self, made: Entry, state: OrderState, status: str | None = None, detail: str = "") -> None:
        await self.records.entries.become(made.id, state, at=self.clock.now(), broker_status=status, detail=detail)

    async def until(self, at: str, day: str = MONDAY) -> None:
        await self.clock.sleep((et(day, at) - self.clock.now()).total_seconds())

    @property
    def words(self) -> list[str]:
        """The delivered mails, a word or two of each subject."""
        return [s.partition("QQQ ")[2].partition(",")[0].partition(" at ")[0] for s in self.server.subjects]


def with_mail_queue(
    script: Callable[[MailQueueSetup], Coroutine[Any, Any, T]], folder: Path, start: datetime | None = None
) -> T:
    calls = StoreCalls()

    async def main(clock: VirtualClock) -> T:
        setup = MailQueueSetup(clock, calls, folder)
        try:
            return await script(setup)
        finally:
            await setup.close()

    copy_empty_records(folder / "records.sqlite3")
    with on_disk(Disk):
        return run_virtual(main, start or et(MONDAY, "09:44:30"), calls.count)
