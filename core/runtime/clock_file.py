"""The trader's market time, noted beside its records for commands from another shell (SPEC 10, 14).

A market that does not run in real time has no other clock to ask: a command is stamped with market time.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.runtime.clock import MAX_SPEED, Clock, ShiftedClock, SystemClock

NOTE_FILE = "clock.json"


def note_clock(folder: Path, clock: Clock) -> None:
    """Notes where market time is and how fast it runs; for real time there is nothing to note. Raises OSError."""
    note = folder / NOTE_FILE
    if isinstance(clock, SystemClock):
        note.unlink(missing_ok=True)
        return
    words = {"market": clock.now().isoformat(), "real": SystemClock().now().isoformat(), "speed": clock.speed}
    unfinished = note.with_suffix(".new")
    unfinished.write_text(json.dumps(words) + "\n", encoding="utf-8")
    unfinished.replace(note)


def noted_clock(folder: Path) -> Clock:
    """A clock that shows the market time of the trader there, or of the last one; real time when nothing is noted."""
    try:
        words = json.loads((folder / NOTE_FILE).read_text(encoding="utf-8"))
        market, real = datetime.fromisoformat(words["market"]), datetime.fromisoformat(words["real"])
        speed = min(max(float(words["speed"]), 1.0), MAX_SPEED)
        passed_s = (SystemClock().now() - real).total_seconds()
        return ShiftedClock(market.astimezone(UTC) + timedelta(seconds=passed_s * speed), speed)
    except (OSError, ValueError, TypeError, KeyError, OverflowError):  # no note, or not one of ours
        return SystemClock()
