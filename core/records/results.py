"""What each cycle came to for each account, and what else the figures are computed from (SPEC 12)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Column, Select, bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import exchange_time
from core.domain.figures import AccountRun
from core.domain.orders import Entry
from core.domain.outcomes import Outcome
from core.records.database import Database
from core.records.entry_rows import entries_where, read_entries
from core.records.tables import account_results, accounts, cycles, entries, slots

_NEW_RUNS = insert(account_results)
_between = account_results.c.session_day.between(bindparam("first"), bindparam("last"))
_RUNS = select(account_results).where(_between).order_by(account_results.c.cycle, account_results.c.account)
_ENTRIES = entries_where(entries.c.session_day.between(bindparam("first"), bindparam("last")))
_EVERY_DAY = 1_000_000


def _days_of(day: Column[date]) -> Select[Any]:
    return (
        select(day)
        .distinct()
        .where(day.between(bindparam("first"), bindparam("last")))
        .order_by(day.desc())
        .limit(bindparam("count"))
    )


# A session is known by its slots, run or missed; where nothing is scheduled, by its forced cycles.
_SESSIONS = (_days_of(slots.c.session_day), _days_of(cycles.c.session_day))
_TRADED = select(accounts.c.number, accounts.c.discovered_at, accounts.c.enabled_changed_at).where(
    accounts.c.enabled, ~accounts.c.is_closed
)


async def note_runs(connection: AsyncConnection, runs: Sequence[AccountRun]) -> None:
    """Adds what a cycle came to for its accounts, within the commit that ends it."""
    if runs:
        await connection.execute(_NEW_RUNS, [_values(run) for run in runs])


class Results:
    """Reads only; every read raises RecordsError when the store fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sessions(
        self, first: date = date.min, last: date = date.max, count: int = _EVERY_DAY
    ) -> tuple[date, ...]:
        """The recorded sessions from first to last, both included, oldest first; of more than `count` the newest."""
        found: set[date] = set()
        async with self._database.read() as connection:
            for query in _SESSIONS:
                rows = await connection.execute(query, {"first": first, "last": last, "count": count})
                found.update(rows.scalars())
        return tuple(sorted(found)[-count:])

    async def expected(self) -> dict[str, date]:
        """The accounts the automation trades now, each with the exchange's day since when."""
        async with self._database.read() as connection:
            rows = await connection.execute(_TRADED)
            return {
                row.number: exchange_time(max(row.discovered_at, row.enabled_changed_at or row.discovered_at)).date()
                for row in rows
            }

    async def runs(self, first: date, last: date) -> tuple[AccountRun, ...]:
        """Every account's part in every cycle of these days, oldest first."""
        async with self._database.read() as connection:
            rows = await connection.execute(_RUNS, {"first": first, "last": last})
            return tuple(
                AccountRun(
                    row.cycle,
                    row.account,
                    row.session_day,
                    Outcome(row.outcome),
                    row.reason_code,
                    row.reason_text,
                    row.attempts,
                    row.reached_pricing,
                    row.pricing_refusals,
                    row.acknowledged_ms,
                )
                for row in rows
            )

    async def entries(self, first: date, last: date) -> tuple[Entry, ...]:
        """Every entry of these days with its fills, oldest first."""
        async with self._database.read() as connection:
            return await read_entries(connection, _ENTRIES, {"first": first, "last": last})


def _values(run: AccountRun) -> dict[str, object]:
    return {
        "cycle": run.cycle,
        "account": run.account,
        "session_day": run.day,
        "outcome": run.outcome.value,
        "reason_code": run.reason,
        "reason_text": run.reason_text,
        "attempts": run.attempts,
        "reached_pricing": run.reached_pricing,
        "pricing_refusals": run.pricing_refusals,
        "acknowledged_ms": run.acknowledged_ms,
    }
