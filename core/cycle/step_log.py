"""Leaves an event for every step of a cycle, with its figures, duration and reason (rules 4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from core.domain.operation.events import Severity, Step, StepResult
from core.domain.operation.figures import Figures
from core.domain.operation.reasons import Refusal
from core.runtime.bus import Bus
from core.runtime.clock import Clock

T = TypeVar("T")


@dataclass(eq=False, repr=False)
class StepLog:
    """Runs the steps of one account in one cycle and publishes the result of each."""

    bus: Bus
    clock: Clock
    cycle: int
    account: str | None

    async def run(
        self,
        step: Step,
        work: Awaitable[T | Refusal],
        *,
        figures: Callable[[T], Figures] | None = None,
        attempt: int | None = None,
        underlying: str | None = None,
        also_refused: Callable[[T], Refusal | None] | None = None,
    ) -> T | Refusal:
        """Awaits the work and publishes its result. `also_refused` finds a refusal that is carried inside a value."""
        started = self.clock.monotonic()
        result = await work
        refusal = result if isinstance(result, Refusal) else also_refused(result) if also_refused else None
        shown: Figures = ()
        if refusal is not None:
            shown = refusal.figures
        if not isinstance(result, Refusal) and figures is not None:
            shown = figures(result) + shown
        await self.bus.say(
            step.event_kind,
            refusal.sentence() if refusal is not None else "passed",
            Severity.INFO if refusal is None or not refusal.transient else Severity.WARNING,
            cycle=self.cycle,
            attempt=attempt,
            account=self.account,
            underlying=underlying,
            step=step,
            result=StepResult.PASSED if refusal is None else StepResult.REFUSED,
            reason=None if refusal is None else refusal.reason,
            figures=shown,
            duration_ms=round((self.clock.monotonic() - started) * 1000),
        )
        return refusal if refusal is not None else result

    async def retrying(self, attempt: int, of: int, in_s: float) -> None:
        """Says that no underlying passed this attempt and that another one follows. `in_s` is wall seconds."""
        await self.bus.say(
            "attempt.retry",
            f"attempt {attempt} of {of} found nothing to enter; retrying in {in_s:g} s",
            cycle=self.cycle,
            account=self.account,
        )
