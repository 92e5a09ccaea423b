"""Turns events into the messages that an operator reads: what a panel of its own shows is left out, and what is told
of one order is its latest state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from core.domain.operation.events import Event, Severity, StepResult
from core.domain.operation.reasons import Reason
from core.domain.orders.order_states import OrderState
from core.snapshot import Level, MessageView

# Panels of their own show these; as messages they would only be noise.
_SEEN_ELSEWHERE = frozenset({"order.status", "exit.status", "reconcile.started", "cycle.started"})
_STATES = frozenset({*OrderState, "partially_filled"})
"""What an order's own event can tell: the newest of them takes the place of the others."""
_PINNED = frozenset({OrderState.FILLED.value, "partially_filled", OrderState.REJECTED.value})
"""Fills and refusals by the broker."""
_HELD = "cycles of a held day"


@dataclass(frozen=True, slots=True)
class Message:
    """A message that has no number yet. The fields are those of `MessageView`."""

    at: datetime
    level: Level
    source: str
    text: str
    about: str = ""
    pinned: bool = False

    def numbered(self, number: int) -> MessageView:
        """The message as it is shown. The number rises with each one."""
        at = self.at.replace(microsecond=0)
        return MessageView(number, at, self.level, self.source, self.text, self.about, self.pinned)


def message_of(event: Event) -> Message | None:
    """What the operator reads of an event; None for what other panels tell."""
    level = Level(event.severity.value)
    if event.kind.startswith("step."):
        # Only refusals of an attempt: the event that ends the cycle gives the reason of every other step.
        if event.result is not StepResult.REFUSED or event.attempt is None or event.step is None:
            return None
        return Message(event.at, level, event.step.word, f"attempt {event.attempt} {event.underlying}: {event.text}")
    if event.kind in _SEEN_ELSEWHERE:
        return None
    source, _, what = event.kind.partition(".")
    about = _order_of(event) if source in ("order", "exit") and what in _STATES else ""
    if event.kind == "cycle.ended" and event.reason is Reason.ENTRY_TODAY and event.severity is Severity.INFO:
        about = _HELD
    return Message(event.at, level, source, event.text, about, pinned=bool(about) and what in _PINNED)


def without_older(messages: Iterable[MessageView], about: str) -> list[MessageView]:
    """The messages but those about what a newer one tells. Nothing goes with an empty `about`, and no warning."""
    return [message for message in messages if not about or message.about != about or message.level is not Level.INFO]


def _order_of(event: Event) -> str:
    """The id of the entry or the exit whose state the event tells."""
    return next((str(value) for name, value in event.figures if name in ("entry", "exit")), "")
