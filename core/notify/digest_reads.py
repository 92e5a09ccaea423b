"""Reads from the records what the digests tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime

from core.domain.operation.amounts import credit
from core.domain.operation.events import masked_in
from core.domain.operation.reasons import Reason
from core.domain.orders.next_step import NextStep, TradingWords
from core.domain.reporting.digests import AccountDay, Outlook, SessionDay
from core.domain.reporting.figures import AccountRun
from core.market.calendar import SessionCalendar
from core.notify.exit_reads import Mark, earned_on, exits_ahead
from core.records.records import Records
from core.records.search.open_tridents import open_risk, open_tridents
from core.records.search.told_cycles import CycleTold
from core.runtime.clock import exchange_time

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
    # Read before what they came to: a cycle that begins meanwhile is then told of, and not looked for.
    cycles = await records.cycles.of_day(day)
    told_cycles = await records.told_cycles.of_day(day)
    known = await records.accounts.all()
    everyone = [account.number for account in known]
    money = await records.money.recorded()
    account_days = []
    for account in known:
        suggestions = [s for s in await records.journal.suggestions_of(account.number, day) if s.validated]
        if account.number in numbers:
            account_days.append(
                AccountDay(
                    account=account.number,
                    enabled=account.enabled,
                    entries=tuple(entry for entry in entries if entry.account == account.number),
                    validated=tuple(f"{s.underlying} {s.strikes}, limit {credit(s.limit)}" for s in suggestions),
                    reasons=_reasons((run for run in runs if run.account == account.number), told_cycles, everyone),
                    earned=await earned_on(records, money, account.number, day),
                )
            )
    outcomes: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for cycle in cycles:
        told = told_cycles[cycle.number].told
        outcomes[told.word] += 1
        if told.fate is None and cycle.reason_text:
            reasons[masked_in(cycle.reason_text, everyone)] += 1
    slots = await records.slots.of_day(day)
    return SessionDay(
        day=day,
        accounts=tuple(account_days),
        outcomes=outcomes,
        reasons=reasons,
        missed=Counter(slot.reason_text or slot.state for slot in slots if slot.state in ("missed", "interrupted")),
    )


def _reasons(
    runs: Iterable[AccountRun], told_cycles: Mapping[int, CycleTold], everyone: Collection[str]
) -> Mapping[str, int]:
    """Why the runs that made no entry did not trade, with counts. An entry is told of by its fate instead."""
    why: Counter[str] = Counter()
    for run in runs:
        told = told_cycles[run.cycle].accounts[run.account]
        if told.fate is None and run.reason and run.reason not in _NOTHING_NEW:
            why[masked_in(run.reason_text, everyone)] += 1
    return why


async def outlook(
    records: Records,
    numbers: Collection[str],
    now: datetime,
    next_steps: Mapping[str, NextStep],
    calendar: SessionCalendar,
    mark: Mark,
) -> Outlook:
    """The present state of these accounts: open tridents, what stops entries, what comes next, how their exits stand.
    Raises RecordsError."""
    state, today = await records.trading.read(), exchange_time(now).date()
    exits = {number: await exits_ahead(records, number, calendar, now, mark) for number in numbers}
    return Outlook(
        open_tridents={
            number: tuple(
                [
                    (entry, differs, open_risk(entry, await records.tridents.held_of(entry.account)))
                    for entry, differs in await open_tridents(records.entries, records.journal, number, today)
                ]
            )
            for number in numbers
        },
        breakers=await records.breakers.open_now(),
        trading=TradingWords(state.state, state.who, state.at, state.why),
        next_steps=next_steps,
        exits={number: ahead for number, ahead in exits.items() if ahead is not None},
    )
