"""Counts the outcomes of the days' entries, and the reasons of the days without one."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from datetime import date

_RANK = ("filled", "incident", "working", "unknown", "absent", "cancelled", "expired", "rejected", "not_sent")


def count_day(
    database: sqlite3.Connection, day: date, accounts: Sequence[str], entries: Counter[str], missed: Counter[str]
) -> None:
    """Counts each account's day once: by its entry's outcome, or by why there was none."""
    for account in accounts:
        states = {
            row[0]
            for row in database.execute(
                "SELECT state FROM entries WHERE account = ? AND session_day = ?", (account, day.isoformat())
            )
        }
        best = next((state for state in _RANK if state in states), None)
        if best in _RANK[:3]:
            entries[best] += 1
        elif best is not None:
            missed[f"entry {best}"] += 1
        else:
            missed[_reason(database, day, account)] += 1


def _reason(database: sqlite3.Connection, day: date, account: str) -> str:
    """The most frequent reason of the day: of this account's steps and of the slots that were missed."""
    counts: Counter[str] = Counter()
    steps = database.execute(
        "SELECT e.reason FROM events e JOIN cycles c ON c.number = e.cycle "
        "WHERE c.session_day = ? AND e.account = ? AND e.reason IS NOT NULL",
        (day.isoformat(), account),
    )
    counts.update(row[0] for row in steps)
    slots = database.execute(
        "SELECT reason_code FROM slots WHERE session_day = ? AND state != 'done'", (day.isoformat(),)
    )
    counts.update(row[0] for row in slots)
    return counts.most_common(1)[0][0] if counts else "no slot"
