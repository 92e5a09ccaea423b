"""Reads of intents that are the same for every kind: by id, by identifier, by order, by state (rules 9)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, Select, Table, and_, bindparam, exists, func, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.orders.following import FOLLOWED_FOR_EVER, is_end_shown
from core.domain.orders.order_states import OPEN_STATES, OrderState
from core.domain.orders.orders import AnyIntent
from core.records.repositories.intent_orders import read_orders
from core.records.repositories.intent_rows import intents_where
from core.records.repositories.intents import IntentReads
from core.records.repositories.rows import Watched
from core.records.store.database import Database
from core.records.store.one_of import one_of
from core.records.store.read_cache import ReadCache
from core.records.store.tables import fills, intent_changes, intent_orders


class IntentQueries:
    """The queries that are asked of intents of every kind, on the table of one. Orders that may rest for weeks are
    followed from their end on, others from the session of their sending."""

    def __init__(self, table: Table, *, rest: bool = False) -> None:
        def where(*conditions: ColumnElement[bool]) -> Select[Any]:
            return intents_where(table, *conditions)

        of_account = table.c.account == bindparam("account")
        of_day = table.c.session_day == bindparam("session_day")
        is_its_order = (intent_orders.c.intent_id == table.c.id, intent_orders.c.order_id == bindparam("order_id"))
        has_order = exists().where(*is_its_order, intent_orders.c.account == bindparam("account"))
        self.is_followed = and_(
            table.c.sent_at.is_not(None),
            or_(
                table.c.state.in_([state.value for state in FOLLOWED_FOR_EVER]),
                table.c.session_day >= bindparam("since"),
                *([table.c.terminal_at >= bindparam("since_at")] if rest else []),
            ),
        )
        self.by_id = where(table.c.id == bindparam("id"))
        self.by_ids = where(one_of(table.c.id, "ids"))
        self.by_beginning = where(func.substr(table.c.id, 1, bindparam("length")) == bindparam("part"))
        self.by_identifier = where(table.c.identifier == bindparam("identifier"))
        self.with_order = where(exists().where(*is_its_order))
        self.by_order = where(of_account, has_order)
        self.by_order_of_day = where(of_account, of_day, has_order)
        self.followed = where(self.is_followed)
        self.being_sent = where(table.c.state.in_([state.value for state in (OrderState.PREPARED, OrderState.SENT)]))
        self.open = where(table.c.state.in_([state.value for state in OPEN_STATES]))
        self.unknown = where(table.c.state == OrderState.UNKNOWN.value)
        self.incidents = where(of_account, table.c.state == OrderState.INCIDENT.value)
        self.of_day = where(of_day)


class KindReads(IntentReads[AnyIntent]):
    """The reads that every kind of intent has. Each raises RecordsError when the store fails."""

    table: ClassVar[Table]
    queries: ClassVar[IntentQueries]

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._held = ReadCache(database, self.table.name, intent_orders.name, fills.name, intent_changes.name)

    async def these(self, ids: Sequence[str]) -> tuple[AnyIntent, ...]:
        """The intents with these ids of ours, oldest first. Ids without one are left out."""
        return await self._all(self.queries.by_ids, ids=list(ids))

    async def beginning_with(self, part: str) -> tuple[AnyIntent, ...]:
        """The intents whose id of ours begins with this, oldest first."""
        return await self._all(self.queries.by_beginning, part=part, length=len(part))

    async def with_order(self, order_id: str) -> tuple[AnyIntent, ...]:
        """The intents of any account that have or had an order with this id at the broker, oldest first."""
        return await self._all(self.queries.with_order, order_id=order_id)

    async def by_identifier(self, identifier: str) -> AnyIntent | None:
        """The intent whose order carries our identifier at the broker."""
        return await self._one(self.queries.by_identifier, identifier=identifier)

    async def by_order(self, order_id: str, account: str, day: date | None = None) -> AnyIntent | None:
        """The newest intent of the account that has or had this order at the broker.

        `day` leaves only intents of that session day: a broker may begin its ids again.
        """
        if day is None:
            return await self._one(self.queries.by_order, order_id=order_id, account=account)
        return await self._one(self.queries.by_order_of_day, order_id=order_id, account=account, session_day=day)

    async def followed(self, since: date) -> tuple[AnyIntent, ...]:
        """The intents of all accounts whose end at the broker was not seen: what works or is unknown, of any day, and
        the others sent in a session from `since` on, or ended then where they may rest. Oldest first."""
        query, values = self.queries.followed, self._since(since)
        return await self._held.ask(query, since, lambda: self._end_not_shown(query, **values))

    def _since(self, since: date) -> dict[str, object]:
        """The values of a query that asks what is followed."""
        return {"since": since}

    async def being_sent(self) -> tuple[AnyIntent, ...]:
        """Every intent that is prepared, or sent without a recorded outcome, oldest first."""
        return await self._polled(self.queries.being_sent)

    async def open(self) -> tuple[AnyIntent, ...]:
        """Every intent, of any day, whose order may still change or is being sent."""
        return await self._polled(self.queries.open)

    async def open_or_followed(self, since: date) -> tuple[AnyIntent, ...]:
        """Every intent, of any day, whose order may still change or is being sent, and those that are `followed`."""
        found = {intent.id: intent for intent in (*await self.open(), *await self.followed(since))}
        return tuple(found.values())

    async def looked_at(self, since: date, account: str) -> tuple[AnyIntent, ...]:
        """Every intent of the account whose order may still change or is being sent, and those that are `followed`."""
        return tuple(one for one in await self.open_or_followed(since) if one.account == account)

    async def waiting(self, day: date) -> tuple[AnyIntent, ...]:
        """The intents that only time and evidence settle: the unknown ones of any day."""
        return await self._polled(self.queries.unknown)

    @abstractmethod
    async def watched(self, since: date, today: date) -> tuple[Watched, ...]:
        """What says how often the accounts are looked at that have a sent intent which is followed, or is of
        `today`."""

    async def unknown(self) -> tuple[AnyIntent, ...]:
        """Every unknown intent, of all accounts and days, oldest first."""
        return await self._all(self.queries.unknown)

    async def incidents(self, account: str) -> tuple[AnyIntent, ...]:
        """Every incident of the account, oldest first."""
        return await self._all(self.queries.incidents, account=account)

    async def of_day(self, day: date) -> tuple[AnyIntent, ...]:
        """All intents of a session day, oldest first."""
        return await self._polled(self.queries.of_day, session_day=day)

    @abstractmethod
    async def _rows(
        self, connection: AsyncConnection, query: Select[Any], values: Mapping[str, Any]
    ) -> tuple[AnyIntent, ...]:
        """The intents that a query of `intents_where` finds, with their fills."""

    async def _read(self, connection: AsyncConnection, intent_id: str) -> AnyIntent | None:
        found = await self._rows(connection, self.queries.by_id, {"id": intent_id})
        return found[0] if found else None

    async def _end_not_shown(self, query: Select[Any], **values: object) -> tuple[AnyIntent, ...]:
        """Those of the found intents whose order may still change or whose end at the broker was not shown."""
        async with self._database.read() as connection:
            found = await self._rows(connection, query, values)
            orders = await read_orders(connection, [one.id for one in found])
        return tuple(one for one in found if not is_end_shown(one, orders.get(one.id, ())))

    async def _one(self, query: Select[Any], **values: object) -> AnyIntent | None:
        found = await self._all(query, **values)
        return found[-1] if found else None

    async def _polled(self, query: Select[Any], **values: Hashable) -> tuple[AnyIntent, ...]:
        """Like `_all`, cached, for what every poll reads."""
        return await self._held.ask(query, tuple(values.items()), lambda: self._all(query, **values))

    async def _all(self, query: Select[Any], **values: object) -> tuple[AnyIntent, ...]:
        async with self._database.read() as connection:
            return await self._rows(connection, query, values)
