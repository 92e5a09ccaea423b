"""The stories of two tridents from their entry to their end, as the engine lives them and `senex explain` tells them.

They are of the days that `senex demo --days` lives, with the shipped settings. All targets closed the one; its time
exit closed the other with a loss. Equal on each machine.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

from core.config.settings import ScheduleSettings, Settings
from core.records.records import Records
from core.runtime.clock import EXCHANGE_ZONE
from core.snapshot import Mode
from senex_tui.reports.explain import explain
from senex_tui.run.lived.before import traded_by
from senex_tui.run.lived.kept import RECORDS, STATE
from senex_tui.run.lived.order import LivedOrder
from senex_tui.run.lived.process import live_in_child
from senex_tui.trader.place import Place, with_records

PAGE = Path(__file__).parents[3] / "docs" / "trident-explained.md"
_BLOCK = re.compile(r"(?<=```\n)Trident .*?(?=```\n)", re.DOTALL)
FIRST = date(2026, 9, 3)
"""The first session that is lived."""
LOST_ON, WON_ON = date(2026, 9, 10), date(2026, 10, 1)
"""The sessions in which the two were opened."""
WHOLE = (41, date(2026, 11, 2))
"""Sessions to live until both have ended, and the session that follows."""
BEGUN = (5, date(2026, 9, 11))
"""Likewise until the first of them is open."""


def explained(until: tuple[int, date], opened: Sequence[date]) -> tuple[str, ...]:
    """The texts of `senex explain` about the tridents that were opened in these sessions."""
    sessions, opens_on = until
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        order = LivedOrder(
            records=folder / RECORDS,
            save_to=folder / STATE,
            code="story",
            settings=traded_by(Settings()),
            halt_file=folder / "HALT",
            seed=7,
            account="5WT00007",
            cash=Decimal("25000.00"),
            sessions=sessions,
            opens_on=opens_on,
            position_limit=40,
        )
        live_in_child(order, lambda day: None)
        return asyncio.run(_told(Place(Mode.DEMO, folder / RECORDS, folder / "HALT"), opened))


async def _told(place: Place, opened: Sequence[date]) -> tuple[str, ...]:
    async def ids(records: Records) -> dict[date, str]:
        found = await records.tridents.newest(100)
        return {one.opened_at.astimezone(EXCHANGE_ZONE).date(): one.id for one in found}

    by_day = await with_records(place, ids)
    times = ScheduleSettings().slot_times
    return tuple([(await explain(place, times, by_day[day])).to_text() + "\n" for day in opened])


def on_the_page() -> tuple[str, ...]:
    """The stories that the page of the docs shows."""
    return tuple(_BLOCK.findall(PAGE.read_text(encoding="utf-8")))


def write_page(stories: Sequence[str]) -> None:
    """Puts the stories on the page instead of those that it shows. Raises ValueError unless it has a place for each."""
    if len(on_the_page()) != len(stories):
        raise ValueError(f"{PAGE.name} has {len(on_the_page())} places for {len(stories)} stories")
    left = iter(stories)
    PAGE.write_text(_BLOCK.sub(lambda _: next(left), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
