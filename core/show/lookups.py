"""What the console asks the records for; every account number in an answer is masked to its last four."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from core.clock import exchange_time
from core.domain.events import masked, masked_in
from core.show.story import Story, story_of_cycle, story_of_slot

if TYPE_CHECKING:
    from core.records.history_rows import HistoryFilter, HistoryKind, HistoryRow, Mark
    from core.records.records import Records


async def history_page(
    records: Records, kind: HistoryKind, wanted: HistoryFilter, limit: int, after: Mark | None = None
) -> tuple[HistoryRow, ...]:
    """At most `limit` things, newest first, those older than `after`; `wanted.account` may be a number's end.

    Raises RecordsError; ValueError as `History.page`, and for an account that is not one known one."""
    numbers = await _account_numbers(records)
    if wanted.account:
        found = [number for number in numbers if number.endswith(wanted.account.removeprefix("…"))]
        if len(found) != 1:
            raise ValueError(f"account {wanted.account} names {len(found) or 'no'} known accounts")
        wanted = replace(wanted, account=found[0])
    rows = await records.history.page(kind, wanted, limit, after)
    return tuple(
        replace(row, account=masked(row.account) if row.account else "", text=masked_in(row.text, numbers))
        for row in rows
    )


async def story(records: Records, cycle: int) -> Story | None:
    """What happened in the cycle and why, in order; None when no such cycle is recorded. Raises RecordsError."""
    file = await records.cycle_files.of_cycle(cycle)
    if file is None:
        return None
    return await _masked(records, story_of_cycle(file))


async def slot_story(records: Records, slot: datetime) -> Story:
    """Why no cycle ran at a slot (UTC), and what stood around it. Raises RecordsError."""
    of_day = await records.slots.of_day(exchange_time(slot).date())
    record = next((one for one in of_day if one.slot == slot), None)
    return await _masked(records, story_of_slot(slot, record, await records.cycle_files.around(slot)))


async def _masked(records: Records, told: Story) -> Story:
    numbers = await _account_numbers(records)
    lines = tuple(
        replace(line, account=masked(line.account) if line.account else "", text=masked_in(line.text, numbers))
        for line in told.lines
    )
    return replace(told, verdict=masked_in(told.verdict, numbers), lines=lines)


async def _account_numbers(records: Records) -> tuple[str, ...]:
    return tuple(account.number for account in await records.accounts.all())
