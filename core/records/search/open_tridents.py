"""The tridents that are still held, as the last confirmed comparison with the broker left them (rules 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from core.domain.orders.orders import Entry
from core.domain.risk.exposure import risk_left
from core.domain.risk.held import GONE, differing_words
from core.records.repositories.entry_reads import EntryReads
from core.records.repositories.journal import Journal
from core.records.repositories.trident_rows import TridentRecord

COMPARED = "positions.compared"
"""The kind of the events that tell what the broker holds of an entry, each time that has changed."""


async def last_compared(journal: Journal) -> Mapping[str, str]:
    """What was last told of each entry, by its id: the legs that are missing at the broker, empty while all are held,
    GONE when none is. Of an entry that is not there, all are held. Raises RecordsError."""
    told: dict[str, str] = {}
    for event in await journal.newest_of_kind(COMPARED):
        figures = dict(event.figures)
        told.setdefault(str(figures["entry"]), str(figures["missing"]))
    return told


async def open_tridents(
    entries: EntryReads, journal: Journal, account: str, today: date
) -> tuple[tuple[Entry, str], ...]:
    """The account's entries that are positions at risk, each with what every place says of a difference with the
    broker. One of which the broker holds nothing any more is left out. Raises RecordsError."""
    found = []
    filled = await entries.filled_open(account, today)
    told = await last_compared(journal) if filled else {}
    for entry in filled:
        missing = told.get(entry.id, "")
        if missing != GONE:
            found.append((entry, differing_words(missing)))
    return tuple(found)


def open_risk(entry: Entry, held: Iterable[TridentRecord]) -> Decimal | None:
    """What is left of the trident of an entry can lose, in $; None when it is unknown. `held` are those of its
    account."""
    return risk_left(entry, next((one.trident for one in held if one.id == entry.id), None))
