"""The truth about each account's day, from the rows of the records alone (rules 4.4, 9, 12, 13.8).

It is written apart: it imports nothing of the product's fates, next steps or views, and has its own arithmetic and its
own short ladder, so that a fault in those cannot hide behind itself.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
FIRST_SLOT, LAST_SLOT = time(9, 45), time(14, 45)
BETWEEN_SLOTS = timedelta(minutes=15)
BEFORE_CLOSE = timedelta(minutes=15)


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


_STATES = {
    "prepared": Kind.SENDING,
    "sent": Kind.SENDING,
    "not_sent": Kind.NOT_SENT,
    "working": Kind.WORKING,
    "filled": Kind.FILLED,
    "rejected": Kind.REJECTED,
    "cancelled": Kind.CANCELLED,
    "expired": Kind.EXPIRED,
    "unknown": Kind.UNKNOWN,
    "absent": Kind.ABSENT,
    "incident": Kind.INCIDENT,
}
_BROKER = {
    "Filled": Kind.FILLED,
    "Rejected": Kind.REJECTED,
    "Cancelled": Kind.CANCELLED,
    "Removed": Kind.CANCELLED,
    "Partially Removed": Kind.CANCELLED,
    "Expired": Kind.EXPIRED,
}
"""What a final status at the exchange means; every other status works."""
_OFF, _HELD_BY = "account_disabled", ("entry_today", "validated_today")
_NOT_ASKED = "not_asked"
_ATTEMPTS = (
    "SELECT DISTINCT e.cycle, e.attempt, e.underlying FROM events e JOIN cycles c ON c.number = e.cycle "
    "WHERE c.session_day = ? AND c.ended_at IS NOT NULL AND e.attempt IS NOT NULL AND e.underlying IS NOT NULL "
    "AND e.kind LIKE 'step.%'"
)


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

    `reconciling`, `stopped_here`, `gate` (the trading state), `breakers` (kind and subject) and `runs` (a cycle) are of
    the running console: it closes the gate first, and the record follows (rules 13.9). `sends` is false in a dry run.
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


def _badness_of(entry: Truth) -> int:
    """What traded in part before it ended has succeeded; what an operator here cancelled was a decision."""
    if entry.kind in (Kind.CANCELLED, Kind.EXPIRED) and (entry.traded or entry.by):
        return 1 if entry.traded else 0
    return badness(entry.kind)


def read_truth(database: sqlite3.Connection, facts: Facts) -> Day:
    """The truth by the committed rows, at the moment of `facts`."""
    rows = _Rows(database)
    fills: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows("SELECT * FROM fills ORDER BY seq"):
        fills[row["entry_id"]].append(row)
    stored = rows("SELECT * FROM entries ORDER BY prepared_at, id")
    entries = tuple(_entry(row, fills[row["id"]]) for row in stored)
    cycles = {cycle.number: cycle for cycle in _cycles(rows, entries)}
    missed = {
        instant(row["slot"]): row["reason_code"]
        for row in rows("SELECT * FROM slots WHERE session_day = ? AND state = 'missed'", facts.today.isoformat())
    }
    trading = next(iter(rows("SELECT * FROM trading_state")), None) or {"state": "active", "who": "", "why": ""}
    accounts = rows("SELECT * FROM accounts ORDER BY number")
    changes: dict[str, list[Kind]] = defaultdict(list)
    for row in rows("SELECT entry_id, state FROM entry_changes ORDER BY seq"):
        changes[row["entry_id"]].append(_STATES[row["state"]])
    steps = _Ladder(rows, facts, entries, trading["state"])
    return Day(
        facts,
        tuple(row["number"] for row in accounts),
        entries,
        cycles,
        missed,
        {row["number"]: steps.of(row) for row in accounts},
        trading["state"],
        trading["who"],
        trading["why"],
        {entry: tuple(kinds) for entry, kinds in changes.items()},
        frozenset((row["cycle"], row["attempt"], row["underlying"]) for row in rows(_ATTEMPTS, facts.today.isoformat())),
    )


def at_the_exchange(status: str, filled: int) -> Kind:
    """What an order of this status with so many contracts filled is, by the exchange's word."""
    kind = _BROKER.get(status)
    if kind is None:
        return Kind.PARTLY if filled else Kind.WORKING
    return kind


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


