"""Sends the messages of the outbox through one channel to the operator. Trading never waits for it (rules 11).

Every message is sent at least once, in order, with a Message-ID that stays the same for every try. A process that dies
between the server's answer and its own record sends the message again, and a mailbox can recognise the copy.

After a message that fails one more is tried. When that is taken, the failure was the first message's own: it waits by
itself from then on, and holds up no other. When that fails too, the channel waits.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.domain.operation import times
from core.domain.operation.amounts import counted
from core.domain.operation.events import Severity
from core.notify.mailer import Mail, Mailer, MailError, MailFault
from core.records.records import Records
from core.records.repositories.outbox import CHANNEL, MAIL, Message
from core.records.store.errors import RecordsError
from core.runtime.bus import Bus
from core.runtime.clock import Clock
from core.snapshot import Health, PartHealth

FIRST_RETRY_S = 5.0
LONGEST_RETRY_S = 900.0
NEW_MESSAGE_S = 30.0
"""Wall seconds between two tries of a channel that waits, while new messages come."""
GIVE_UP_AFTER = timedelta(days=3)
_OF_THE_CHANNEL = frozenset({MailFault.LOGIN_REFUSED, MailFault.UNUSABLE})
"""Faults that every other message would meet too."""

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
    _waits: int = field(init=False, default=0)
    """How often the channel had to wait since a message was taken."""
    _trouble: MailError | None = field(init=False, default=None)
    _trouble_since: datetime | None = field(init=False, default=None)
    _is_own_trouble: bool = field(init=False, default=False)
    """Whether the trouble is that of single messages, while others are taken."""
    _failed: set[int] = field(init=False, default_factory=set)
    """Numbers of messages that failed since one was taken."""
    _own_failing: set[int] = field(init=False, default_factory=set)
    """Numbers of messages that failed while the next one was taken."""
    _next_try: float = field(init=False)
    _tried_at: float = field(init=False, default=float("-inf"))
    _taken: set[int] = field(init=False, default_factory=set)
    """Numbers of messages that this process sent and has not yet recorded as sent."""
    _one_round: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._next_try = self.clock.monotonic()

    async def run(self) -> None:
        """Sends until cancelled. Raises RecordsError."""
        await self.check()
        while True:
            await self.send_due()
            await self.clock.sleep(self.look_every_s)

    async def check(self) -> None:
        """Says what keeps every message from being sent, before one is due."""
        try:
            await self.mailer.check()
        except MailError as error:
            if error.fault is MailFault.UNUSABLE:
                await self._say_trouble(error)
                self.health = self._health_of(())

    async def send_due(self) -> None:
        """Tries once what waits and is due, in order. Raises RecordsError."""
        async with self._one_round:
            waiting = await self.records.outbox.waiting(self.channel)
            due = [message for message in waiting if self._is_due(message)]
            if self.clock.monotonic() >= self._next_try or self._may_try_at_once(due):
                await self._round(due)
                left = await self.records.outbox.waiting(self.channel) if waiting else ()
                self.health = self._health_of(left)

    def _may_try_at_once(self, due: Sequence[Message]) -> bool:
        """Whether a new message is due that need not wait with the channel: those before it may fail by themselves."""
        if self._trouble is not None and self._trouble.fault in _OF_THE_CHANNEL:
            return False
        is_time = self.clock.monotonic() >= self._tried_at + NEW_MESSAGE_S
        return is_time and any(not message.attempts for message in due)

    async def _round(self, due: Sequence[Message]) -> None:
        self._tried_at = self.clock.monotonic()
        ahead, works = deque(due), False
        held: tuple[Message, MailError] | None = None
        while ahead:
            message = ahead.popleft()
            error = await self._send(message)
            if error is None:
                if held is not None:
                    await self._failed_alone(*held)
                held, works = None, True
                await self._taken_by_service(message)
            elif error.fault is MailFault.REFUSED or message.seq in self._own_failing:
                await self._failed_alone(message, error)
            elif held is not None or error.fault in _OF_THE_CHANNEL:
                for failed in filter(None, (held, (message, error))):
                    await self._failed_with_all(*failed)
                self._wait()
                return
            else:
                held = message, error
                if ahead:  # the one tried least: another that fails by itself would say nothing of the channel
                    probe = min(ahead, key=lambda each: (each.attempts, each.seq))
                    ahead.remove(probe)
                    ahead.appendleft(probe)
        if held is not None and works:
            await self._failed_alone(*held)
        elif held is not None:
            await self._failed_with_all(*held)
            self._wait()

    def _wait(self) -> None:
        self._waits += 1
        self._next_try = self.clock.monotonic() + retry_s(self._waits)

    def _is_due(self, message: Message) -> bool:
        """A time further ahead than the longest wait was set by a clock that was ahead."""
        wait_s = (message.due_at - self.clock.now()).total_seconds() / self.clock.speed
        return not 0 < wait_s <= LONGEST_RETRY_S

    async def _send(self, message: Message) -> MailError | None:
        """Tries one message. Returns why it was not taken, None when it was."""
        if message.seq not in self._taken:
            try:
                await self.mailer.send(self._mail(message))
            except MailError as error:
                return error
            self._taken.add(message.seq)
        return None

    async def _taken_by_service(self, message: Message) -> None:
        if self._trouble is not None and not self._is_own_trouble:
            again = "mail is sent again" if self.channel == MAIL else f"{self.channel} is reached again"
            await self._say("sending", again, Severity.INFO)
            self._trouble = self._trouble_since = None
        self._waits = 0
        self._failed.clear()
        await self.records.outbox.mark_sent(message.seq, self.clock.now())
        self._taken.discard(message.seq)
        self._own_failing.discard(message.seq)

    def _mail(self, message: Message) -> Mail:
        # The key alone is not enough: another database has the same one, and it contains an account's number.
        identity = f"{self.mode}\n{message.key}\n{message.created_at.isoformat()}"
        message_id = f"senex.{hashlib.sha256(identity.encode()).hexdigest()[:32]}"
        return Mail(message_id, message.subject, message.text, message.html, message.created_at)

    async def _failed_alone(self, message: Message, error: MailError) -> None:
        """The message waits by itself; the others go on."""
        wait_s = retry_s(message.attempts + 1)
        await self._record_failure(message, error, self.clock.now() + timedelta(seconds=wait_s * self.clock.speed))
        if error.fault is not MailFault.REFUSED:
            self._own_failing.add(message.seq)
        if self._trouble is None:
            await self._say_trouble(error)
        if self._failed <= {message.seq}:  # nothing else has failed: what was told was told of this one
            self._trouble, self._is_own_trouble = error, True

    async def _failed_with_all(self, message: Message, error: MailError) -> None:
        await self._record_failure(message, error, self.clock.now())
        self._failed.add(message.seq)
        if self._trouble is None or self._is_own_trouble:
            await self._say_trouble(error)
        self._trouble, self._is_own_trouble = error, False

    async def _record_failure(self, message: Message, error: MailError, due: datetime) -> None:
        now = self.clock.now()
        gives_up = self.age_s(message.created_at) > GIVE_UP_AFTER.total_seconds()
        await self.records.outbox.mark_failed(message.seq, error.detail, now, due, give_up=gives_up)
        if gives_up:
            before = now - GIVE_UP_AFTER * self.clock.speed
            older = await self.records.outbox.give_up_older(before, now, self.channel)
            to = "" if self.channel == MAIL else f" for {self.channel}"
            text = f"{counted(1 + older, 'message')}{to} could not be sent for 3 days, given up: {error.detail}"
            await self._say("given_up", text, Severity.WARNING)

    async def _say_trouble(self, error: MailError) -> None:
        self._trouble, self._trouble_since = error, self.clock.now()
        waits = "mail waits" if self.channel == MAIL else f"messages for {self.channel} wait"
        await self._say("failing", f"{waits}, trading goes on: {error.detail}", Severity.WARNING)

    def _health_of(self, left: tuple[Message, ...]) -> PartHealth:
        unusable = self._trouble is not None and self._trouble.fault is MailFault.UNUSABLE
        if not left and not unusable:
            self._trouble = self._trouble_since = None
            return PartHealth(Health.OK)
        if self._trouble is None or self._trouble_since is None:
            return PartHealth(Health.OK, f"{len(left)} waiting")
        if unusable:
            waiting = f"{len(left)} waiting: " if left else ""
            return PartHealth(Health.TROUBLE, f"{waiting}{self._trouble.detail}")
        since = f"{times.minute(self._trouble_since)}"
        return PartHealth(Health.TROUBLE, f"{len(left)} waiting since {since}, {self._trouble.fault.value}")

    async def _say(self, kind: str, text: str, severity: Severity) -> None:
        try:
            name = f"{self.channel.partition(' ')[0]}.{kind}"
            await self.bus.say(name, text, severity, figures=((CHANNEL, self.channel),))
        except RecordsError:
            log.exception("%s could not be recorded: %s", kind, text)
