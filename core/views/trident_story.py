"""The story of one trident: its units and what they earned, what is left of it at expiry, and its entry, its closing
orders, what left it and the broker's rows in the order of time (rules 15)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal

from core.domain.operation.amounts import counted, price, quantity, signed_dollars, strike
from core.domain.operation.events import Severity, masked
from core.domain.operation.times import weekday
from core.domain.orders.order_states import OrderState
from core.domain.positions.exit_fate import exit_fate, gained
from core.domain.positions.left import left_at_expiry
from core.domain.positions.matching import Match
from core.domain.positions.trident_view import TridentView
from core.domain.positions.trident_words import (
    ended_words,
    how_it_ended,
    leg_name,
    realized_words,
    short_id,
    title_of,
    unit_words,
    word_of,
)
from core.domain.positions.tridents import Phase
from core.domain.positions.units import UnitName, left_of, legs_of
from core.domain.trident.book_payoff import BookPayoff
from core.records.records import Records
from core.records.repositories.rows import IntentChange
from core.records.repositories.unit_rows import GoneRecord, UnitEarned, earned_together
from core.records.search.trident_details import ExitDetails, TridentDetails
from core.records.store.errors import StateConflict
from core.runtime.clock import exchange_time
from core.snapshot.story import Story, StoryKind, StoryLine
from core.views.entry_story import story_of_entry
from core.views.plain_words import plain_words
from core.views.story import evidence_lines, fill_line, told_at_once

_NOTHING_YET = StoryLine(StoryKind.FIGURE, "so far", "no closing order, and nothing has left it")


async def trident_details(records: Records, trident_id: str) -> TridentDetails | None:
    """Everything that is on record of the trident; None when there is none. Raises RecordsError."""
    entry = await records.cycle_details.of_entry(trident_id)
    if entry is None:
        return None
    try:
        known = await records.tridents_on_record.get(trident_id)
    except StateConflict:
        return None
    exits = [
        ExitDetails(one, await records.exits.history(one.id), await records.exits.evidence(one.id))
        for one in known.exits
    ]
    matches = tuple(await records.transactions.matches_of([trident_id]))
    return TridentDetails(known.record, entry, tuple(exits), known.gone, matches, known.earned)


def story_of_trident(file: TridentDetails) -> Story:
    """Debits are per share of an order's price, results in $ after fees. The broker's own words are not masked here."""
    record, trident = file.record, file.record.trident
    view = TridentView(trident, tuple(one.exit for one in file.exits), tuple(one.gone for one in file.gone))
    word = word_of(view, is_managed=record.managed_since is not None).value
    how = f": {how_it_ended(trident.units)}" if trident.phase is Phase.ENDED else ""
    left = f"; {record.hands_off_why}" if record.hands_off_why and trident.phase is not Phase.ENDED else ""
    earned = _earned_words(file.earned, record.difference, ended=trident.phase is Phase.ENDED)
    verdict = f"{word}{how}, realized {earned}{left}"
    happened = [
        *(line for one in file.exits for line in _exit_lines(one)),
        *(_gone_line(record.account, one) for one in file.gone),
        *(_row_line(record.account, one) for one in file.matches),
    ]
    title = f"Trident {short_id(trident)} of {masked(record.account)}: {title_of(trident)}"
    lines = [
        *_unit_lines(view, file.earned),
        *_expiry_lines(view),
        *story_of_entry(file.entry).lines,
        StoryLine(StoryKind.SECTION, "its way to its end"),
        *(_by_days(happened, record.opened_at) if happened else [_NOTHING_YET]),
    ]
    return Story(title, verdict, tuple(lines))


def _unit_lines(view: TridentView, earned: Mapping[UnitName, UnitEarned]) -> Iterator[StoryLine]:
    """How each unit stands with what it earned, and the contracts that are left."""
    units = view.trident.units
    yield StoryLine(StoryKind.SECTION, "units")
    for unit in units:
        one = earned.get(unit.name)
        result = "" if one is None or one.realized is None else f"; {_earned_words({unit.name: one})}"
        yield StoryLine(StoryKind.FIGURE, unit.name.value, f"{unit_words(unit, view)}{result}")
    legs = legs_of(units).items()
    if legs:
        left = ", ".join(f"{side.value.lower()} {count} {leg_name(symbol)}" for (symbol, side), count in legs)
        yield StoryLine(StoryKind.FIGURE, "left", left)


def _expiry_lines(view: TridentView) -> Iterator[StoryLine]:
    """What the trident brings at expiry, with what it has realized; nothing of one that has ended."""
    trident = view.trident
    if not left_of(trident.units):
        return
    realized = gained(view.exits, trident.units)
    left = None if realized is None else left_at_expiry(trident, realized)
    yield StoryLine(StoryKind.SECTION, "at expiry, before fees")
    if left is None:
        yield StoryLine(StoryKind.FIGURE, "result", "not known while a unit is broken or gone, or fills are missing")
        return
    book = BookPayoff((left,))
    first, *_, last = book.bends
    for settle in book.bends:
        beyond = {first: " and below", last: " and above"}.get(settle, "")
        yield StoryLine(StoryKind.FIGURE, f"{strike(settle)}{beyond}", signed_dollars(book.at(settle)))
    for settle in book.break_evens:
        yield StoryLine(StoryKind.FIGURE, "break-even", price(settle))


def _by_days(happened: Iterable[StoryLine], opened_at: datetime) -> Iterator[StoryLine]:
    """The lines in the order of time, each exchange date under a heading: its weeks have the same times of day."""
    before: date | None = None
    for line in sorted(happened, key=lambda line: line.at or opened_at):
        day = exchange_time(line.at or opened_at).date()
        if day != before:
            yield StoryLine(StoryKind.SECTION, weekday(day))
        before = day
        yield line


def _exit_lines(file: ExitDetails) -> Iterator[StoryLine]:
    exit = file.exit
    name = exit_fate(exit).name
    for change in told_at_once(file.changes):
        yield _change_line(name, exit.account, exit.debit, change)
    for fill in exit.fills:
        yield fill_line(exit.account, fill)
    yield from evidence_lines(exit.account, file.evidence)


def _change_line(name: str, account: str, debit: Decimal, change: IntentChange) -> StoryLine:
    parts = [f"{name} at {price(debit)}"]
    if change.order_id is not None:
        parts.append(f"order {change.order_id}")
    if change.broker_status is not None:
        parts.append(f"the broker says {change.broker_status}")
    if change.detail:
        parts.append(plain_words(change.detail))
    bad = change.state in (OrderState.UNKNOWN, OrderState.INCIDENT)
    return StoryLine(
        StoryKind.EVENT,
        change.state.words,
        "; ".join(parts),
        change.at,
        Severity.CRITICAL if bad else Severity.INFO,
        account=account,
    )


def _gone_line(account: str, left: GoneRecord) -> StoryLine:
    gone = left.gone
    why = "nothing explains it" if gone.cause is None else ended_words(gone.cause)
    figure = "" if left.figure is None else f", its unit's end brought {signed_dollars(left.figure)}"
    orders = f", order {', '.join(left.order_ids)}" if left.order_ids else ""
    text = f"{leg_name(gone.symbol)} of {gone.unit.value} left without an order of ours ({why}{orders}{figure})"
    severity = Severity.WARNING if gone.cause is None else Severity.INFO
    return StoryLine(StoryKind.EVENT, "gone", f"{text}, by {left.who}", gone.found_at, severity, account=account)


def _row_line(account: str, one: Match) -> StoryLine:
    row = one.row
    what = " ".join(filter(None, (row.kind, row.sub_kind)))
    of = f" of {one.unit.value}" if one.unit is not None else ""
    symbol = leg_name(row.symbol) if row.symbol else row.underlying
    text = f"{what}, {quantity(abs(one.quantity))} x {symbol}{of}: {signed_dollars(one.net_value)}, row {row.id}"
    return StoryLine(StoryKind.EVENT, "transaction", text, one.at, account=account)


def _earned_words(
    earned: Mapping[UnitName, UnitEarned], difference: Decimal | None = None, *, ended: bool = False
) -> str:
    found = earned_together(earned, difference, ended=ended)
    open_now = [name for name, one in earned.items() if one.realized is None]
    if found is None or (len(open_now) == len(earned) and not found.unexplained):
        return "nothing yet"
    left = len(open_now) - len(found.unexplained)
    return realized_words(found) + (f" ({counted(left, 'unit')} without a result)" if left else "")
