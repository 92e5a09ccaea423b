"""`senex demo --list`: the demos there are, what became of their entries, and which of them runs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from core.domain.orders.fate import fate_of
from core.records.store.errors import RecordsError
from senex_tui.support.refusals import Refused
from senex_tui.support.text import table
from senex_tui.trader.place import Place, demos, with_records

if TYPE_CHECKING:
    from core.config.folders import Folders
    from core.records.records import Records


def demo_lines(folders: Folders) -> list[str]:
    """A table of the demos, those written last first."""
    return asyncio.run(_lines(demos(folders)))


async def _lines(places: Iterable[Place]) -> list[str]:
    rows = [await _row(place) for place in places]
    if not rows:
        return ["there is no `senex demo` yet; start one with `senex demo`."]
    return table(("NAME", "", "DAYS", "CYCLES", "ENTRIES"), rows, right=frozenset({"CYCLES"}))


async def _row(place: Place) -> list[str]:
    state = "finished" if await place.holder() is None else "running"
    try:
        return [place.demo, state, *await with_records(place, _counted)]
    except Refused:
        return [place.demo, state, "", "", "recorded by another version of senex"]
    except RecordsError:
        return [place.demo, state, "", "", "cannot be read"]


async def _counted(records: Records) -> list[str]:
    """Days, cycles and the fates of entries, in words."""
    days = await records.cycles.of_days()
    fates = Counter([fate_of(entry).kind.value for day in days for entry in await records.entries.of_day(day)])
    entered = ", ".join(f"{count} {kind}" for kind, count in sorted(fates.items()))
    return [_span(list(days)), str(sum(days.values())), entered or "none"]


def _span(days: list[date]) -> str:
    if not days:
        return "none"
    return f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
