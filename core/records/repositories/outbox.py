"""The outbox: messages written in the same commit as what they tell of, and kept until they are sent (rules 11).

A message has a row for each channel, which is a way to the operator: `mail`, `phone`, `phone 2`. What is sent through
one is never sent again because another failed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Insert, and_, bindparam, exists, func, insert, literal, select, union_all, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.operation.accounts import own_or_default
from core.domain.operation.events import Event
from core.domain.operation.mail_preference import MailPreference
from core.domain.orders.orders import Entry
from core.domain.positions.exits import Exit
from core.domain.reporting.entry_notices import (
    AskedOffset,
    asked_offset,
    entry_notices,
    fills_notice,
    validated_notice,
)
from core.domain.reporting.event_notices import event_notice
from core.domain.reporting.exit_notices import AboutTrident, exit_notice
from core.domain.reporting.notices import Letterhead, Notice
from core.records.repositories.rows import SuggestionRecord
from core.records.store.database import Database
from core.records.store.read_cache import ReadCache
from core.records.store.tables import accounts, messages, suggestions

log = logging.getLogger(__name__)

MAIL = "mail"
CHANNEL = "channel"
"""The figure of an event about a way to the operator that has its name. Its message goes by the other ways."""
_COLUMNS = ("key", "kind", "account", "subject", "text", "html", "created_at", "due_at")
_waiting = and_(messages.c.sent_at.is_(None), messages.c.given_up_at.is_(None))
_one = messages.c.seq == bindparam("the_seq")
_of_channel = messages.c.channel == bindparam("the_channel")
_WAITING = select(messages).where(_waiting, _of_channel).order_by(messages.c.seq)
_NEWEST = select(messages).where(_of_channel).order_by(messages.c.seq.desc()).limit(bindparam("how_many"))
_COUNTS = select(
    func.count().filter(_waiting),
    func.min(messages.c.created_at).filter(_waiting),
    func.count(messages.c.given_up_at),
    func.max(messages.c.sent_at),
).where(_of_channel)
_CHANNELS = select(messages.c.channel).where(_waiting).distinct()
_SENT = update(messages).where(_one, messages.c.sent_at.is_(None)).values(sent_at=bindparam("at"))
_FAILED = (
    update(messages)
    .where(_one, _waiting)
    .values(
        attempts=messages.c.attempts + 1,
        last_error=bindparam("error"),
        due_at=bindparam("due"),
        given_up_at=bindparam("gave_up"),
    )
)
_GIVE_UP = (
    update(messages)
    .where(_waiting, _of_channel, messages.c.created_at < bindparam("before"))
    .values(given_up_at=bindparam("at"))
)
_KNOWN = select(messages.c.seq).where(messages.c.key == bindparam("key"))
_PREFERENCE = select(accounts.c.mail).where(accounts.c.number == bindparam("account"))
_PREFERENCES = select(accounts.c.number, accounts.c.mail)
_ASKED = select(suggestions.c.offset, suggestions.c.evidence).where(suggestions.c.id == bindparam("suggestion_id"))


@dataclass(frozen=True, slots=True)
class Message:
    """A message for one channel, as recorded. `due_at` is when it is tried next; `sent_at` and `given_up_at` are None
    while it waits."""

    seq: int
    key: str
    channel: str
    kind: str
    account: str
    subject: str
    text: str
    html: str
    created_at: datetime
    due_at: datetime
    attempts: int
    last_error: str
    sent_at: datetime | None
    given_up_at: datetime | None


@dataclass(frozen=True, slots=True)
class OutboxCounts:
    """Of one channel: how many messages wait and since when, how many were given up, and when the last was sent."""

    waiting: int
    waiting_since: datetime | None
    given_up: int
    last_sent_at: datetime | None


class Outbox:
    """The recorded mails.

    Nothing is written until `open` is called. So without mail nothing piles up, and nothing old is sent when mail is
    turned on.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._head: Letterhead | None = None
        self._channels: tuple[str, ...] = (MAIL,)
        self._default = MailPreference.NEVER
        self._held = ReadCache(database, messages.name)

    def open(self, head: Letterhead, default: MailPreference, channels: Sequence[str] = (MAIL,)) -> None:
        """Writes messages for these channels from now on. `default` is the preference of accounts without one of their
        own."""
        self._head, self._default, self._channels = head, default, tuple(channels)

    @property
    def is_open(self) -> bool:
        """Whether mails are written."""
        return self._head is not None

    # Within the commit of what the mail tells of

    async def tell_entry(self, connection: AsyncConnection, entry: Entry, at: datetime) -> None:
        """Adds the mails about the entry's new state to the commit under way."""
        await self._tell(connection, entry, at, entry_notices)

    async def tell_fills(self, connection: AsyncConnection, entry: Entry, at: datetime, *, rest_is_open: bool) -> None:
        """Adds the mails about fills just recorded to the commit under way. `entry` has these fills already.

        `rest_is_open` says whether the broker still works what is not filled.
        """

        def notices(entry: Entry, asked: AskedOffset, head: Letterhead) -> Iterable[Notice]:
            return filter(None, (fills_notice(entry, asked, head, rest_is_open=rest_is_open),))

        await self._tell(connection, entry, at, notices)

    async def tell_exit(self, connection: AsyncConnection, exit: Exit, about: AboutTrident, at: datetime) -> None:
        """Adds the mail about the exit's new state to the commit under way. `about` is its trident as it is now."""
        if self._head is None:
            return
        try:
            notice = exit_notice(about, exit, self._head)
        except Exception:  # a mail that fails must not cost the state it tells of
            log.exception("no message could be written for the exit %s", exit.id)
            return
        if notice is not None and (notice.always or await self._at_once(connection, exit.account)):
            await self._add(connection, notice, at)

    async def tell_validated(self, connection: AsyncConnection, suggestion: SuggestionRecord) -> None:
        """Adds the mail about the suggestion that a dry run validated to the commit under way."""
        if self._head is None:
            return
        try:
            notice = validated_notice(suggestion, self._head)
        except Exception:  # a mail that fails must not cost the suggestion it tells of
            log.exception("no message could be written for the suggestion %s", suggestion.id)
            return
        if await self._at_once(connection, suggestion.account):
            await self._add(connection, notice, suggestion.at)

    async def tell_events(self, connection: AsyncConnection, events: Iterable[Event]) -> None:
        """Adds the mails about the alarms and warnings among the events to the commit under way."""
        if self._head is None:
            return
        for event in events:
            try:
                notice = event_notice(event, self._head)
            except Exception:  # a mail that fails must not cost the record it tells of
                log.exception("no message could be written for the event %s", event.kind)
                continue
            if notice is not None:
                await self._add(connection, notice, event.at, but=str(dict(event.figures).get(CHANNEL, "")))

    async def _tell(
        self, connection: AsyncConnection, entry: Entry, at: datetime, write: Callable[..., Iterable[Notice]]
    ) -> None:
        if self._head is None:
            return
        suggested = await connection.execute(_ASKED, {"suggestion_id": entry.suggestion_id})
        try:
            found = suggested.one_or_none()  # decodes the evidence, which may not be readable
            asked = AskedOffset() if found is None else asked_offset(found.offset, found.evidence)
            notices = tuple(write(entry, asked, self._head))
        except Exception:  # a mail that fails must not cost the state it tells of
            log.exception("no message could be written for the entry %s", entry.id)
            return
        if not notices:
            return
        at_once = await self._at_once(connection, entry.account)
        for notice in notices:
            if at_once or notice.always:
                await self._add(connection, notice, at)

    # Each a commit of its own

    async def add(self, notice: Notice, at: datetime) -> None:
        """Adds a mail, unless one with its key was written before."""
        async with self._database.write() as connection:
            await self._add(connection, notice, at)

    async def tell(self, account: str, at: datetime, write: Callable[[Letterhead], Notice]) -> None:
        """Adds the mail about the account that `write` makes, by the account's preference, unless one with its key was
        written before."""
        if self._head is None:
            return
        try:
            notice = write(self._head)
        except Exception:  # a mail that fails must not keep others from being written
            log.exception("no message could be written for an account")
            return
        async with self._database.write() as connection:
            if notice.always or await self._at_once(connection, account):
                await self._add(connection, notice, at)

    async def has(self, key: str) -> bool:
        """Whether a mail with this key was written."""
        async with self._database.read() as connection:
            return (await connection.execute(_KNOWN, {"key": key})).first() is not None

    async def preferences(self) -> dict[str, MailPreference]:
        """The mail preference of each known account, by number."""
        async with self._database.read() as connection:
            return {row.number: self._preference(row.mail) for row in await connection.execute(_PREFERENCES)}

    async def waiting(self, channel: str = MAIL) -> tuple[Message, ...]:
        """The messages that are neither sent nor given up, in the order they were written."""

        async def read() -> tuple[Message, ...]:
            async with self._database.read() as connection:
                return tuple(_message(row) for row in await connection.execute(_WAITING, {"the_channel": channel}))

        return await self._held.ask(("waiting", channel), (), read)

    async def newest(self, limit: int, channel: str = MAIL) -> tuple[Message, ...]:
        """The last messages written, at most `limit`, newest first."""
        async with self._database.read() as connection:
            found = await connection.execute(_NEWEST, {"how_many": limit, "the_channel": channel})
            return tuple(_message(row) for row in found)

    async def counts(self, channel: str = MAIL) -> OutboxCounts:
        """How many messages wait, were given up, and were sent last."""
        async with self._database.read() as connection:
            waiting, since, given_up, last = (await connection.execute(_COUNTS, {"the_channel": channel})).one()
            return OutboxCounts(waiting, since, given_up, last)

    async def channels_waiting(self) -> tuple[str, ...]:
        """The channels for which messages wait, by name."""
        async with self._database.read() as connection:
            return tuple(sorted((await connection.execute(_CHANNELS)).scalars()))

    async def mark_sent(self, seq: int, at: datetime) -> None:
        """Records that the mail server accepted the mail."""
        async with self._database.write() as connection:
            await connection.execute(_SENT, {"the_seq": seq, "at": at})

    async def mark_failed(self, seq: int, error: str, at: datetime, due: datetime, *, give_up: bool) -> None:
        """Records a failed try, and when the next one is due; with `give_up` there is no next one."""
        gave_up = at if give_up else None
        async with self._database.write() as connection:
            await connection.execute(_FAILED, {"the_seq": seq, "error": error, "due": due, "gave_up": gave_up})

    async def give_up_older(self, than: datetime, at: datetime, channel: str = MAIL) -> int:
        """Gives up the messages that still wait and were written before `than`. Returns how many there were."""
        async with self._database.write() as connection:
            values = {"before": than, "at": at, "the_channel": channel}
            return (await connection.execute(_GIVE_UP, values)).rowcount

    async def _add(self, connection: AsyncConnection, notice: Notice, at: datetime, *, but: str = "") -> None:
        """Adds the mail for each channel but the one of this name."""
        channels = tuple(channel for channel in self._channels if channel != but)
        if not channels:
            return
        told = {name: getattr(notice, name) for name in ("key", "kind", "account", "subject", "text", "html")}
        await connection.execute(_new_for(channels), {**told, "key_told": notice.key, "created_at": at, "due_at": at})

    async def _at_once(self, connection: AsyncConnection, account: str) -> bool:
        """Whether the account wants its mails at once."""
        chosen = (await connection.execute(_PREFERENCE, {"account": account})).scalar_one_or_none()
        return self._preference(chosen) is MailPreference.IMMEDIATE

    def _preference(self, chosen: str | None) -> MailPreference:
        try:
            return MailPreference(own_or_default(chosen, self._default))
        except ValueError:
            log.error("an account has the unknown mail preference %r; the default is used", chosen)
            return self._default


@lru_cache
def _new_for(channels: tuple[str, ...]) -> Insert:
    """Adds a row for each channel, and none when the message is known of any: a channel that is switched on later is
    told nothing of what happened before."""
    known = exists().where(messages.c.key == bindparam("key_told", type_=messages.c.key.type))
    given = [bindparam(name, type_=messages.c[name].type) for name in _COLUMNS]
    rows = (select(literal(channel), *given, literal(0), literal("")).where(~known) for channel in channels)
    return insert(messages).from_select(["channel", *_COLUMNS, "attempts", "last_error"], union_all(*rows))


def _message(row: Row[Any]) -> Message:
    return Message(**{name: getattr(row, name) for name in Message.__slots__})
