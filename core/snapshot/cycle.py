"""Slices of the cycle, its steps and its attempts, and of the slots of the day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from core.snapshot.fates import AccountTold, ToldView


class StepState(StrEnum):
    """Where one step of the cycle stands."""

    TODO = "to come"
    NOW = "now"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of the cycle in the order of rules 4. `detail` is a short figure or the reason."""

    name: str
    state: StepState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CycleSlice:
    """The running cycle, or else the last one. `number` counts the cycles in the records; 0 means there is none yet.

    `newest` is the number of the newest cycle in the records, even when it ran before this process started. `day` is
    the session it ran on. `told` is what it came to, `accounts` what each account's part did. `retry_in_s` counts down
    to the next attempt, None when none is waited for.
    """

    number: int
    slot: datetime | None
    forced: bool
    running: bool
    attempt: int
    max_attempts: int
    steps: tuple[StepView, ...]
    elapsed_s: int
    outcome: str
    reason: str
    previous: str
    newest: int = 0
    day: date | None = None
    told: ToldView | None = None
    accounts: tuple[AccountTold, ...] = ()
    retry_in_s: int | None = None


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One underlying in one attempt. Prices are per share. `account` is masked, `day` the session it ran on.

    `result` is a word: PASS, RETRY (it is tried again), REFUSED (not in this cycle) or NOW (it is under way). `traded`:
    the entry of its cycle came from this attempt.
    """

    cycle: int
    attempt: int
    at: datetime
    underlying: str
    mid: Decimal | None
    natural: Decimal | None
    limit: Decimal | None
    result: str
    code: str
    reason: str
    account: str = ""
    day: date | None = None
    traded: bool = False


class SlotState(StrEnum):
    """Where one slot of today stands. `held`: it enters nothing, because the day is done or held for every account."""

    TO_COME = "to come"
    NEXT = "next"
    RUNNING = "running"
    DONE = "done"
    MISSED = "missed"
    HELD = "held"
    WILL_MISS = "will be missed"


@dataclass(frozen=True, slots=True)
class SlotView:
    """One of today's slots, or a forced cycle between two of them.

    `outcome` is a word: succeeded, skipped, failed or unknown; empty while there is none. `told` is what it came to, or
    of a slot to come why it enters nothing; `cycle` the number of the cycle it ran.
    """

    at: datetime
    state: SlotState
    outcome: str
    reason: str
    forced: bool = False
    told: ToldView | None = None
    cycle: int | None = None
