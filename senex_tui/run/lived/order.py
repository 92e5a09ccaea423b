"""What a process that lives days is asked for, and what it says of them. Both are JSON objects of one line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from core.domain.reporting.cash_sum import CashSum


@dataclass(frozen=True, slots=True)
class LivedOrder:
    """The days to live. Paths are of files on this machine; the folders exist.

    Without `state` a new world of `seed` and `account` begins, `sessions` sessions before the first one on or after
    `opens_on`, and ends when the last of them has been told. With it the world in that file goes on, with the records
    as they are, to the instant `until`.
    """

    records: Path
    """The records file; made when it is not there."""
    save_to: Path
    """Where the state of the simulated broker is written at the end."""
    code: str
    """What stands in state files for the code that wrote them."""
    settings: str
    """The sections of the settings by which the engine trades, as `traded_by` writes them."""
    halt_file: Path
    seed: int = 0
    account: str = ""
    cash: Decimal = Decimal(0)
    sessions: int = 0
    opens_on: date | None = None
    position_limit: int | None = None
    """The account's own limit of open positions; None leaves that of the settings."""
    state: Path | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LivedDay:
    """One session that has been lived: the `done`th of `of`. `entries` counts those filled since the start; `cash` is
    the account's at the end of the day, in $."""

    day: date
    done: int
    of: int
    entries: int
    cash: Decimal


@dataclass(frozen=True, slots=True)
class Lived:
    """The end of the days: the instant at which the state was saved, the session that comes next, and what the days
    before a demo earned; None where nothing is told of it."""

    at: datetime
    opens: date
    earned: CashSum | None = None
