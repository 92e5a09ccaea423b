"""The tridents that are still held, as the last confirmed comparison with the broker left them (rules 7)."""

from __future__ import annotations

from datetime import date

from core.domain.orders.orders import Entry
from core.domain.risk.held import GONE, differing_words
from core.records.repositories.entry_reads import EntryReads
from core.records.repositories.journal import Journal

COMPARED = "positions.compared"
"""The kind of the events that tell what the broker holds of an entry, each time that has changed."""


async def last_compared(journal: Journal, entry_id: str) -> str:
    """What was last told of the entry: the legs that are missing at the broker, empty while all are held, GONE when
    none is. Raises RecordsError."""
    event = await journal.newest_with(COMPARED, ("entry", entry_id))
    return "" if event is None else str(dict(event.figures)["missing"])


async def open_tridents(
    entries: EntryReads, journal: Journal, account: str, today: date
) -> tuple[tuple[Entry, str], ...]:
    """The account's entries that are positions at risk, each with what every place says of a difference with the
    broker. One of which the broker holds nothing any more is left out. Raises RecordsError."""
    found = []
    for entry in await entries.filled_open(account, today):
        missing = await last_compared(journal, entry.id)
        if missing != GONE:
            found.append((entry, differing_words(missing)))
    return tuple(found)
