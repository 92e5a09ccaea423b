"""`senex backup`: copies the records into one file while the console goes on."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from senex_tui.support.refusals import Refused
from senex_tui.trader.place import schema_name

if TYPE_CHECKING:
    from senex_tui.trader.place import Place

FOLDER = "backups"


def backed_up(place: Place, file: Path | None, now: datetime) -> str:
    """Copies the records into a file and returns a sentence that says where it is.

    Without `file` it is a new one in the data folder's `backups`, named by `now`: the machine's time, aware, UTC.
    Raises Refused and RecordsError.
    """
    from core.records.store.backup import back_up

    if place.database is not None:
        raise Refused(
            "the records are in PostgreSQL; use its own pg_dump for a copy of one moment while the console goes on: "
            f'pg_dump -Fc --schema={schema_name(place.mode)} --file=senex.dump "$DATABASE"; see docs/scaling.md.'
        )
    place.need_records()
    folder = place.halt_file.parent / FOLDER
    target = (file or folder / f"{place.mode.value}-{now:%Y%m%dT%H%M%SZ}.sqlite3").expanduser().absolute()
    size = back_up(place.records_file, target)
    return f"{target}: {size:,} bytes, read back and whole; to restore it see docs/upkeep.md"
