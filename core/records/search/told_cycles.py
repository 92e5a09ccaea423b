"""Reads what cycles came to: the fates of their entries joined to what they recorded (rules 4.4)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import BindParameter, Row, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.operation.outcomes import Outcome
from core.domain.operation.reasons import Reason
from core.domain.orders.fate import fate_of
from core.domain.orders.orders import Entry
from core.domain.reporting.figures import AccountRun
from core.domain.reporting.told import CycleEnd, Told, told_accounts, told_cycle, told_totals
from core.records.repositories.cycles import cycle_of
from core.records.repositories.entry_rows import entries_where, read_entries
from core.records.repositories.results import run_of
from core.records.repositories.rows import CycleRecord
from core.records.store.database import Database
from core.records.store.tables import account_results, cycles, entries, suggestions

_MANY = 500
"""How many numbers or days one query names: fewer than any store's limit of parameters."""

_numbers: BindParameter[Any] = bindparam("numbers", expanding=True)
_days: BindParameter[Any] = bindparam("days", expanding=True)
_CYCLES = select(cycles).where(cycles.c.session_day == bindparam("day")).order_by(cycles.c.number)
_RUNS = (
    select(account_results)
    .where(account_results.c.cycle.in_(_numbers))
    .order_by(account_results.c.cycle, account_results.c.account)
)
_ENTRIES = entries_where(entries.c.session_day.in_(_days))
_VALIDATED = select(suggestions.c.cycle, suggestions.c.account).where(
    suggestions.c.session_day.in_(_days), suggestions.c.validated
)


@dataclass(frozen=True, slots=True)
class CycleTold:
    """What a cycle came to: in all, by account (full number), and how many accounts came to each outcome.

    `totals` is empty when no account's part was recorded. Accounts that were switched off are in neither count.
    """

    told: Told
    accounts: Mapping[str, Told]
    totals: Mapping[Outcome, int]


class ToldCycles:
    """Reads for what cycles came to. Raises RecordsError when the store fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_day(self, day: date) -> Mapping[int, CycleTold]:
        """What each cycle of a session day came to, by number, in one consistent view."""
        async with self._database.read() as connection:
            rows = await connection.execute(_CYCLES, {"day": day})
            return await told_of(connection, [cycle_of(row) for row in rows])


async def told_of(connection: AsyncConnection, found: Sequence[CycleRecord]) -> Mapping[int, CycleTold]:
    """What each of these cycles came to, by number. Reads their runs and the entries of their days."""
    numbers = [cycle.number for cycle in found]
    days = list(dict.fromkeys(cycle.day for cycle in found))
    runs: dict[int, list[AccountRun]] = {}
    for row in await _all(connection, _RUNS, "numbers", numbers):
        runs.setdefault(row.cycle, []).append(run_of(row))
    validated: dict[int, set[str]] = {}
    for row in await _all(connection, _VALIDATED, "days", days):
        validated.setdefault(row.cycle, set()).add(row.account)
    made: dict[date, list[Entry]] = {}
    for some in _parts(days):
        for entry in await read_entries(connection, _ENTRIES, {"days": some}):
            made.setdefault(entry.session_day, []).append(entry)
    return {
        cycle.number: cycle_told(
            cycle, runs.get(cycle.number, ()), made.get(cycle.day, ()), validated.get(cycle.number, frozenset())
        )
        for cycle in found
    }


def cycle_told(
    cycle: CycleRecord, runs: Sequence[AccountRun], of_day: Sequence[Entry], validated: Collection[str]
) -> CycleTold:
    """What one cycle came to, by its own runs, the entries of its day, and the accounts it validated a suggestion
    for."""
    fates = {entry.account: fate_of(entry) for entry in of_day if entry.cycle == cycle.number}
    held_by = {entry.account: fate_of(entry) for entry in of_day if entry.cycle < cycle.number}
    end = CycleEnd(cycle.ended_at is not None, cycle.outcome, cycle.reason_code, cycle.reason_text)
    accounts = told_accounts(runs, fates, validated=validated, held_by=held_by)
    counted = [told for told in accounts.values() if told.reason != Reason.ACCOUNT_DISABLED.code]
    return CycleTold(
        told_cycle(end, accounts),
        accounts,
        told_totals(counted) if counted else {},
    )


async def _all(connection: AsyncConnection, query: Any, name: str, values: Sequence[Any]) -> list[Row[Any]]:
    found: list[Row[Any]] = []
    for some in _parts(values):
        found += (await connection.execute(query, {name: some})).all()
    return found


def _parts(values: Sequence[Any]) -> Iterable[list[Any]]:
    return (list(values[start : start + _MANY]) for start in range(0, len(values), _MANY))
