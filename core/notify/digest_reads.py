"""Reads from the records what the digests tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import date, datetime

from core.domain.operation.events import masked_in
from core.domain.operation.reasons import Reason
from core.domain.reporting.digests import AccountDay, SessionDay, Standing
from core.records.records import Records

_NOTHING_NEW = frozenset({Reason.ENTRY_TODAY.code, Reason.VALIDATED_TODAY.code})
"""Reasons of runs that come after the day's entry: the digest tells of the entry itself."""


async def accounts_known_by(records: Records, instant: datetime) -> set[str]:
    """The accounts found before the instant. A console set up this morning has nothing to tell of yesterday. Raises
    RecordsError."""
    return set(await records.accounts.found_before(instant))


async def session_day(records: Records, day: date, numbers: Collection[str]) -> SessionDay:
    """The results of the session day for these accounts. Raises RecordsError."""
    entries = await records.entries.of_day(day)
    runs = (await records.results.recorded(day, day)).runs
    account_days = []
    known = await records.accounts.all()
    everyone = [account.number for account in known]
    for account in known:
        if account.number in numbers:
            validated = tuple(
                f"{one.underlying} {one.strikes}, limit {one.limit}"
                for one in await records.journal.suggestions_of(account.number, day)
                if one.validated
            )
            mine = tuple(entry for entry in entries if entry.account == account.number)
            why = Counter(
                masked_in(run.reason_text, everyone)
                for run in runs
                if run.account == account.number and run.reason not in _NOTHING_NEW
            )
            del why[""]
            account_days.append(AccountDay(account.number, account.enabled, mine, validated, why))
    cycles = await records.cycles.of_day(day)
    slots = await records.slots.of_day(day)
    return SessionDay(
        day=day,
        accounts=tuple(account_days),
        outcomes=Counter(cycle.outcome or "running" for cycle in cycles),
        reasons=Counter(masked_in(cycle.reason_text, everyone) for cycle in cycles if cycle.reason_text),
        missed=Counter(slot.reason_text or slot.state for slot in slots if slot.state in ("missed", "interrupted")),
    )


async def standing(records: Records, numbers: Collection[str], today: date) -> Standing:
    """The present state of these accounts: open tridents, and what stops entries. Raises RecordsError."""
    state = await records.trading.read()
    return Standing(
        open_tridents={number: await records.entries.filled_open(number, today) for number in numbers},
        breakers=await records.breakers.open_now(),
        trading=state.state,
    )
