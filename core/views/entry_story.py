"""The story of one entry: its price and risk, its legs with the fills of each, and its states to the end (rules 8,
9)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from core.domain.operation import amounts
from core.domain.operation.amounts import credit
from core.domain.operation.events import masked
from core.domain.orders.fate import day_words, fate_of, fate_words
from core.domain.orders.orders import Entry, OrderLeg
from core.domain.orders.packages import fill_credit, risk_at
from core.records.search.cycle_details import EntryDetails
from core.snapshot.story import Story, StoryKind, StoryLine
from core.views.story import entry_lines


def story_of_entry(file: EntryDetails) -> Story:
    """Credits are per share, risks in $ for all packages. The broker's own words are not masked here."""
    entry = file.entry
    fate = fate_of(entry)
    verdict = f"{fate_words(fate)}; {day_words(fate, reentry_allowed=file.reentry_allowed)}"
    lines = (*_price_lines(entry), *_leg_lines(entry), *entry_lines(file))
    return Story(f"Entry of {masked(entry.account)} on {entry.session_day}, cycle {entry.cycle}", verdict, lines)


def _price_lines(entry: Entry) -> Iterator[StoryLine]:
    yield StoryLine(StoryKind.SECTION, "price and risk")
    filled, limit = fill_credit(entry), entry.standing_limit
    yield _figure("limit", f"{credit(limit)} credit, {_risk(entry, limit)}")
    yield _figure("natural", f"{credit(entry.natural)} credit, {_risk(entry, entry.natural)}")
    yield _figure("mid", f"{credit(entry.mid)} credit, {_risk(entry, entry.mid)}")
    if filled is not None:
        slippage = amounts.signed(filled - entry.mid)
        yield _figure("fill", f"{credit(filled)} credit, {_risk(entry, filled)}, {slippage} to mid")
    yield _figure("risk gate", f"passed with {amounts.dollars(entry.max_risk)}")
    yield _figure("suggestion", entry.suggestion_id)


def _leg_lines(entry: Entry) -> Iterator[StoryLine]:
    yield StoryLine(StoryKind.SECTION, "legs")
    names = entry.strikes.split("/")
    for number, leg in enumerate(entry.terms.legs):
        yield _figure(names[number] if number < len(names) else f"leg {number + 1}", _leg_words(entry, leg))


def _leg_words(entry: Entry, leg: OrderLeg) -> str:
    fills = [fill for fill in entry.fills if fill.symbol == leg.symbol]
    filled = sum((fill.quantity for fill in fills), Decimal(0))
    at = ", ".join(f"{amounts.quantity(fill.quantity)} at {credit(fill.price)}" for fill in fills)
    told = f": {at}" if at else ""
    symbol = " ".join(leg.symbol.split())
    return f"{leg.action.value} {leg.quantity} {symbol}, {amounts.quantity(filled)} of {leg.quantity} filled{told}"


def _figure(label: str, text: str) -> StoryLine:
    return StoryLine(StoryKind.FIGURE, label, text)


def _risk(entry: Entry, at: Decimal) -> str:
    return amounts.risk(risk_at(entry, at))