class _Rows:
    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __call__(self, query: str, *values: object) -> list[dict[str, Any]]:
        cursor = self._database.execute(query, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _entry(row: dict[str, Any], fills: Sequence[dict[str, Any]]) -> Truth:
    legs = json.loads(row["request"])["legs"]
    filled: dict[str, Decimal] = defaultdict(Decimal)
    cash = Decimal(0)
    sells = {leg["symbol"]: leg["action"].startswith("Sell") for leg in legs}
    for fill in fills:
        quantity = Decimal(fill["quantity"])
        filled[fill["symbol"]] += quantity
        cash += quantity * Decimal(fill["price"]) * (1 if sells[fill["symbol"]] else -1)
    whole = all(filled[leg["symbol"]] >= leg["quantity"] for leg in legs)
    kind = _STATES[row["state"]]
    contracts = int(sum(filled.values(), Decimal(0)))
    if kind is Kind.WORKING and contracts and not whole:
        kind = Kind.PARTLY
    return Truth(
        entry=row["id"],
        account=row["account"],
        day=date.fromisoformat(row["session_day"]),
        cycle=row["cycle"],
        kind=kind,
        contracts=contracts,
        ordered=sum(leg["quantity"] for leg in legs),
        credit=cash if whole else None,
        limit=Decimal(row["limit"]),
        holds_day=bool(row["holds_day"]),
        by=row["cancel_requested_by"],
        underlying=row["underlying"],
        strikes=row["strikes"],
        identifier=row["identifier"],
        why_not="" if contracts else row["detail"] or row["state"],
    )


def _cycles(rows: _Rows, entries: Sequence[Truth]) -> list[CycleTruth]:
    results: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows("SELECT * FROM account_results ORDER BY cycle, account"):
        results[row["cycle"]].append(row)
    validated = {
        (row["cycle"], row["account"]) for row in rows("SELECT cycle, account FROM suggestions WHERE validated")
    }
    found = []
    for row in rows("SELECT * FROM cycles ORDER BY number"):
        number = row["number"]
        ran = {run["account"]: run for run in results[number] if run["outcome"] != _NOT_ASKED}
        came_to = {account: _of_run(run, (number, account) in validated) for account, run in ran.items()}
        ranks = {account: badness(kind) for account, kind in came_to.items()}
        for entry in entries:
            if entry.cycle == number and entry.kind is not Kind.NOT_SENT:
                came_to[entry.account], ranks[entry.account] = entry.kind, _badness_of(entry)
        shown = {a: k for a, k in came_to.items() if a not in ran or ran[a]["reason_code"] != _OFF} or came_to
        found.append(
            CycleTruth(
                number,
                date.fromisoformat(row["session_day"]),
                None if row["slot"] is None else instant(row["slot"]),
                bool(row["forced"]),
                row["ended_at"] is not None,
                shown,
                {account: ranks[account] for account in shown},
                _recorded(row),
            )
        )
    return found


def _of_run(run: dict[str, Any], validated: bool) -> Kind:
    if run["reason_code"] in _HELD_BY:
        return Kind.HELD
    kind = Kind(run["outcome"])
    return Kind.VALIDATED if kind is Kind.SUCCEEDED and validated else kind


def _recorded(row: dict[str, Any]) -> Kind:
    if row["reason_code"] == "interrupted" or not row["outcome"]:
        return Kind.INTERRUPTED
    return Kind.HELD if row["reason_code"] in _HELD_BY else Kind(row["outcome"])


class _Ladder:
    """What comes next, by rules 9: whatever keeps an account from entering, else the next slot."""

    def __init__(self, rows: _Rows, facts: Facts, entries: Sequence[Truth], trading: str) -> None:
        self._facts, self._entries, self._trading = facts, entries, trading
        recorded = rows("SELECT kind, subject FROM breakers WHERE closed_at IS NULL")
        self._breakers = {(row["kind"], row["subject"]) for row in recorded} | facts.breakers
        self._refused = {row["name"] for row in rows("SELECT name FROM logins WHERE NOT is_valid")}
        self._allowed = {
            row["entry_id"]
            for row in rows("SELECT entry_id FROM evidence WHERE replace(detail, ' ', '') LIKE '%\"allow_reentry\":true%'")
        }
        self._validated = {
            row["account"]
            for row in rows("SELECT account FROM suggestions WHERE validated AND session_day = ?",
                            facts.today.isoformat())
        }  # fmt: skip

    def of(self, account: dict[str, Any]) -> NextTruth:
        facts, number = self._facts, account["number"]
        steps = set(self._stopped())
        if account["is_closed"] or not account["enabled"] or account["login"] in self._refused:
            steps.add(Step.OFF)
        if account["skip_day"] == facts.today.isoformat():
            steps.add(Step.SKIPPED)
        if any(subject in (number, account["login"]) for _, subject in self._breakers):
            steps.add(Step.BREAKER)
        if number in facts.reconciling:
            steps.add(Step.RECONCILING)
        if number in self._validated and not facts.sends:
            steps.add(Step.VALIDATED)
        for entry in self._entries:
            if entry.account == number and entry.day == facts.today and entry.holds_day:
                steps |= self._held_by(entry)
        if facts.runs and facts.console:
            steps.add(Step.RUNNING)
        slot = next_slot(facts)
        if slot is None:
            steps.add(Step.CLOSED)
        return NextTruth(number, None, frozenset(steps)) if steps else NextTruth(
            number, slot, frozenset({Step.ENTERS})
        )  # fmt: skip

    def _stopped(self) -> list[Step]:
        facts = self._facts
        stops = {
            Step.NO_CONSOLE: not facts.console,
            Step.HALTED: facts.kill_file or "halted" in (self._trading, facts.gate),
            Step.PAUSED: "paused" in (self._trading, facts.gate) or facts.stopped_here,
            Step.BREAKER: any(not subject for _, subject in self._breakers),
        }
        return [step for step, holds in stops.items() if holds]

    def _held_by(self, entry: Truth) -> set[Step]:
        if entry.kind in (Kind.SENDING, Kind.WORKING, Kind.PARTLY):
            return {Step.WORKING}
        if entry.traded and entry.kind is not Kind.INCIDENT or entry.kind is Kind.FILLED:
            return {Step.DONE}
        if entry.kind is Kind.EXPIRED or entry.entry in self._allowed:
            return {Step.FREEING}
        # Whose cancel frees the day by itself is decided elsewhere; either way it does not enter.
        return {Step.HELD, Step.FREEING} if entry.kind is Kind.CANCELLED else {Step.HELD}


def next_slot(facts: Facts) -> datetime | None:
    """Today's next slot: every 15 minutes from 9:45 to 14:45, none later than 15 minutes before the close (rules 3)."""
    if facts.close is None:
        return None
    local = facts.now.astimezone(NEW_YORK)
    slot = datetime.combine(local.date(), FIRST_SLOT, NEW_YORK)
    last = min(datetime.combine(local.date(), LAST_SLOT, NEW_YORK), facts.close.astimezone(NEW_YORK) - BEFORE_CLOSE)
    while slot <= last:
        if slot > local:
            return slot
        slot += BETWEEN_SLOTS
    return None
