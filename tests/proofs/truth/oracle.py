"""The truth about each account's day, from the rows of the records alone (rules 4.4, 9, 12, 13.8).

It is written apart: it imports nothing of the product's fates, next steps or views, and has its own arithmetic and its
own short ladder, so that a fault in those cannot hide behind itself.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tests.proofs.truth.ladder import Ladder
from tests.proofs.truth.values import CycleTruth, Day, Facts, Kind, Rows, Truth, badness

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
CYCLES_LOOKED_AT = 1000
"""The newest of them: more than the 20 sessions of which any place tells."""
_OFF, _HELD_BY = "account_disabled", ("entry_today", "validated_today")
_NOT_ASKED = "not_asked"
_ATTEMPTS = (
    "SELECT DISTINCT e.cycle, e.attempt, e.underlying FROM events e JOIN cycles c ON c.number = e.cycle "
    "WHERE c.session_day = ? AND c.ended_at IS NOT NULL AND e.attempt IS NOT NULL AND e.underlying IS NOT NULL "
    "AND e.kind LIKE 'step.%'"
)


def _badness_of(entry: Truth) -> int:
    """What traded in part before it ended has succeeded; what an operator here cancelled was a decision, and what the
    broker refused beside a closing order is a rule."""
    if entry.kind is Kind.REJECTED and "opposing_order" in entry.why_not:
        return 0
    if entry.kind in (Kind.CANCELLED, Kind.EXPIRED) and (entry.traded or entry.by):
        return 1 if entry.traded else 0
    return badness(entry.kind)


def read_truth(database: sqlite3.Connection, facts: Facts) -> Day:
    """The truth by the committed rows, at the moment of `facts`."""
    rows = Rows(database)
    fills: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows("SELECT * FROM fills ORDER BY seq"):
        fills[row["intent_id"]].append(row)
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
    for row in rows("SELECT intent_id, state FROM intent_changes ORDER BY seq"):
        changes[row["intent_id"]].append(_STATES[row["state"]])
    steps = Ladder(rows, facts, entries, trading["state"])
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
        frozenset(
            (row["cycle"], row["attempt"], row["underlying"]) for row in rows(_ATTEMPTS, facts.today.isoformat())
        ),
    )


def at_the_exchange(status: str, filled: int) -> Kind:
    """What an order of this status with so many contracts filled is, by the exchange's word."""
    kind = _BROKER.get(status)
    if kind is None:
        return Kind.PARTLY if filled else Kind.WORKING
    return kind


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _entry(row: dict[str, Any], fills: Sequence[dict[str, Any]]) -> Truth:
    asked = json.loads(row["request"])["legs"]
    legs = json.loads(row["taken"])["legs"] if row["taken"] else asked  # as an operator has attested it
    packages = math.gcd(*(leg["quantity"] for leg in legs)) // math.gcd(*(leg["quantity"] for leg in asked)) or 1
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
        credit=cash / packages if whole else None,
        limit=Decimal(row["limit"]),
        holds_day=bool(row["holds_day"]),
        by=row["cancel_requested_by"],
        underlying=row["underlying"],
        strikes=row["strikes"],
        identifier=row["identifier"],
        why_not="" if contracts else row["detail"] or row["state"],
    )


def _cycles(rows: Rows, entries: Sequence[Truth]) -> list[CycleTruth]:
    results: dict[int, list[dict[str, Any]]] = defaultdict(list)
    first = (next(iter(rows("SELECT max(number) AS newest FROM cycles")))["newest"] or 0) - CYCLES_LOOKED_AT
    for row in rows("SELECT * FROM account_results WHERE cycle > ? ORDER BY cycle, account", first):
        results[row["cycle"]].append(row)
    validated = {
        (row["cycle"], row["account"]) for row in rows("SELECT cycle, account FROM suggestions WHERE validated")
    }
    of_cycle: dict[int, list[Truth]] = defaultdict(list)
    for entry in entries:
        if entry.kind is not Kind.NOT_SENT:
            of_cycle[entry.cycle].append(entry)
    found = []
    for row in rows("SELECT * FROM cycles WHERE number > ? ORDER BY number", first):
        number = row["number"]
        ran = {run["account"]: run for run in results[number] if run["outcome"] != _NOT_ASKED}
        came_to = {account: _of_run(run, (number, account) in validated) for account, run in ran.items()}
        ranks = {account: badness(kind) for account, kind in came_to.items()}
        for entry in of_cycle[number]:
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
