"""What the console asks the records for; every account number in an answer is masked to its last four."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from core.domain.events import masked, masked_in
from core.show.story import Story, story_of_cycle

if TYPE_CHECKING:
    from core.records.history_rows import HistoryFilter, HistoryKind, HistoryRow, Mark
    from core.records.records import Records


async def history_page(
    records: Records, kind: HistoryKind, wanted: HistoryFilter, limit: int, after: Mark | None = None
) -> tuple[HistoryRow, ...]:
    """At most `limit` things, newest first, those older than `after`. Raises RecordsError; ValueError as
    `History.page`."""
    rows = await records.history.page(kind, wanted, limit, after)
    numbers = await _account_numbers(records)
    return tuple(
        replace(row, account=masked(row.account) if row.account else "", text=masked_in(row.text, numbers))
        for row in rows
    )


async def story(records: Records, cycle: int) -> Story | None:
    """What happened in the cycle and why, in order; None when no such cycle is recorded. Raises RecordsError."""
    file = await records.cycle_files.of_cycle(cycle)
    if file is None:
        return None
    told = story_of_cycle(file)
    numbers = await _account_numbers(records)
    lines = tuple(
        replace(line, account=masked(line.account) if line.account else "", text=masked_in(line.text, numbers))
        for line in told.lines
    )
    return replace(told, verdict=masked_in(told.verdict, numbers), lines=lines)


async def _account_numbers(records: Records) -> tuple[str, ...]:
    return tuple(account.number for account in await records.accounts.all())
