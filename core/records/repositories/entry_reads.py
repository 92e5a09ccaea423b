"""Reads entries by what only they have: the day that they hold, and the position that they opened (rules 9)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Select, and_, bindparam, exists, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.orders.following import may_change
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, IntentKind
from core.records.repositories.entry_rows import (
    FREED_BY_PROOF,
    count_failed_sends,
    entries_where,
    is_reentry_allowed,
    read_entries,
)
from core.records.repositories.intent_queries import IntentQueries, KindReads
from core.records.repositories.rows import Watched
from core.records.store.tables import entries, fills

_account = entries.c.account == bindparam("account")
_day = entries.c.session_day == bindparam("session_day")
_filled = entries.c.state == OrderState.FILLED.value
_unknown = entries.c.state == OrderState.UNKNOWN.value
_incident = entries.c.state == OrderState.INCIDENT.value
_has_fills = exists().where(fills.c.intent_id == entries.c.id)
_settling = and_(_day, entries.c.holds_day, entries.c.state.in_([state.value for state in FREED_BY_PROOF]), ~_has_fills)

HOLDER = entries_where(_account, _day, entries.c.holds_day)
_WAITING = entries_where(or_(_unknown, _settling))
_FILLED_OPEN = entries_where(
    _account, entries.c.expiration >= bindparam("today"), or_(_filled, and_(_incident, _has_fills))
)


class EntryReads(KindReads[Entry]):
    """Every read of entries. Each raises RecordsError when the store fails."""

    kind = IntentKind.ENTRY
    table = entries
    queries = IntentQueries(entries)

    async def reentry_allowed(self, entry_id: str) -> bool:
        """Whether an operator has allowed another entry after this one (rules 9)."""
        async with self._database.read() as connection:
            return await is_reentry_allowed(connection, entry_id)

    async def holding(self, account: str, day: date) -> Entry | None:
        """The entry that holds the account's session day: while it does, no other entry of that account is made."""
        return await self._one(HOLDER, account=account, session_day=day)

    async def watched(self, since: date, today: date) -> tuple[Watched, ...]:
        found = {one.id: one for one in (*await self.open_or_followed(since), *await self.of_day(today))}
        return tuple(
            Watched(
                one.account,
                IntentKind.ENTRY,
                may_change(one),
                tuple(at for at in (one.sent_at, one.terminal_at) if at is not None),
            )
            for one in found.values()
            if one.sent_at is not None
        )

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

    async def filled_open(self, account: str, today: date) -> tuple[Entry, ...]:
        """The account's filled entries that expire today or later, and its incidents with fills.

        Both are positions at risk (rules 7).
        """
        return await self._all(_FILLED_OPEN, account=account, today=today)

    async def _rows(
        self, connection: AsyncConnection, query: Select[Any], values: Mapping[str, Any]
    ) -> tuple[Entry, ...]:
        return await read_entries(connection, query, values)
