"""The cycle: its steps, its attempts, and the slots of the day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class StepState(StrEnum):
    TODO = "to come"
    NOW = "now"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of the cycle in the order of SPEC 4. `detail` is a short figure or the reason."""

    name: str
    state: StepState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CycleSlice:
    """The running cycle, or the last one. `number` counts cycles in the records; 0 means none yet.

    `newest` is the newest cycle's number in the records, also when it ran before this process began.
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
    reason_code: str
    reason: str
    previous: str
    next_slot_in_s: int | None
    newest: int = 0


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One underlying's part in one attempt. `result` is a word: PASS, RETRY (transient), REFUSED (terminal), NOW."""

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


class SlotState(StrEnum):
    TO_COME = "to come"
    NEXT = "next"
    RUNNING = "running"
    DONE = "done"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class SlotView:
    """One of today's slots (or a forced cycle between them). `outcome`: succeeded, skipped, failed, unknown, or ''."""

    at: datetime
    state: SlotState
    outcome: str
    reason: str
    forced: bool = False
