"""The sign and the tone of what a trade, a run, a slot or a step came to: one table for every panel and page.

Words carry the meaning; sign and tone help the eye. What goes well is never in the colours of trouble, and the tick
stands only beside what was entered or passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.domain.operation.outcomes import Outcome
from core.domain.operation.times import when
from core.domain.orders.fate import FateKind
from core.domain.orders.next_step import Next
from core.snapshot import SlotState, StartState, StepState, ToldView
from widgets.base.lines import Part, Tone

if TYPE_CHECKING:
    from datetime import date

    from core.domain.orders.next_step import NextStep
    from core.snapshot import CycleSlice, OrderView, SlotView, SpreadSlice

_SIGNS: Mapping[str, Part] = {
    FateKind.SENDING: ("▶", Tone.ACCENT),
    FateKind.NOT_SENT: ("-", Tone.WARN),
    FateKind.WORKING: ("▶", Tone.ACCENT),
    FateKind.PARTLY: ("▶", Tone.ACCENT),
    FateKind.FILLED: ("✓", Tone.GOOD),
    FateKind.REJECTED: ("✖", Tone.BAD),
    FateKind.CANCELLED: ("-", Tone.WARN),
    FateKind.EXPIRED: ("-", Tone.WARN),
    FateKind.UNKNOWN: ("?", Tone.BAD),
    FateKind.ABSENT: ("✖", Tone.BAD),
    FateKind.INCIDENT: ("✖", Tone.BAD),
    Outcome.SUCCEEDED: ("✓", Tone.GOOD),
    Outcome.SKIPPED: ("-", Tone.PLAIN),
    Outcome.FAILED: ("✖", Tone.BAD),
    Outcome.NOT_ASKED: ("-", Tone.DIM),
    "validated": ("✓", Tone.GOOD),
    "held": ("-", Tone.DIM),
    "missed": ("-", Tone.WARN),
    "interrupted": ("✖", Tone.BAD),
    "running": ("▶", Tone.ACCENT),
    "pricing": ("▶", Tone.ACCENT),
    "passed": ("✓", Tone.GOOD),
    "refused": ("✖", Tone.BAD),
    "done": ("✓", Tone.GOOD),
    SlotState.TO_COME: ("·", Tone.DIM),
    SlotState.NEXT: ("○", Tone.ACCENT),
    SlotState.WILL_MISS: ("-", Tone.WARN),
}
"""By the word that is shown: the kind of a fate, an outcome, a told word, a spread's verdict, a slot's state."""
_STEPS: Mapping[str, Part] = {
    StepState.TODO: ("·", Tone.DIM),
    StepState.NOW: ("▶", Tone.ACCENT),
    StepState.DONE: ("✓", Tone.GOOD),
    StepState.FAILED: ("✖", Tone.BAD),
    StepState.SKIPPED: ("-", Tone.DIM),
}
_DAY_HELD = "day held: "
"""Begins the words of a run that met the day's entry; their word says so already."""
_UNTOLD: Part = ("·", Tone.PLAIN)
_STANDING = frozenset({FateKind.SENDING, FateKind.WORKING, FateKind.PARTLY, FateKind.UNKNOWN})


def sign_of(word: str) -> Part:
    """The sign and the tone of a word; a dot for one that is not in the table."""
    return _SIGNS.get(word, _UNTOLD)


def tone_of(word: str) -> Tone:
    """The tone of a word; plain for one that is not in the table."""
    return sign_of(word)[1]


def step_sign(state: StepState | StartState) -> Part:
    """The sign and the tone of a step of a cycle or of a start."""
    return _STEPS[state.value]


def told_line(told: ToldView) -> str:
    """What something came to, its word in capitals first: `FILLED 6.73`, `SKIPPED: SPX scores 26.3; 40.0 needed`.

    The count of several accounts stands alone: `1 rejected, 2 filled`.
    """
    word = told.word.upper()
    if told.words in (told.word, ""):
        return word
    if told.words.startswith(_DAY_HELD):
        return f"{word}: {told.words.removeprefix(_DAY_HELD)}"
    if told.words.startswith(word) or told.words[:1].isdigit():
        return told.words
    return f"{word}: {told.words}"


def after_word(told: ToldView) -> str:
    """What `told_line` says after the word, for a column beside it; empty when the word says all."""
    if told.words == told.word:
        return ""
    return told.words.removeprefix(_DAY_HELD).removeprefix(told.word.upper()).lstrip(" :,")


def cycle_told(cycle: CycleSlice) -> ToldView:
    """What a cycle came to. A recording made before this was told has the outcome that the cycle ended with."""
    return cycle.told or _recorded(cycle.outcome, cycle.reason, "running" if cycle.running else "interrupted")


def slot_told(slot: SlotView) -> ToldView | None:
    """What a slot came to; None while it is to come. An older recording has the outcome that its cycle ended with."""
    if slot.told is not None:
        return slot.told
    if slot.state in (SlotState.RUNNING, SlotState.MISSED, SlotState.DONE):
        return _recorded(slot.outcome, slot.reason, slot.state.value)
    return None


def order_kind(order: OrderView) -> FateKind:
    """The kind of an entry's fate. A recording made before fates were told has its state."""
    if order.fate is not None:
        return order.fate.kind
    return FateKind.SENDING if order.state in ("prepared", "sent") else FateKind(order.state.replace("_", " "))


def order_words(order: OrderView) -> str:
    """The fate of an entry in a line with its figures, the kind in capitals first."""
    if order.fate is not None:
        return order.fate.words
    filled = f", {order.filled_contracts} of {order.total_contracts} filled" if order.filled_contracts else ""
    return f"{order_kind(order).value.upper()}{filled}" + (f": {order.detail}" if order.detail else "")


def next_session(step: NextStep, today: date | None) -> str:
    """When the next entry may be, where the day enters nothing more and its own words do not say so; else empty."""
    if step.next_day is None or step.kind is Next.CLOSED:
        return ""
    return f"next slot {when(step.next_day, today)}"


def is_over(order: OrderView) -> bool:
    """Whether nothing more is expected of an entry."""
    return order_kind(order) not in _STANDING if order.fate is None else order.fate.is_over


def spread_word(spread: SpreadSlice) -> str:
    """The word of the table for a spread: its entry's fate, else what it has come to before there was one."""
    return spread.verdict if spread.fate is None else spread.fate.kind.value


def _recorded(outcome: str, reason: str, otherwise: str) -> ToldView:
    word = outcome or otherwise
    return ToldView(Outcome(outcome) if outcome else None, word, reason or word)
