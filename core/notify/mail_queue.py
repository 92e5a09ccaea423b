"""The messages of an engine: their channels to the operator, and the digests. Trading never waits for it (rules 11)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import date, datetime, timedelta

from core.config.mail import MailSettings
from core.domain.market.sessions import Session
from core.domain.operation.mail_preference import MailPreference
from core.domain.orders.next_step import NextStep
from core.domain.positions.pnl import Unrealized
from core.domain.reporting.digests import Outlook, daily_digest, weekly_digest
from core.domain.reporting.notices import Letterhead
from core.market.calendar import SessionCalendar
from core.notify.channel_sender import ChannelSender
from core.notify.digest_reads import accounts_known_by, outlook, session_day
from core.notify.exit_reads import Mark
from core.notify.mailer import Mailer
from core.records.records import Records
from core.records.repositories.outbox import MAIL
from core.records.store.errors import RecordsError
from core.runtime.bus import Bus
from core.runtime.clock import Clock, exchange_time
from core.runtime.intervals import Intervals
from core.runtime.task_groups import task_group
from core.snapshot import Health, PartHealth

FLUSH_S = 3.0
"""How long the end of the process waits for messages to be sent, in wall seconds."""
DIGEST_AFTER_CLOSE = timedelta(minutes=15)
"""How long after the close a digest is written. Orders expire at the close, and the broker reports it a little
later."""

log = logging.getLogger(__name__)


async def _no_mark(_account: str) -> Unrealized | None:
    """The default for `mark`: nobody has quotes."""
    return None


def phone_channel(number: int) -> str:
    """The name in the outbox of the phone with this place in the settings: `phone`, `phone 2` and so on."""
    return "phone" if number == 1 else f"phone {number}"


@dataclass(eq=False, repr=False)
class MailQueue:
    """The messages of one engine: by mail, and to each phone. Without a mailer and phones nothing is written and
    nothing is sent. Each of `senders` is to be run by itself: a slow one holds up no other.

    `next_steps` reads what comes next for each account, by its number, for the digests. `age_s` has the wall seconds
    since an instant, at least, also when the clock was set meanwhile; `mark` tells what is open in an account by its
    quotes."""

    mailer: InitVar[Mailer | None]
    settings: InitVar[MailSettings]
    mode: InitVar[str]
    records: Records
    bus: Bus
    clock: Clock
    calendar: SessionCalendar
    intervals: Intervals
    next_steps: Callable[[], Awaitable[Mapping[str, NextStep]]]
    age_s: Callable[[datetime], float]
    mark: Mark = _no_mark
    phones: InitVar[Sequence[Mailer]] = ()
    senders: tuple[ChannelSender, ...] = field(init=False)
    _head: Letterhead = field(init=False)
    _digested: date | None = field(init=False, default=None)

    def __post_init__(self, mailer: Mailer | None, settings: MailSettings, mode: str, phones: Sequence[Mailer]) -> None:
        self._head = Letterhead(mode, settings.orders_url)
        ways = [] if mailer is None else [(MAIL, mailer)]
        ways += [(phone_channel(number), phone) for number, phone in enumerate(phones, 1)]
        self.senders = tuple(
            ChannelSender(channel, way, mode, self.records, self.bus, self.clock, self.intervals.mail_s, self.age_s)
            for channel, way in ways
        )
        if self.is_on:
            channels = [sender.channel for sender in self.senders]
            self.records.outbox.open(self._head, settings.preference, channels)

    @property
    def is_on(self) -> bool:
        return bool(self.senders)

    @property
    def health(self) -> PartHealth | None:
        """How mail goes, for the console. None when it is off."""
        return next((sender.health for sender in self.senders if sender.channel == MAIL), None)

    @property
    def phone_health(self) -> PartHealth | None:
        """How the phones are reached: of the first that is not, where one is not. None without phones."""
        phones = [sender for sender in self.senders if sender.channel != MAIL]
        for sender in phones:
            if sender.health.health is not Health.OK:
                name = "" if sender is phones[0] else f"{sender.channel}: "
                return PartHealth(sender.health.health, f"{name}{sender.health.detail}")
        return phones[0].health if phones else None

    async def flush(self) -> None:
        """Sends what waits before the process ends. It gives up after a moment: the next process sends the rest."""
        try:
            async with asyncio.timeout(FLUSH_S):
                await self.send_due()
        except TimeoutError:
            log.info("messages are left for the next start: a server is slow")
        except RecordsError:
            log.exception("messages are left for the next start")

    async def send_due(self) -> None:
        """Tries once what waits and is due, in the order of each channel. Raises RecordsError."""
        async with task_group() as group:
            for sender in self.senders:
                group.create_task(sender.send_due(), name=sender.channel)

    # Digests

    async def digest(self) -> None:
        """Writes the digests of the last session that ended, once; afterwards too, when no console was running at its
        end. Raises RecordsError."""
        if not self.is_on:
            return
        session = self._last_ended()
        if session is None or session.day == self._digested:
            return
        preferences = await self.records.outbox.preferences()
        daily = {n for n, p in preferences.items() if p is MailPreference.DAILY}
        weekly = {n for n, p in preferences.items() if p is MailPreference.WEEKLY}
        known = await accounts_known_by(self.records, session.close)
        if daily & known:
            await self._write_daily(session, daily & known)
        if weekly & known and self._ends_week(session):
            await self._write_weekly(session, weekly & known)
        self._digested = session.day

    async def _write_daily(self, session: Session, numbers: set[str]) -> None:
        now = self.clock.now()
        day = await session_day(self.records, session.day, numbers)
        ahead = await self._outlook(numbers, now)
        await self.records.outbox.add(daily_digest(day, ahead, self._head), now)

    async def _write_weekly(self, session: Session, numbers: set[str]) -> None:
        now = self.clock.now()
        monday = session.day - timedelta(days=session.day.weekday())
        days = [await session_day(self.records, one.day, numbers) for one in self.calendar.between(monday, session.day)]
        ahead = await self._outlook(numbers, now)
        await self.records.outbox.add(weekly_digest(days, ahead, self._head), now)

    async def _outlook(self, numbers: set[str], now: datetime) -> Outlook:
        return await outlook(self.records, numbers, now, await self.next_steps(), self.calendar, self.mark)

    def _last_ended(self) -> Session | None:
        ended = self.clock.now() - DIGEST_AFTER_CLOSE
        today = exchange_time(ended).date()
        sessions = [s for s in self.calendar.between(today - timedelta(days=7), today) if s.close <= ended]
        return sessions[-1] if sessions else None

    def _ends_week(self, session: Session) -> bool:
        following = self.calendar.next_after(session.day)
        return following.day.isocalendar()[:2] != session.day.isocalendar()[:2]
