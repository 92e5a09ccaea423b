"""Sends the messages of the outbox through one channel to the operator. Trading never waits for it (rules 11).

Every message is sent at least once, in order, with a Message-ID that stays the same for every try. A process that dies
between the server's answer and its own record sends the message again, and a mailbox can recognise the copy. A message
that the server refuses does not hold up the others.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.domain.operation import times
from core.domain.operation.events import Severity
from core.notify.mailer import Mail, Mailer, MailError, MailFault
from core.records.records import Records
from core.records.repositories.outbox import MAIL, Message
from core.records.store.errors import RecordsError
from core.runtime.bus import Bus
from core.runtime.clock import Clock
from core.snapshot import Health, PartHealth

FIRST_RETRY_S = 5.0
LONGEST_RETRY_S = 900.0
GIVE_UP_AFTER = timedelta(days=3)

log = logging.getLogger(__name__)


def retry_s(failures: int) -> float:
    """Wall seconds to the next try after so many failures in a row: 5, 10, 20 and so on up to 15 minutes."""
    return min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(failures - 1, 16))


@dataclass(eq=False, repr=False)
class ChannelSender:
    """What waits for one channel, and how it goes. `channel` is its name in the outbox, for instance `phone 2`, `mode`
    the mode of the engine. `age_s` has the wall seconds since an instant, at least, also when the clock was set
    meanwhile."""

    channel: str
    mailer: Mailer
    mode: str
    records: Records
    bus: Bus
    clock: Clock
    look_every_s: float
    age_s: Callable[[datetime], float]
    health: PartHealth = field(init=False, default_factory=lambda: PartHealth(Health.OK))
    _failures: int = field(init=False, default=0)
    _trouble: MailError | None = field(init=False, default=None)
    _trouble_since: datetime | None = field(init=False, default=None)
    _next_try: float = field(init=False)
    _taken: set[int] = field(init=False, default_factory=set)
    """Numbers of messages that this process sent and has not yet recorded as sent."""
    _one_round: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._next_try = self.clock.monotonic()

    async def run(self) -> None:
        """Sends until cancelled. Raises RecordsError."""
        while True:
            await self.send_due()
            await self.clock.sleep(self.look_every_s)

    async def send_due(self) -> None:
        """Tries once what waits and is due, in order. Raises RecordsError."""
        async with self._one_round:
            if self.clock.monotonic() >= self._next_try:
                await self._round()

    async def _round(self) -> None:
        waiting = await self.records.outbox.waiting(self.channel)
        for message in waiting:
            if self._is_due(message) and not await self._send(message):
                break
        left = await self.records.outbox.waiting(self.channel) if waiting else ()
        self.health = self._health_of(left)

    def _is_due(self, message: Message) -> bool:
        """A time further ahead than the longest wait was set by a clock that was ahead."""
        wait_s = (message.due_at - self.clock.now()).total_seconds() / self.clock.speed
        return not 0 < wait_s <= LONGEST_RETRY_S

    async def _send(self, message: Message) -> bool:
        """Tries one message. False when the others would now fail in the same way."""
        if message.seq not in self._taken:
            try:
                await self.mailer.send(self._mail(message))
            except MailError as error:
                return await self._failed(message, error)
            self._taken.add(message.seq)
        await self._sending_works()
        await self.records.outbox.mark_sent(message.seq, self.clock.now())
        self._taken.discard(message.seq)
        return True

    def _mail(self, message: Message) -> Mail:
        # The key alone is not enough: another database has the same one, and it contains an account's number.
        identity = f"{self.mode}\n{message.key}\n{message.created_at.isoformat()}"
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
            before = now - GIVE_UP_AFTER * self.clock.speed
            older = await self.records.outbox.give_up_older(before, now, self.channel)
            text = f"{1 + older} messages could not be sent for 3 days and are given up: {error.detail}"
            await self._say("given_up", text, Severity.WARNING)
        if not alone:
            self._failures += 1
            self._next_try = self.clock.monotonic() + wait_s
        if self._trouble is None:
            self._trouble_since = now
            waits = "mail waits" if self.channel == MAIL else f"messages for {self.channel} wait"
            await self._say("failing", f"{waits}, trading goes on: {error.detail}", Severity.WARNING)
        self._trouble = error
        return alone

    async def _sending_works(self) -> None:
        if self._trouble is not None and self._trouble.fault is not MailFault.REFUSED:
            again = "mail is sent again" if self.channel == MAIL else f"{self.channel} is reached again"
            await self._say("sending", again, Severity.INFO)
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
            await self.bus.say(f"{self.channel.partition(' ')[0]}.{kind}", text, severity)
        except RecordsError:
            log.exception("%s could not be recorded: %s", kind, text)
