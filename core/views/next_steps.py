"""What comes next for each account and for the console, computed once for each snapshot (rules 9)."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.operation.events import masked
from core.domain.orders.next_step import NextStep, Standing, next_step, overall
from core.snapshot import NextStepView


@dataclass(frozen=True, slots=True)
class NextSteps:
    """What comes next, for each account and for the console. `steps` are those of `accounts`."""

    accounts: tuple[NextStepView, ...]
    overall: NextStep
    steps: tuple[NextStep, ...] = ()


def next_steps(standings: tuple[Standing, ...]) -> NextSteps:
    """What comes next for each of these accounts, and for the console."""
    steps = [next_step(standing) for standing in standings]
    views = (NextStepView(masked(s.number), step) for s, step in zip(standings, steps, strict=True))
    return NextSteps(tuple(views), overall(steps), tuple(steps))
