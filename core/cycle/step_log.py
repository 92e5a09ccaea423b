"""Leaves an event for every step of a cycle, with its figures, duration and reason (rules 4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from core.domain.operation.events import Event, Severity, Step, StepResult
from core.domain.operation.figures import Figures
from core.domain.operation.reasons import Refusal
from core.runtime.bus import Bus
from core.runtime.clock import Clock

T = TypeVar("T")


@dataclass(eq=False, repr=False)
class StepLog:
    """Runs the steps of one account in one cycle and publishes the result of each.

    The result of a step that took no time may be held, to be recorded in one commit with what follows it at once: each
    commit of its own would keep a decision from its order.
    """

    bus: Bus
    clock: Clock
    cycle: int
    account: str | None
    _held: list[Event] = field(init=False, default_factory=list)

    async def run(
        self,
        step: Step,
        work: Awaitable[T | Refusal],
        *,
        figures: Callable[[T], Figures] | None = None,
        attempt: int | None = None,
        underlying: str | None = None,
        also_refused: Callable[[T], Refusal | None] | None = None,
        held: bool = False,
    ) -> T | Refusal:
        """Awaits the work and publishes its result. `also_refused` finds a refusal that is carried inside a value.

        With `held` a result that passed is kept until `take_held` or the next one that is published.
        """
        started = self.clock.monotonic()
        result = await work
        refusal = result if isinstance(result, Refusal) else also_refused(result) if also_refused else None
        shown: Figures = ()
        if refusal is not None:
            shown = refusal.figures
        if not isinstance(result, Refusal) and figures is not None:
            shown = figures(result) + shown
        event = Event(
            at=self.clock.now(),
            kind=step.event_kind,
            text=refusal.sentence() if refusal is not None else "passed",
            severity=Severity.INFO if refusal is None or not refusal.transient else Severity.WARNING,
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
        if held and refusal is None:
            self._held.append(event)
            return result
        await self.tell_held()
        await self.bus.publish(event)
        return refusal if refusal is not None else result

    def take_held(self) -> tuple[Event, ...]:
        """The results that are held, for whoever records them now."""
        taken = tuple(self._held)
        self._held.clear()
        return taken

    async def tell_held(self) -> None:
        """Publishes the results that are held."""
        for event in self.take_held():
            await self.bus.publish(event)

    async def retrying(self, attempt: int, of: int, in_s: float) -> None:
        """Says that no underlying passed this attempt and that another one follows. `in_s` is wall seconds."""
        await self.bus.say(
            "attempt.retry",
            f"attempt {attempt} of {of} found nothing to enter; retrying in {in_s:g} s",
            cycle=self.cycle,
            account=self.account,
        )
