"""The values of the truth: what became of an entry, of a cycle and of an account's day, and what comes next."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")


class Kind(StrEnum):
    """What an entry, or a run that made none, has come to."""

    SENDING = "sending"
    NOT_SENT = "not sent"
    WORKING = "working"
    PARTLY = "partly filled"
    FILLED = "filled"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    ABSENT = "absent"
    INCIDENT = "incident"
    VALIDATED = "validated"
    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    HELD = "held"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    MISSED = "missed"
    RUNNING = "running"


class Step(StrEnum):
    """What comes next for an account, or what keeps it from entering."""

    ENTERS = "enters"
    RUNNING = "running"
    DONE = "done"
    WORKING = "working"
    HELD = "held"
    FREEING = "freeing"
    OFF = "off"
    SKIPPED = "skipped"
    PAUSED = "paused"
    HALTED = "halted"
    BREAKER = "breaker"
    RECONCILING = "reconciling"
    VALIDATED = "validated"
    CLOSED = "closed"
    NO_CONSOLE = "no console"


@dataclass(frozen=True, slots=True)
class Truth:
    """One entry. `contracts` are filled, over all legs; `credit` is per share, None until every leg is filled.

    `limit` is per share. `why_not` says why it is not traded, empty when it is. `by` is who asked here to cancel it.
    """

    entry: str
    account: str
    day: date
    cycle: int
    kind: Kind
    contracts: int
    ordered: int
    credit: Decimal | None
    limit: Decimal
    holds_day: bool
    by: str
    underlying: str
    strikes: str
    identifier: str
    why_not: str

    @property
    def traded(self) -> bool:
        """Whether a contract is filled (rules 1)."""
        return self.contracts > 0


@dataclass(frozen=True, slots=True)
class CycleTruth:
    """One cycle. `came_to` has what each account that was asked came to, by full number, `ranks` how bad that is."""

    number: int
    day: date
    slot: datetime | None
    forced: bool
    has_ended: bool
    came_to: Mapping[str, Kind]
    ranks: Mapping[str, int]
    recorded: Kind

    @property
    def worst(self) -> frozenset[Kind]:
        """The kinds of the worst of its accounts; any of them may stand for the cycle."""
        if not self.has_ended:
            return frozenset({Kind.RUNNING})
        if not self.came_to:
            return frozenset({self.recorded})
        return frozenset(kind for account, kind in self.came_to.items() if self.ranks[account] == self.rank)

    @property
    def rank(self) -> int:
        """How bad the cycle is, by rules 4.4."""
        return max(self.ranks.values(), default=badness(self.recorded))


@dataclass(frozen=True, slots=True)
class NextTruth:
    """What comes next for an account. `enters_at` is the slot that will enter, None when none will; `steps` are all
    the causes that hold now, of which a place may name any."""

    account: str
    enters_at: datetime | None
    steps: frozenset[Step]


@dataclass(frozen=True, slots=True)
class Facts:
    """What no row of the records says. `open` and `close` are the session's, None without one.

    `reconciling`, `stopped_here`, `gate` (the trading state), `breakers` (kind and subject), `runs` (a cycle),
    `at_broker` (the accounts whose day another person's trident holds) and `unrecorded` (today's missed slots that
    could not be recorded yet) are of the running console: it closes the gate first, and the record follows (rules
    13.9). `sends` is false in a dry run.
    """

    now: datetime
    open: datetime | None
    close: datetime | None
    console: bool = True
    kill_file: bool = False
    stopped_here: bool = False
    gate: str = ""
    breakers: frozenset[tuple[str, str]] = frozenset()
    reconciling: frozenset[str] = frozenset()
    at_broker: frozenset[str] = frozenset()
    unrecorded: frozenset[datetime] = frozenset()
    runs: bool = False
    sends: bool = True

    @property
    def today(self) -> date:
        return self.now.astimezone(NEW_YORK).date()


@dataclass(frozen=True, slots=True)
class Day:
    """All that is true now. `entries` are of every day, oldest first; `missed` has today's missed slots' reasons."""

    facts: Facts
    accounts: tuple[str, ...]
    entries: tuple[Truth, ...]
    cycles: Mapping[int, CycleTruth]
    missed: Mapping[datetime, str]
    next: Mapping[str, NextTruth]
    trading: str
    who: str = ""
    why: str = ""
    changes: Mapping[str, tuple[Kind, ...]] = field(default_factory=dict)
    """The kinds each entry went through, by its id."""
    attempts: frozenset[tuple[int, int, str]] = frozenset()
    """Today's attempts: cycle, number and underlying."""

    @property
    def today(self) -> date:
        return self.facts.today

    def of_today(self) -> tuple[Truth, ...]:
        return tuple(entry for entry in self.entries if entry.day == self.today)

    def entry(self, identifier: str) -> Truth | None:
        return next((entry for entry in self.entries if entry.entry == identifier), None)

    def of_cycle(self, number: int) -> tuple[Truth, ...]:
        return tuple(entry for entry in self.entries if entry.cycle == number)

    @property
    def enters_at(self) -> datetime | None:
        """The earliest slot at which any account enters."""
        return min((each.enters_at for each in self.next.values() if each.enters_at is not None), default=None)


def badness(kind: Kind) -> int:
    """The rank of rules 4.4: unknown, failed, succeeded, skipped."""
    if kind in (Kind.UNKNOWN, Kind.SENDING):
        return 3
    if kind in (Kind.REJECTED, Kind.ABSENT, Kind.INCIDENT, Kind.EXPIRED, Kind.CANCELLED, Kind.FAILED, Kind.INTERRUPTED):
        return 2
    return 1 if kind in (Kind.WORKING, Kind.PARTLY, Kind.FILLED, Kind.SUCCEEDED, Kind.VALIDATED) else 0


class Rows:
    """Asks the records, and names the columns of each row."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __call__(self, query: str, *values: object) -> list[dict[str, Any]]:
        cursor = self._database.execute(query, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
