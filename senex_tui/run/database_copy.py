"""`senex db copy`: copies the records of a mode from its file into PostgreSQL and verifies them (rules 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from senex_tui.reports.check import columns
from senex_tui.support.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.records.copying import TableCopy
    from senex_tui.trader.place import Place


async def copied(place: Place) -> list[str]:
    """Copies the records of this mode from the file into database.url. Returns lines that say what was verified.

    File and database are locked meanwhile, so that nobody trades with either. The file is never changed. Raises
    Refused, LockRefused and RecordsError; the database then holds nothing new.
    """
    from core.records.copying import copy_records
    from senex_tui.trader.locks import take_locks, this_trader
    from senex_tui.trader.place import Place

    if place.database is None:
        raise Refused("database.url is not set; set it to the PostgreSQL database to copy into.")
    source = Place(place.mode, place.records_file, place.halt_file)
    source.need_records()
    ours = await take_locks(source, "no broker is asked")
    try:
        theirs = await take_locks(place, "no broker is asked")
        try:
            tables = await copy_records(source.url, place.url, this_trader(place).to_text())
        finally:
            theirs.release()
    finally:
        ours.release()
    return list(_lines(place, tables))


def _lines(place: Place, tables: tuple[TableCopy, ...]) -> Iterator[str]:
    rows = [("table", "rows", "checksum, the same in both")]
    rows += [(table.name, f"{table.rows:,}", table.checksum) for table in tables]
    yield from columns(rows)
    yield f"{sum(table.rows for table in tables):,} rows copied and read back; {place.records_file} was not changed"
