"""How often the engine checks things, in wall seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Intervals:
    """Wall seconds between two checks.

    The defaults are for a console that an operator watches; simulations check less often.
    """

    orders_s: int = 10
    """Polls the broker for open entries, in addition to its alerts."""
    settlement_s: int = 10
    """Checks what only time settles: unknown entries, and days that may be freed for another entry."""
    health_s: int = 30
    """Checks what entries depend on: feed, clock, store, failed sends. Each check writes one durable commit."""
    after_cycles: bool = True
    """Computes the figures and checks what entries depend on after each cycle too."""
    broker_s: int = 30
    """Asks the broker whether the market is open."""
    positions_s: float | None = 30.0
    """Reads the broker's positions while our filled tridents may be open; None where nobody looks at them."""
    logins_s: int = 600
    """Asks which accounts each login reaches, and whether the broker still accepts its token."""
    commands_s: int = 1
    """Looks for commands from other processes; this process's own arrive without looking."""
    locks_s: int = 1
    """Checks that the trader's locks are still held."""
    mail_s: float = 2.0
    """Looks for mail to send; a message that failed waits longer."""
    digests_s: int = 60
    """Checks whether a session has ended whose digest is not written yet."""
    exits_read_s: float = 60.0
    """Reads positions and live orders of an account together, in session, while it has exits."""
    exit_wake_s: float = 1.0
    """The least between two actions of a trident of which the first changed nothing."""
    max_sleep_s: float = 1.0
    """The longest sleep of the timetable: after it a suspend of the machine is noticed."""
    snapshot_s: float = 0.2
    """Builds a new snapshot for the screen."""

    @classmethod
    def for_lived_days(cls) -> Intervals:
        """For simulated days that nobody watches: what a day is needs no more, and each check costs time."""
        return cls(
            orders_s=6 * 3600,
            settlement_s=3600,
            health_s=7200,
            after_cycles=False,
            broker_s=7200,
            positions_s=None,
            logins_s=24 * 3600,
            commands_s=7200,
            locks_s=7200,
            mail_s=3600.0,
            digests_s=1800,
            exits_read_s=1800.0,  # what is due has its account read at once
            exit_wake_s=60.0,
            max_sleep_s=3600.0,
            snapshot_s=1e9,
        )
