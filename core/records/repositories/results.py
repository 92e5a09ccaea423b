"""Each account's run in each cycle, and the other records that the figures are computed from (rules 12)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Select, bindparam, func, insert, select
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.operation.outcomes import Outcome
from core.domain.operation.runs import AccountRun
from core.domain.orders.orders import Entry
from core.records.repositories.entry_rows import entries_where, read_entries
from core.records.store.database import Database
from core.records.store.tables import account_results, accounts, cycles, entries, fills, slots
from core.runtime.clock import exchange_time

_NEW_RUNS = insert(account_results)
_between = account_results.c.session_day.between(bindparam("first"), bindparam("last"))
_RUNS = select(account_results).where(_between).order_by(account_results.c.cycle, account_results.c.account)
_ENTRIES = entries_where(entries.c.session_day.between(bindparam("first"), bindparam("last")))
# A slot without a run: nobody claimed it, or the cycle that did was interrupted.
_MISSED = (
    select(slots.c.session_day, slots.c.reason_code, func.count().label("slots"))
    .where(
        slots.c.state.in_(("missed", "interrupted")),
        slots.c.session_day.between(bindparam("first"), bindparam("last")),
    )
    .group_by(slots.c.session_day, slots.c.reason_code)
    .order_by(slots.c.session_day, slots.c.reason_code)
)
_EVERY_DAY = 1_000_000


def _days_of(day: Column[date]) -> Select[Any]:
    return (
        select(day)
        .distinct()
        .where(day.between(bindparam("first"), bindparam("last")))
        .order_by(day.desc())
        .limit(bindparam("count"))
    )


# A session is known by its slots, run or missed. One without slots is known by its forced cycles.
_SESSIONS = (_days_of(slots.c.session_day), _days_of(cycles.c.session_day))
_TRADED = select(accounts.c.number, accounts.c.discovered_at, accounts.c.enabled_changed_at).where(
    accounts.c.enabled, ~accounts.c.is_closed
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the figures of some days are computed from: runs and entries with their fills, oldest first.

    `traded` has the accounts that the automation trades now, each with the exchange's day since when. `missed` counts,
    by day, the reasons for which slots did not run.
    """

    runs: tuple[AccountRun, ...]
    entries: tuple[Entry, ...]
    traded: Mapping[str, date]
    missed: Mapping[date, Mapping[str, int]]

    def of(self, account: str) -> Recorded:
        """The same of one account alone."""
        return Recorded(
            runs=tuple(run for run in self.runs if run.account == account),
            entries=tuple(entry for entry in self.entries if entry.account == account),
            traded={number: since for number, since in self.traded.items() if number == account},
            missed=self.missed,
        )


async def note_runs(connection: AsyncConnection, runs: Sequence[AccountRun]) -> None:
    """Adds the runs of a cycle's accounts to the commit that ends it."""
    if runs:
        await connection.execute(_NEW_RUNS, [_values(run) for run in runs])


class Results:
    """Reads what the figures are computed from. Raises RecordsError when the store fails."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._entries: dict[tuple[date, date], tuple[tuple[int, ...], tuple[Entry, ...]]] = {}
        """The entries read last, for the days and the version of their tables."""

    def version(self) -> tuple[int, ...] | None:
        """A value that stays the same while runs, entries, fills and slots do; None when that is not certain."""
        return self._database.version(account_results.name, entries.name, fills.name, slots.name)

    async def sessions(
        self, first: date = date.min, last: date = date.max, count: int = _EVERY_DAY
    ) -> tuple[date, ...]:
        """The recorded sessions from first to last, both included, oldest first. At most `count`: the newest."""
        found: set[date] = set()
        async with self._database.read() as connection:
            for query in _SESSIONS:
                rows = await connection.execute(query, {"first": first, "last": last, "count": count})
                found.update(rows.scalars())
        return tuple(sorted(found)[-count:])

    async def of_day(self, day: date) -> tuple[AccountRun, ...]:
        """Every account's run in every cycle of a session day, by cycle and account."""
        async with self._database.read() as connection:
            rows = await connection.execute(_RUNS, {"first": day, "last": day})
            return tuple(run_of(row) for row in rows)

    async def recorded(self, first: date, last: date) -> Recorded:
        """Everything of the days from first to last, both included, in one consistent view."""
        days = {"first": first, "last": last}
        before = self._database.version(entries.name, fills.name)
        held = self._entries.get((first, last))
        async with self._database.read() as connection:
            runs = tuple(run_of(row) for row in await connection.execute(_RUNS, days))
            is_counted = not self._database.is_writing  # what the runs show is counted in the version
            same = is_counted and before is not None and before == self._database.version(entries.name, fills.name)
            if held is None or not same or held[0] != before:
                held = before or (), await read_entries(connection, _ENTRIES, days)
            found = Recorded(
                runs=runs,
                entries=held[1],
                traded={
                    row.number: _since(row.discovered_at, row.enabled_changed_at)
                    for row in await connection.execute(_TRADED)
                },
                missed=_by_day(await connection.execute(_MISSED, days)),
            )
        self._entries = {(first, last): held} if same else {}
        return found


def _by_day(rows: Iterable[Row[Any]]) -> dict[date, dict[str, int]]:
    found: dict[date, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row.session_day, {})[row.reason_code] = row.slots
    return found


def run_of(row: Row[Any]) -> AccountRun:
    return AccountRun(
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


def _since(discovered_at: datetime, enabled_changed_at: datetime | None) -> date:
    """The exchange's day since when the automation trades an account."""
    return exchange_time(max(discovered_at, enabled_changed_at or discovered_at)).date()


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
