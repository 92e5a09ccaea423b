"""Market time of some records: the trader's clock, and for a finished demo the moment at which it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.runtime.clock import ShiftedClock
from core.runtime.clock_file import noted_clock
from senex_tui.trader.place import Place, with_records

if TYPE_CHECKING:
    from core.runtime.clock import Clock


async def market_clock(place: Place) -> Clock:
    """The clock that the trader of these records goes by, or went by.

    The market of a demo ends with it: its newest event is then the present, not what its clock would show by now.
    Raises Refused for a demo of another version, RecordsError.
    """
    if place.demo and await place.holder() is None:
        newest = await with_records(place, lambda records: records.journal.newest(1))
        if newest:
            return ShiftedClock(newest[0].at)
    return noted_clock(place.records_file.parent)
