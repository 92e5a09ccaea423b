"""Reads entries: by id, by state, by day (rules 9)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, and_, bindparam, exists, func, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.orders.following import FOLLOWED_FOR_EVER, is_end_shown
from core.domain.orders.order_states import OPEN_STATES, OrderState
from core.domain.orders.orders import Entry, IntentKind
from core.records.repositories.entry_rows import (
    FREED_BY_PROOF,
    count_failed_sends,
    entries_where,
    is_reentry_allowed,
    read_entries,
    read_entry,
)
from core.records.repositories.intent_orders import read_orders
from core.records.repositories.intents import IntentReads
from core.records.store.database import Database
from core.records.store.read_cache import ReadCache
from core.records.store.tables import entries, fills, intent_changes, intent_orders

_account = entries.c.account == bindparam("account")
_day = entries.c.session_day == bindparam("session_day")
_open = entries.c.state.in_([state.value for state in OPEN_STATES])
_filled = entries.c.state == OrderState.FILLED.value
_unknown = entries.c.state == OrderState.UNKNOWN.value
_incident = entries.c.state == OrderState.INCIDENT.value
_has_fills = exists().where(fills.c.intent_id == entries.c.id)
_settling = and_(_day, entries.c.holds_day, entries.c.state.in_([state.value for state in FREED_BY_PROOF]), ~_has_fills)

HOLDER = entries_where(_account, _day, entries.c.holds_day)
_BY_IDENTIFIER = entries_where(entries.c.identifier == bindparam("identifier"))
_has_order = exists().where(
    intent_orders.c.intent_id == entries.c.id,
    intent_orders.c.account == bindparam("account"),
    intent_orders.c.order_id == bindparam("order_id"),
)
_BY_BEGINNING = entries_where(func.substr(entries.c.id, 1, bindparam("length")) == bindparam("part"))
_WITH_ORDER = entries_where(
    exists().where(intent_orders.c.intent_id == entries.c.id, intent_orders.c.order_id == bindparam("order_id"))
)
_BY_ORDER = entries_where(_account, _has_order)
_BY_ORDER_OF_DAY = entries_where(_account, _day, _has_order)
_FOLLOWED = entries_where(
    entries.c.sent_at.is_not(None),
    or_(entries.c.state.in_([state.value for state in FOLLOWED_FOR_EVER]), entries.c.session_day >= bindparam("since")),
)
_BY_IDS = entries_where(entries.c.id.in_(bindparam("ids", expanding=True)))
_OPEN = entries_where(_open)
_UNKNOWN = entries_where(_unknown)
_INCIDENTS = entries_where(_account, _incident)
_WAITING = entries_where(or_(_unknown, _settling))
_OF_DAY = entries_where(_day)
_FILLED_OPEN = entries_where(
    _account, entries.c.expiration >= bindparam("today"), or_(_filled, and_(_incident, _has_fills))
)


class EntryReads(IntentReads[Entry]):
    """Every read of entries. Each raises RecordsError when the store fails."""

    kind = IntentKind.ENTRY

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._held = ReadCache(database, entries.name, intent_orders.name, fills.name, intent_changes.name)

    async def reentry_allowed(self, entry_id: str) -> bool:
        """Whether an operator has allowed another entry after this one (rules 9)."""
        async with self._database.read() as connection:
            return await is_reentry_allowed(connection, entry_id)

    async def holding(self, account: str, day: date) -> Entry | None:
        """The entry that holds the account's session day: while it does, no other entry of that account is made."""
        return await self._one(HOLDER, account=account, session_day=day)

    async def these(self, ids: Sequence[str]) -> tuple[Entry, ...]:
        """The entries with these ids of ours, oldest first. Ids without an entry are left out."""
        return await self._all(_BY_IDS, ids=list(ids))

    async def beginning_with(self, part: str) -> tuple[Entry, ...]:
        """The entries whose id of ours begins with this, oldest first."""
        return await self._all(_BY_BEGINNING, part=part, length=len(part))

    async def with_order(self, order_id: str) -> tuple[Entry, ...]:
        """The entries of any account that have or had an order with this id at the broker, oldest first."""
        return await self._all(_WITH_ORDER, order_id=order_id)

    async def by_identifier(self, identifier: str) -> Entry | None:
        """The entry whose order carries our identifier at the broker."""
        return await self._one(_BY_IDENTIFIER, identifier=identifier)

    async def by_order(self, order_id: str, account: str, day: date | None = None) -> Entry | None:
        """The newest entry of the account that has or had this order at the broker.

        `day` leaves only entries of that session day: a broker may begin its ids again.
        """
        if day is None:
            return await self._one(_BY_ORDER, order_id=order_id, account=account)
        return await self._one(_BY_ORDER_OF_DAY, order_id=order_id, account=account, session_day=day)

    async def followed(self, since: date) -> tuple[Entry, ...]:
        """The entries of all accounts whose end at the broker was not seen: what works or is unknown, of any day, and
        the others sent in a session from `since` on. Oldest first."""

        async def read() -> tuple[Entry, ...]:
            async with self._database.read() as connection:
                sent = await read_entries(connection, _FOLLOWED, {"since": since})
                orders = await read_orders(connection, [entry.id for entry in sent])
            return tuple(entry for entry in sent if not is_end_shown(entry, orders.get(entry.id, ())))

        return await self._held.ask(_FOLLOWED, since, read)

    async def open(self) -> tuple[Entry, ...]:
        """Every entry, of any day, whose order may still change or is being sent."""
        return await self._polled(_OPEN)

    async def open_or_followed(self, since: date) -> tuple[Entry, ...]:
        """Every entry, of any day, whose order may still change or is being sent, and those that are `followed`."""
        found = {entry.id: entry for entry in (*await self.open(), *await self.followed(since))}
        return tuple(found.values())

    async def unknown(self) -> tuple[Entry, ...]:
        """Every unknown entry, of all accounts and days, oldest first."""
        return await self._all(_UNKNOWN)

    async def incidents(self, account: str) -> tuple[Entry, ...]:
        """Every incident of the account, oldest first."""
        return await self._all(_INCIDENTS, account=account)

    async def waiting(self, day: date) -> tuple[Entry, ...]:
        """The entries that only time and evidence settle.

        These are the unknown entries of any day, and the cancelled and expired ones that hold this day without a fill.
        Proof may free that day, unless an operator cancelled the entry (rules 9).
        """
        return await self._polled(_WAITING, session_day=day)

    async def failed_sends(self, day: date) -> Counter[str]:
        """How many sends of a session day ended rejected, unknown or not sent, by account. Each send counts once.

        An intent that the guards refused before it was marked sent does not count.
        """

        async def count() -> Counter[str]:
            async with self._database.read() as connection:
                return await count_failed_sends(connection, day)

        return await self._held.ask(count_failed_sends, day, count)

    async def of_day(self, day: date) -> tuple[Entry, ...]:
        """All entries of a session day, oldest first."""
        return await self._polled(_OF_DAY, session_day=day)

    async def filled_open(self, account: str, today: date) -> tuple[Entry, ...]:
        """The account's filled entries that expire today or later, and its incidents with fills.

        Both are positions at risk (rules 7).
        """
        return await self._all(_FILLED_OPEN, account=account, today=today)

    async def _read(self, connection: AsyncConnection, intent_id: str) -> Entry | None:
        return await read_entry(connection, intent_id)

    async def _one(self, query: Select[Any], **values: object) -> Entry | None:
        found = await self._all(query, **values)
        return found[-1] if found else None

    async def _polled(self, query: Select[Any], **values: Hashable) -> tuple[Entry, ...]:
        """Like `_all`, cached, for what every poll reads."""
        return await self._held.ask(query, tuple(values.items()), lambda: self._all(query, **values))

    async def _all(self, query: Select[Any], **values: object) -> tuple[Entry, ...]:
        async with self._database.read() as connection:
            return await read_entries(connection, query, values)
