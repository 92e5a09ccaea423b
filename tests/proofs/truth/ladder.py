"""What comes next for an account, by a short ladder of its own (rules 3, 9): whatever keeps it from entering, else the
next slot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

from tests.proofs.truth.values import NEW_YORK, Facts, Kind, NextTruth, Rows, Step, Truth

FIRST_SLOT, LAST_SLOT = time(9, 45), time(14, 45)
BETWEEN_SLOTS = timedelta(minutes=15)
BEFORE_CLOSE = timedelta(minutes=15)

_STARTED = "coalesce((SELECT max(seq) FROM events WHERE kind = 'engine.started'), 0) ORDER BY seq"


class Ladder:
    """Knows the rows that keep accounts from entering at the moment of `facts`. `trading` is the recorded state."""

    def __init__(self, rows: Rows, facts: Facts, entries: Sequence[Truth], trading: str) -> None:
        self._facts, self._entries, self._trading = facts, entries, trading
        recorded = rows("SELECT kind, subject FROM breakers WHERE closed_at IS NULL")
        self._breakers = {(row["kind"], row["subject"]) for row in recorded} | facts.breakers
        self._refused = {row["name"] for row in rows("SELECT name FROM logins WHERE NOT is_valid")}
        self._allowed = {
            row["intent_id"]
            for row in rows(
                "SELECT intent_id FROM evidence WHERE replace(detail, ' ', '') LIKE '%\"allow_reentry\":true%'"
            )
        }
        self._validated = {
            row["account"]
            for row in rows(
                "SELECT account FROM suggestions WHERE validated AND session_day = ?", facts.today.isoformat()
            )
        }

        self._held_elsewhere = set(facts.at_broker)
        for row in rows("SELECT * FROM events WHERE kind = 'day.held' AND seq > " + _STARTED):
            figures = dict(json.loads(row["figures"]))
            if figures["order_id"] and facts.today.isoformat() in json.dumps(figures["day"]):
                self._held_elsewhere.add(row["account"])
            elif not figures["order_id"]:
                self._held_elsewhere.discard(row["account"])

    def of(self, account: dict[str, Any]) -> NextTruth:
        facts, number = self._facts, account["number"]
        steps = set(self._stopped())
        if account["is_closed"] or not account["enabled"] or account["login"] in self._refused:
            steps.add(Step.OFF)
        if account["skip_day"] == facts.today.isoformat():
            steps.add(Step.SKIPPED)
        if any(subject in (number, account["login"]) for _, subject in self._breakers):
            steps.add(Step.BREAKER)
        if number in self._held_elsewhere:
            steps.add(Step.HELD)
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
        return NextTruth(number, None, frozenset(steps)) if steps else NextTruth(number, slot, frozenset({Step.ENTERS}))

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
        if (entry.traded and entry.kind is not Kind.INCIDENT) or entry.kind is Kind.FILLED:
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
