"""Reads exits: by trident, by account, and as any intent (rules 15)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, bindparam
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.orders.orders import IntentKind
from core.domain.positions.exits import Exit
from core.records.repositories.exit_rows import Claim, exits_where, read_claims, read_exits, read_exits_of
from core.records.repositories.intent_queries import IntentQueries, KindReads
from core.records.store.tables import exits

_OPEN_OF = exits_where(exits.c.account == bindparam("account"), exits.c.released_at.is_(None))


class ExitReads(KindReads[Exit]):
    """Every read of exits. Each raises RecordsError when the store fails."""

    kind = IntentKind.EXIT
    table = exits
    queries = IntentQueries(exits)

    async def open_of(self, account: str) -> tuple[Exit, ...]:
        """The account's exits that still claim a unit, or whose end is not proved, the oldest first."""
        # A question for each account: one answer is kept for each.
        return await self._held.ask((_OPEN_OF, account), (), lambda: self._all(_OPEN_OF, account=account))

    async def of_tridents(self, trident_ids: Sequence[str]) -> dict[str, tuple[Exit, ...]]:
        """Every exit that each of these tridents ever had, the oldest first. A trident without one has none."""
        async with self._database.read() as connection:
            found = await read_exits_of(connection, trident_ids)
        return {trident_id: tuple(one for one in found if one.trident_id == trident_id) for trident_id in trident_ids}

    async def claims_of(self, trident_id: str) -> tuple[Claim, ...]:
        """Every claim on a unit of the trident, the oldest first."""
        async with self._database.read() as connection:
            return await read_claims(connection, trident_id)

    async def _rows(
        self, connection: AsyncConnection, query: Select[Any], values: Mapping[str, Any]
    ) -> tuple[Exit, ...]:
        return await read_exits(connection, query, values)
