"""How far the proof about an entry has come, in words, with the time left to its next read (rules 9)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from widgets.base import format as figures
from widgets.base.key_names import key_for

if TYPE_CHECKING:
    from core.domain.orders.settling import Settling


def proof_words(proof: Settling, now: datetime | None, speed: float) -> str:
    """`first read due in 01:23`; `first read 10:34:05 shows no fill; second due in 00:22`.

    `now` is market time; without it the next read is told by the clock. `speed` is market seconds per wall second.
    """
    if proof.needs_word:
        return f"press {key_for('reentry', 'r')} to allow re-entry"
    if proof.blocked:
        return proof.blocked
    if proof.first_read is not None:
        second = _due(proof.second_due, now, speed)
        return f"first read {figures.clock(proof.first_read)} shows no fill; second {second}"
    return f"first read {_due(proof.first_due, now, speed)}"


def _due(at: datetime | None, now: datetime | None, speed: float) -> str:
    """When a read counts: its market time shown in wall seconds, because reads wait for these."""
    if at is None:
        return "not due yet"
    if now is None:
        return f"due {figures.clock(at)}"
    left = int((at - now).total_seconds() / speed)
    return f"due in {figures.span(left)}" if left > 0 else "due now"
