"""A file beside the records with the trader's market time, for commands from another shell (rules 10, 14).

A command is stamped with market time. Where that is not real time, the other shell has no other way to learn it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.runtime.clock import MAX_SPEED, Clock, ShiftedClock, SystemClock

NOTE_FILE = "clock.json"


def note_clock(folder: Path, clock: Clock) -> None:
    """Writes market time and its speed into the folder; removes the file when market time is real. Raises OSError."""
    note = folder / NOTE_FILE
    if isinstance(clock, SystemClock):
        note.unlink(missing_ok=True)
        return
    words = {"market": clock.now().isoformat(), "real": SystemClock().now().isoformat(), "speed": clock.speed}
    unfinished = note.with_suffix(".new")
    unfinished.write_text(json.dumps(words) + "\n", encoding="utf-8")
    unfinished.replace(note)


def noted_clock(folder: Path) -> Clock:
    """The clock of the last trader of this folder; the machine's clock when there is no readable file."""
    try:
        words = json.loads((folder / NOTE_FILE).read_text(encoding="utf-8"))
        market, real = datetime.fromisoformat(words["market"]), datetime.fromisoformat(words["real"])
        speed = min(max(float(words["speed"]), 1.0), MAX_SPEED)
        passed_s = (SystemClock().now() - real).total_seconds()
        return ShiftedClock(market.astimezone(UTC) + timedelta(seconds=passed_s * speed), speed)
    except (OSError, ValueError, TypeError, KeyError, OverflowError):  # no file, or not one of ours
        return SystemClock()
