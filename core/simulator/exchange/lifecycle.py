"""How far an order has come at the exchange, how it fills, and when something next happens to it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum

from core.simulator.exchange.orders import SimOrder


class FillPlan(Enum):
    """How orders fill. Only NORMAL follows the market; the others are for tests and demonstrations."""

    NORMAL = "normal"
    """By chance, the more likely the nearer the limit is to the natural price."""
    NEVER = "never"
    IMMEDIATE = "immediate"
    """As soon as the order is live."""
    PARTIAL = "partial"
    """One part as soon as the order is live, the rest PARTIAL_REMAINDER_S later."""
    REJECT = "reject"
    """Not at all: the exchange rejects the order."""
    DELAYED = "delayed"
    """DELAYED_FILL_S after the order is live."""


class Stage(Enum):
    """How far an order has come. Its status can differ: it may say that a cancel or a replacement was requested."""

    CONTINGENT = "Contingent"
    RECEIVED = "Received"
    ROUTED = "Routed"
    IN_FLIGHT = "In Flight"
    LIVE = "Live"
    DONE = "Done"


@dataclass(slots=True)
class BookEntry:
    """An order in the book, with the instants at which something next happens to it."""

    order: SimOrder
    stage: Stage
    chance: random.Random
    """The random numbers of this order."""
    expires_at: datetime | None
    reject_reason: str | None = None
    plan: FillPlan | None = None
    """How it fills, instead of the plan of its account."""
    daily_fill_ids: bool = False
    """Whether the ids of its fills are counted from 1 in each session."""
    unbalanced: bool = False
    """Whether only one contract of its first leg fills, and the exchange then cancels it."""
    step_at: datetime | None = None
    """When it reaches its next stage."""
    match_at: datetime | None = None
    """When it is next matched against the market."""
    matches: int = 0
    """How often it has been matched."""
    resting: bool = False
    """Whether its matches are decided once a session (`resting`), not second by second."""
    decide_at: datetime | None = None
    """When they are next decided."""
    remainder_at: datetime | None = None
    """When the rest of it fills, after a partial fill."""
    prices: tuple[Decimal, ...] = ()
    """The prices of its legs, once it has been matched."""
    forced_at: datetime | None = None
    """When it fills whatever the market says."""
    cancel_at: datetime | None = None
    """When a requested cancel or replacement takes effect."""
    successor: BookEntry | None = field(default=None, repr=False)
    """The order that is to replace it."""
    ticket: int = 0
    """Which of its places in the queue of the book counts; 0 once it has left the book."""

    def after(self, at: datetime, low: float, high: float, speed: float) -> datetime:
        """An instant `low` to `high` wall seconds later, by the order's chance, at so many market seconds a second."""
        return at + timedelta(seconds=(low + (high - low) * self.chance.random()) * speed)

    def next_event(self) -> tuple[datetime, str] | None:
        """The instant and the name of the next event, or None. At one instant a fill comes before an end."""
        at, name = self.expires_at, "expire"
        if self.cancel_at is not None and (at is None or self.cancel_at <= at):
            at, name = self.cancel_at, "cancel"
        if self.forced_at is not None and (at is None or self.forced_at <= at):
            at, name = self.forced_at, "forced"
        if self.decide_at is not None and (at is None or self.decide_at <= at):
            at, name = self.decide_at, "decide"
        if self.match_at is not None and (at is None or self.match_at <= at):
            at, name = self.match_at, "match"
        if self.remainder_at is not None and (at is None or self.remainder_at <= at):
            at, name = self.remainder_at, "remainder"
        if self.step_at is not None and (at is None or self.step_at <= at):
            at, name = self.step_at, "step"
        return None if at is None or self.stage is Stage.DONE else (at, name)
