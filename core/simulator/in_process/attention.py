"""When an engine in virtual time looks at prices: the feed may leave out all others."""

from __future__ import annotations

from datetime import datetime

QUARTER_S = 900.0
"""Market seconds from one slot to the next."""
LEAD_S = 20.0
"""Seconds before a slot from which on the feed sends every price."""
START_S = 4.0
"""Seconds after a slot in which its cycle has surely begun."""


def unwatched_s(now: datetime, *, watched: bool, lead_s: float = LEAD_S) -> float:
    """For how many seconds from now no engine looks at prices: none while it does (`watched`: a cycle runs), nor around
    a slot, from `lead_s` before it on."""
    if watched:
        return 0.0
    since_slot = now.timestamp() % QUARTER_S
    return 0.0 if since_slot <= START_S else max(0.0, QUARTER_S - lead_s - since_slot)
