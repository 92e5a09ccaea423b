"""How often the engine looks at things, in wall seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Intervals:
    """The defaults are for a console an operator watches. A simulation looks less often where nobody does."""

    orders_s: int = 10
    """Polling of entries at the broker, beside the alerts."""
    settlement_s: int = 10
    """What only time settles: unknown entries, days to be freed."""
    health_s: int = 30
    """What entries depend on: feed, clock, store, sends. One durable commit each."""
    broker_s: int = 30
    """The broker's market session."""
    positions_s: float | None = 30.0
    """The broker's positions, while filled tridents of ours may be open; None where nobody looks at them."""
    logins_s: int = 600
    """What each login reaches, and whether the broker still takes its token."""
    commands_s: int = 1
    """Commands other processes have posted; those of this process need no looking."""
    locks_s: int = 1
    mail_s: float = 2.0
    """The outbox; a message that could not be sent waits longer."""
    digests_s: int = 60
    """Whether a session ended of which no digest was written."""
    max_sleep_s: float = 1.0
    """The timetable's longest sleep: a suspended machine is noticed after it."""
    snapshot_s: float = 0.2
    """A new snapshot for the screen."""
