"""The doctor's rows about records in PostgreSQL."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from core.domain.operation.times import stamp
from senex_tui.doctor.doctor import Finding, Row

if TYPE_CHECKING:
    from senex_tui.trader.place import Place

MEND = "check database.url, its password and rights, and that the server runs (docs/scaling.md)"
NOT_YET = "start the console once"


def records_row(place: Place) -> Row:
    """Whether the server answers and its records have the schema of this version."""
    from core.records.records import Records
    from core.records.store.errors import RecordsError

    async def check() -> None:
        records = await Records.open(place.url, trader=False)
        await records.close()

    try:
        asyncio.run(check())
    except RecordsError as error:
        if str(error).endswith(NOT_YET):
            return Row("records", Finding.SKIP, f"{place.named} has none yet; they are made at the first start")
        return Row("records", Finding.FAIL, str(error), MEND)
    return Row("records", Finding.OK, f"{place.named}, of this version")


def lock_row(place: Place) -> Row:
    """Who holds the lock in the database, on whichever machine."""
    from core.records.store.errors import RecordsError

    try:
        holder = asyncio.run(place.holder())
    except RecordsError as error:
        return Row("lock", Finding.FAIL, str(error), MEND)
    if holder is None:
        return Row("lock", Finding.OK, "free: no console trades with these records")
    where = f" on {holder.host}" if holder.host else ""
    since = stamp(holder.since)
    return Row("lock", Finding.OK, f"a console trades{where} ({holder.mode}, process {holder.pid}, since {since})")
