"""Reads exits: by trident, by account, and as any intent (rules 15)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import Select, and_, bindparam, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.market.sessions import EXCHANGE_ZONE
from core.domain.orders.following import FOLLOWED_FOR_EVER
from core.domain.orders.order_states import OPEN_STATES, OrderState
from core.domain.orders.orders import IntentKind
from core.domain.positions.exits import Exit, ExitKind
from core.records.repositories.exit_rows import Claim, exits_where, read_claims, read_exits, read_exits_of
from core.records.repositories.intent_queries import IntentQueries, KindReads
from core.records.repositories.rows import Watched
from core.records.store.tables import exits

_QUERIES = IntentQueries(exits, rest=True)
_LOOKED_AT = exits_where(
    exits.c.account == bindparam("account"),
    or_(exits.c.state.in_([state.value for state in OPEN_STATES]), _QUERIES.is_followed),
)
# A target rests until somebody fills it, and an alert tells of that. Any other one may change by itself.
_rests = and_(
    exits.c.state == OrderState.WORKING.value,
    exits.c.kind == ExitKind.TARGET.value,
    exits.c.cancel_asked_at.is_(None),
    exits.c.cancel_requested_by == "",
)
_moves = and_(exits.c.state.in_([state.value for state in FOLLOWED_FOR_EVER]), ~_rests)
_WATCHED = (
    select(
        exits.c.account,
        func.sum(case((_moves, 1), else_=0)).label("moving"),
        func.max(exits.c.sent_at).label("sent_at"),
        func.max(exits.c.terminal_at).label("ended_at"),
    )
    .where(_QUERIES.is_followed)
    .group_by(exits.c.account)
)
_ENDED_SINCE = exits_where(exits.c.terminal_at >= bindparam("since"))
_OPEN_OF = exits_where(exits.c.account == bindparam("account"), exits.c.released_at.is_(None))


class ExitReads(KindReads[Exit]):
    """Every read of exits. Each raises RecordsError when the store fails."""

    kind = IntentKind.EXIT
    table = exits
    queries = _QUERIES

    async def open_of(self, account: str) -> tuple[Exit, ...]:
        """The account's exits that still claim a unit, or whose end is not proved, the oldest first."""
        # A question for each account: one answer is kept for each.
        return await self._held.ask((_OPEN_OF, account), (), lambda: self._all(_OPEN_OF, account=account))

    async def ended_since(self, since: datetime) -> tuple[Exit, ...]:
        """The exits of all accounts whose orders ended at this instant or later, by the record, the oldest first."""
        return await self._all(_ENDED_SINCE, since=since)

    async def looked_at(self, since: date, account: str) -> tuple[Exit, ...]:
        # Of one account alone: those of all are many, and each write of one has them read again.
        return await self._held.ask(
            (_LOOKED_AT, account),
            since,
            lambda: self._end_not_shown(_LOOKED_AT, account=account, **self._since(since)),
        )

    async def watched(self, since: date, today: date) -> tuple[Watched, ...]:
        """Counted by the database: a target that rests for weeks is not read for this."""

        async def count() -> tuple[Watched, ...]:
            async with self._database.read() as connection:
                rows = (await connection.execute(_WATCHED, self._since(since))).all()
            return tuple(
                Watched(
                    row.account,
                    IntentKind.EXIT,
                    row.moving > 0,
                    tuple(at for at in (row.sent_at, row.ended_at) if at is not None),
                )
                for row in rows
            )

        return await self._held.ask(_WATCHED, since, count)

    def _since(self, since: date) -> dict[str, object]:
        return {"since": since, "since_at": datetime.combine(since, time(), EXCHANGE_ZONE)}

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
