"""What the digests tell, read from the records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import date, datetime

from core.domain.digests import AccountDay, SessionDay, Standing
from core.records.records import Records


async def accounts_known_by(records: Records, instant: datetime) -> set[str]:
    """The accounts found before the instant: a console set up this morning has nothing to tell of yesterday."""
    return set(await records.accounts.found_before(instant))


async def session_day(records: Records, day: date, numbers: Collection[str]) -> SessionDay:
    """What the session day came to for these accounts. Raises RecordsError."""
    entries = await records.entries.of_day(day)
    told = []
    for account in await records.accounts.all():
        if account.number in numbers:
            validated = tuple(
                f"{one.underlying} {one.strikes}, limit {one.limit}"
                for one in await records.journal.suggestions_of(account.number, day)
                if one.validated
            )
            mine = tuple(entry for entry in entries if entry.account == account.number)
            told.append(AccountDay(account.number, account.enabled, mine, validated))
    cycles = await records.cycles.of_day(day)
    slots = await records.slots.of_day(day)
    return SessionDay(
        day=day,
        accounts=tuple(told),
        outcomes=Counter(cycle.outcome or "running" for cycle in cycles),
        reasons=Counter(cycle.reason_text for cycle in cycles if cycle.reason_text),
        missed=Counter(slot.reason_text or slot.state for slot in slots if slot.state in ("missed", "interrupted")),
    )


async def standing(records: Records, numbers: Collection[str], today: date) -> Standing:
    """What stands now: open tridents of these accounts, and what stops entries. Raises RecordsError."""
    state = await records.trading.read()
    return Standing(
        open_tridents={number: await records.entries.filled_open(number, today) for number in numbers},
        breakers=await records.breakers.open_now(),
        trading=state.state,
    )
