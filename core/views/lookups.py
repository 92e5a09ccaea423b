"""The console's questions to the records. Every account number in an answer is masked to its last four characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from core.domain.operation.accounts import resolve_account
from core.domain.operation.events import masked, masked_in
from core.domain.operation.reasons import Refusal
from core.domain.positions.trident_words import left_out_words
from core.domain.positions.tridents import Phase
from core.domain.positions.units import UnitName
from core.records.search.history_rows import HistoryFilter, HistoryKind
from core.runtime.clock import EXCHANGE_ZONE, exchange_time
from core.snapshot import AlertView, ChangeView, EndedTrident, ExitView, OrderView
from core.snapshot.story import Story
from core.views.entry_story import story_of_entry
from core.views.exits import exit_view
from core.views.figures import alert_view
from core.views.orders import fate_view, order_view
from core.views.story import story_of_cycle, story_of_slot
from core.views.trident_story import story_of_trident, trident_details

if TYPE_CHECKING:
    from core.domain.positions.exits import Exit
    from core.records.records import Records
    from core.records.search.history_rows import HistoryRow, Mark


@dataclass(frozen=True, slots=True)
class OrdersFound:
    """Entries, newest first. `end` marks the last of them, None when there is nothing older."""

    orders: tuple[OrderView, ...]
    end: Mark | None


async def history_page(
    records: Records, kind: HistoryKind, wanted: HistoryFilter, limit: int, after: Mark | None = None
) -> tuple[HistoryRow, ...]:
    """At most `limit` rows, newest first, older than `after`. `wanted.account` may be the end of a number.

    Raises RecordsError, and ValueError as `History.page` does or when the account is not exactly one known account.
    """
    numbers = await _account_numbers(records)
    if wanted.account:
        number = resolve_account(wanted.account, numbers)
        if isinstance(number, Refusal):
            raise ValueError(f"account {number.sentence()}")
        wanted = replace(wanted, account=number)
    rows = await records.history.page(kind, wanted, limit, after)
    return tuple(
        replace(row, account=masked(row.account) if row.account else "", text=masked_in(row.text, numbers))
        for row in rows
    )


async def orders_page(records: Records, limit: int, after: Mark | None = None) -> OrdersFound:
    """At most `limit` entries with their fills, newest first, older than `after`. Raises RecordsError.

    An entry that is still open has the age 0 here; the snapshot shows its present age.
    """
    rows = await records.history.page(HistoryKind.ORDERS, HistoryFilter(), limit, after)
    numbers = await _account_numbers(records)
    found = {entry.id: entry for entry in await records.entries.these([str(dict(r.figures)["id"]) for r in rows])}
    views = []
    for row in rows:
        entry = found.get(str(dict(row.figures)["id"]))
        if entry is not None:
            view = order_view(entry, fate_view(entry), entry.prepared_at, 1.0)
            views.append(
                replace(
                    view,
                    detail=masked_in(view.detail, numbers),
                    broker_status=masked_in(view.broker_status, numbers),
                )
            )
    return OrdersFound(tuple(views), rows[-1].mark if len(rows) == limit else None)


@dataclass(frozen=True, slots=True)
class EndedFound:
    """Tridents that have ended, the newest first. `end` marks the last of them, None when there is nothing older."""

    tridents: tuple[EndedTrident, ...]
    end: Mark | None


async def ended_tridents(records: Records, limit: int, after: Mark | None = None) -> EndedFound:
    """At most `limit` tridents that have ended, the newest first, older than `after`. Raises RecordsError."""
    wanted = HistoryFilter(outcome=Phase.ENDED.value)
    rows = await records.history.page(HistoryKind.TRIDENTS, wanted, limit, after)
    found = []
    for row in rows:
        told: Any = dict(row.figures)
        found.append(
            EndedTrident(
                trident_id=told["id"],
                account=masked(row.account),
                underlying=row.underlying,
                strikes=told["strikes"],
                expiration=told["expiration"],
                credit=told["credit"],
                opened_at=row.at,
                how=row.text,
                realized=told["realized"],
                estimated=told["estimated"],
                besides=left_out_words(
                    [UnitName(name) for name in told["unexplained"].split()], told["difference"] or Decimal(0)
                ).removeprefix(", "),
            )
        )
    return EndedFound(tuple(found), rows[-1].mark if len(rows) == limit else None)


async def exits_ended_on(records: Records, day: date) -> tuple[ExitView, ...]:
    """The closing orders whose orders ended on this exchange date or later, the newest end first; without an age.
    Raises RecordsError."""
    found = await records.exits.ended_since(datetime.combine(day, time(), EXCHANGE_ZONE))
    if not found:
        return ()
    found = tuple(sorted(found, key=lambda one: (one.terminal_at or one.prepared_at, one.id), reverse=True))
    return await _exit_views(records, found)


async def closing_order(records: Records, exit_id: str) -> ExitView | None:
    """The closing order of this id as it is recorded, also one that has ended; without an age. None when there is none.
    Raises RecordsError."""
    return next(iter(await _exit_views(records, await records.exits.these([exit_id]))), None)


async def _exit_views(records: Records, found: Sequence[Exit]) -> tuple[ExitView, ...]:
    numbers = await _account_numbers(records)
    known = await records.tridents.these(sorted({one.trident_id for one in found}))
    tridents = {one.id: one.trident for one in known}
    views = (exit_view(tridents[one.trident_id], one) for one in found)
    return tuple(replace(view, told=masked_in(view.told, numbers)) for view in views)


async def story(records: Records, cycle: int) -> Story | None:
    """The story of a cycle, None when no such cycle is recorded. Raises RecordsError."""
    file = await records.cycle_details.of_cycle(cycle)
    return None if file is None else _masked(story_of_cycle(file), await _account_numbers(records))


async def slot_story(records: Records, slot: datetime) -> Story:
    """Why no cycle ran at a slot (UTC), and the events around it. Raises RecordsError."""
    of_day = await records.slots.of_day(exchange_time(slot).date())
    record = next((one for one in of_day if one.slot == slot), None)
    found_story = story_of_slot(slot, record, await records.cycle_details.around(slot))
    return _masked(found_story, await _account_numbers(records))


async def entry_story(records: Records, entry_id: str) -> Story | None:
    """The story of an entry, None when no such entry is recorded. Raises RecordsError."""
    file = await records.cycle_details.of_entry(entry_id)
    return None if file is None else _masked(story_of_entry(file), await _account_numbers(records))


async def trident_story(records: Records, trident_id: str) -> Story | None:
    """The story of a trident: its entry, its closing orders and what it earned; None when none is recorded. Raises
    RecordsError."""
    file = await trident_details(records, trident_id)
    return None if file is None else _masked(story_of_trident(file), await _account_numbers(records))


async def closed_alerts(records: Records, since: datetime, limit: int) -> tuple[AlertView, ...]:
    """At most `limit` alerts that closed since the instant, the last closed first. Raises RecordsError."""
    numbers = await _account_numbers(records)
    found = (alert_view(alert) for alert in await records.alerts.closed_since(since, limit))
    return tuple(replace(view, text=masked_in(view.text, numbers)) for view in found)


async def account_changes(records: Records, target: str) -> tuple[ChangeView, ...]:
    """Every change of an account's settings, newest first. `target` is `AccountView.target`; one that names no account
    gives none. Raises RecordsError."""
    number = resolve_account(target, await _account_numbers(records))
    if isinstance(number, Refusal):
        return ()
    changes = await records.accounts.changes(number)
    return tuple(ChangeView(c.at, c.field.value, c.old, c.new, c.who) for c in reversed(changes))


def _masked(found_story: Story, numbers: Sequence[str]) -> Story:
    lines = tuple(
        replace(line, account=masked(line.account) if line.account else "", text=masked_in(line.text, numbers))
        for line in found_story.lines
    )
    return replace(found_story, verdict=masked_in(found_story.verdict, numbers), lines=lines)


async def _account_numbers(records: Records) -> tuple[str, ...]:
    return tuple(account.number for account in await records.accounts.all())
