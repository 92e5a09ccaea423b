"""`senex demo --days N`: the sessions before the demo are lived, or found kept, before the console opens."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from core.domain.market.sessions import SlotTimes
from core.domain.operation.ascii import ascii_look
from core.domain.reporting.cash_sum import cash_words
from core.runtime.clock import EXCHANGE_ZONE, SystemClock, exchange_time
from senex_tui.run.lived.code import code_hash
from senex_tui.run.lived.kept import RECORDS, STATE, KeptDays, Wanted, kept_days
from senex_tui.run.lived.order import Lived, LivedOrder
from senex_tui.run.lived.process import live_in_child
from senex_tui.run.lived.progress import DaysProgress
from senex_tui.support.outlet import print_line

if TYPE_CHECKING:
    from core.config.folders import Folders
    from core.config.settings import Settings

CASH = Decimal("25000.00")
POSITION_LIMIT = 40
"""Open positions that the demo's own account may have: with the shipped limit nothing would enter from the second week
to the first expiration."""
WALL_SECONDS_BEFORE_SLOT = 15.0
TRADED_BY = ("trading", "schedule", "underlyings", "exits")
"""The sections of the settings by which the engine trades."""


def days_before(
    seed: int, start: datetime | None, settings: Settings, folders: Folders, sessions: int, *, ascii_only: bool
) -> KeptDays:
    """The sessions before a demo that starts then, or now. Shows the progress on standard error while they are lived,
    and then in one line what they earned.

    Raises OSError, Refused and KeyboardInterrupt; then nothing is kept.
    """
    clock = SystemClock()
    wanted = Wanted(
        seed=seed,
        sessions=sessions,
        opens_on=exchange_time(start or clock.now()).date(),
        account=f"5WT{seed % 100_000:05d}",
        cash=CASH,
        position_limit=POSITION_LIMIT,
        settings=traded_by(settings),
        code=code_hash(),
    )
    progress = DaysProgress("before the demo", clock, ascii_only=ascii_only)

    def live(folder: Path) -> Lived:
        progress.begin()
        try:
            return live_in_child(_order(wanted, folder), progress.show)
        finally:
            progress.end()

    found = kept_days(folders.records("demo").parent / "kept", wanted, live)
    if found.earned is not None:
        words = cash_words(found.earned, sessions)
        print_line(ascii_look(words) if ascii_only else words, error=True)
    return found


def opening(past: KeptDays, speed: float) -> datetime:
    """When a demo opens on them: 15 wall seconds before the first slot of the session that follows."""
    slot = datetime.combine(past.opens, SlotTimes().first, EXCHANGE_ZONE)
    return slot - timedelta(seconds=WALL_SECONDS_BEFORE_SLOT * speed)


def traded_by(settings: Settings) -> str:
    """The sections by which the engine trades, as JSON whose numbers are exact."""
    chosen = settings.model_dump(include=set(TRADED_BY))
    return msgspec.json.Encoder(decimal_format="number").encode(chosen).decode()


def _order(wanted: Wanted, folder: Path) -> LivedOrder:
    return LivedOrder(
        records=folder / RECORDS,
        save_to=folder / STATE,
        code=wanted.code,
        settings=wanted.settings,
        halt_file=folder / "HALT",  # that of the data folder is about today
        seed=wanted.seed,
        account=wanted.account,
        cash=wanted.cash,
        sessions=wanted.sessions,
        opens_on=wanted.opens_on,
        position_limit=wanted.position_limit,
    )
