"""Sends the messages of the outbox, and writes the digests. Trading never waits for it (rules 11).

Every message is sent at least once, in order, with a Message-ID that stays the same for every try. A process that dies
between the server's answer and its own record sends the message again, and a mailbox can recognise the copy. A message
that the server refuses does not hold up the others.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import InitVar, dataclass, field
from datetime import date, datetime, timedelta

from core.config.mail import MailSettings
from core.domain.market.sessions import Session
from core.domain.operation import times
from core.domain.operation.events import Severity
from core.domain.operation.mail_preference import MailPreference
from core.domain.orders.next_step import NextStep
from core.domain.positions.pnl import Unrealized
from core.domain.reporting.digests import Outlook, daily_digest, weekly_digest
from core.domain.reporting.notices import Letterhead
from core.market.calendar import SessionCalendar
from core.notify.digest_reads import accounts_known_by, outlook, session_day
from core.notify.exit_reads import Mark
from core.notify.smtp import Mail, Mailer, MailError, MailFault
from core.records.records import Records
from core.records.repositories.outbox import Message
from core.records.store.errors import RecordsError
from core.runtime.bus import Bus
from core.runtime.clock import Clock, exchange_time
from core.runtime.intervals import Intervals
from core.snapshot import Health, PartHealth

FIRST_RETRY_S = 5.0
LONGEST_RETRY_S = 900.0
GIVE_UP_AFTER = timedelta(days=3)
FLUSH_S = 3.0
"""How long the end of the process waits for mail, in wall seconds."""
DIGEST_AFTER_CLOSE = timedelta(minutes=15)
"""How long after the close a digest is written. Orders expire at the close, and the broker reports it a little
later."""

log = logging.getLogger(__name__)


async def _no_mark(_account: str) -> Unrealized | None:
    """The default for `mark`: nobody has quotes."""
    return None


def retry_s(failures: int) -> float:
    """Wall seconds to the next try after so many failures in a row: 5, 10, 20 and so on up to 15 minutes."""
    return min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(failures - 1, 16))


@dataclass(eq=False, repr=False)
class MailQueue:
    """The mail of one engine. Without a mailer it is off: nothing is written and nothing is sent. `next_steps` reads
    what comes next for each account, by its number, for the digests. `age_s` has the wall seconds since an instant, at
    least, also when the clock was set meanwhile; `mark` tells what is open in an account by its quotes."""

    mailer: Mailer | None
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
    _head: Letterhead = field(init=False)
    _health: PartHealth = field(init=False, default_factory=lambda: PartHealth(Health.OK))
    _failures: int = field(init=False, default=0)
    _trouble: MailError | None = field(init=False, default=None)
    _trouble_since: datetime | None = field(init=False, default=None)
    _next_try: float = field(init=False)
    _taken: set[int] = field(init=False, default_factory=set)
    """Numbers of messages that this process sent and has not yet recorded as sent."""
    _digested: date | None = field(init=False, default=None)
    _one_round: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    def __post_init__(self, settings: MailSettings, mode: str) -> None:
        self._head = Letterhead(mode, settings.orders_url)
        self._next_try = self.clock.monotonic()
        if self.mailer is not None:
            self.records.outbox.open(self._head, settings.preference)

    @property
    def is_on(self) -> bool:
        return self.mailer is not None

    @property
    def health(self) -> PartHealth | None:
        """How mail goes, for the console. None when it is off."""
        return self._health if self.is_on else None

    async def run(self) -> None:
        """Sends until cancelled. While mail is off it only waits. Raises RecordsError."""
        if not self.is_on:
            await asyncio.Event().wait()
        while True:
            await self.send_due()
            await self.clock.sleep(self.intervals.mail_s)

    async def flush(self) -> None:
        """Sends what waits before the process ends. It gives up after a moment: the next process sends the rest."""
        try:
            async with asyncio.timeout(FLUSH_S):
                await self.send_due()
        except TimeoutError:
            log.info("mail is left for the next start: the server is slow")
        except RecordsError:
            log.exception("mail is left for the next start")

    async def send_due(self) -> None:
        """Tries once what waits and is due, in order. Raises RecordsError."""
        async with self._one_round:
            if self.mailer is not None and self.clock.monotonic() >= self._next_try:
                await self._round(self.mailer)

    async def _round(self, mailer: Mailer) -> None:
        waiting = await self.records.outbox.waiting()
        for message in waiting:
            if self._is_due(message) and not await self._send(mailer, message):
                break
        left = await self.records.outbox.waiting() if waiting else ()
        self._health = self._health_of(left)

    def _is_due(self, message: Message) -> bool:
        """A time further ahead than the longest wait was set by a clock that was ahead."""
        wait_s = (message.due_at - self.clock.now()).total_seconds() / self.clock.speed
        return not 0 < wait_s <= LONGEST_RETRY_S

    async def _send(self, mailer: Mailer, message: Message) -> bool:
        """Tries one message. False when the others would now fail in the same way."""
        if message.seq not in self._taken:
            try:
                await mailer.send(self._mail(message))
            except MailError as error:
                return await self._failed(message, error)
            self._taken.add(message.seq)
        await self._sending_works()
        await self.records.outbox.mark_sent(message.seq, self.clock.now())
        self._taken.discard(message.seq)
        return True

    def _mail(self, message: Message) -> Mail:
        # The key alone is not enough: another database has the same one, and it contains an account's number.
        identity = f"{self._head.mode}\n{message.key}\n{message.created_at.isoformat()}"
        message_id = f"senex.{hashlib.sha256(identity.encode()).hexdigest()[:32]}"
        return Mail(message_id, message.subject, message.text, message.html, message.created_at)

    async def _failed(self, message: Message, error: MailError) -> bool:
        now = self.clock.now()
        alone = error.fault is MailFault.REFUSED
        wait_s = retry_s(message.attempts + 1 if alone else self._failures + 1)
        gives_up = self.age_s(message.created_at) > GIVE_UP_AFTER.total_seconds()
        due = now + timedelta(seconds=wait_s * self.clock.speed) if alone else now
        await self.records.outbox.mark_failed(message.seq, error.detail, now, due, give_up=gives_up)
        if gives_up:
            older = await self.records.outbox.give_up_older(now - GIVE_UP_AFTER * self.clock.speed, now)
            text = f"{1 + older} messages could not be sent for 3 days and are given up: {error.detail}"
            await self._say("mail.given_up", text, Severity.WARNING)
        if not alone:
            self._failures += 1
            self._next_try = self.clock.monotonic() + wait_s
        if self._trouble is None:
            self._trouble_since = now
            await self._say("mail.failing", f"mail waits, trading goes on: {error.detail}", Severity.WARNING)
        self._trouble = error
        return alone

    async def _sending_works(self) -> None:
        if self._trouble is not None and self._trouble.fault is not MailFault.REFUSED:
            await self._say("mail.sending", "mail is sent again", Severity.INFO)
            self._trouble = self._trouble_since = None
        self._failures = 0

    def _health_of(self, left: tuple[Message, ...]) -> PartHealth:
        if not left:
            self._trouble = self._trouble_since = None
            return PartHealth(Health.OK)
        if self._trouble is None or self._trouble_since is None:
            return PartHealth(Health.OK, f"{len(left)} waiting")
        since = f"{times.minute(self._trouble_since)}"
        return PartHealth(Health.TROUBLE, f"{len(left)} waiting since {since}, {self._trouble.fault.value}")

    async def _say(self, kind: str, text: str, severity: Severity) -> None:
        try:
            await self.bus.say(kind, text, severity)
        except RecordsError:
            log.exception("%s could not be recorded: %s", kind, text)

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
