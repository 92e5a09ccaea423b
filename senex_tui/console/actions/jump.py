"""The question to which moment a demo jumps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from core.domain.operation import times
from senex_tui.console.actions.permission import why_not
from senex_tui.console.base import console_of
from senex_tui.console.screens.dialogs import Question

if TYPE_CHECKING:
    from core.snapshot import Snapshot

KEYS = ("s", "e", "x")
"""The keys of the moments: the next session, expiration and exit."""
WHAT = (
    "The engine ends in order. The time until then is lived without a screen: slots run, orders are sent and filled. "
    "Then the console opens again."
)


@dataclass(frozen=True, slots=True)
class JumpTarget:
    """A moment to jump to: the key that chooses it, its name, and the instant in UTC, or why it cannot be chosen."""

    key: str
    name: str
    at: datetime | None
    why_not: str = ""


Targets = Callable[["Snapshot"], tuple[JumpTarget, ...]]


class JumpQuestion(Question, inherit_bindings=False):
    """Answered by the key of a moment. `chosen` is that moment."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"choose('{key}')", "Jump") for key in KEYS),
        Binding("n,q,escape,ctrl+g", "answer(False)", "No", priority=True),
    ]

    def __init__(self, snapshot: Callable[[], Snapshot], targets: Targets) -> None:
        def over() -> str:
            why = why_not("jump", snapshot(), ())
            return f"There is no jump now: {why}." if why else ""

        super().__init__("Jump", self._told, "Jump where? Press its key.", over=over)
        self._snapshot = snapshot
        self._targets = targets
        self.chosen: JumpTarget | None = None

    def hint(self) -> str:
        return "s e x jump   n no"

    def _told(self) -> list[tuple[str, str]]:
        found = self._targets(self._snapshot())
        choices = [(f"{t.key} {t.name}", t.why_not if t.at is None else times.moment(t.at)) for t in found]
        return [("", WHAT), ("", ""), *choices]

    def action_choose(self, key: str) -> None:
        target = next((t for t in self._targets(self._snapshot()) if t.key == key), None)
        if target is None or target.at is None:
            why = "there is no such moment" if target is None else target.why_not
            console_of(self).say(f"no jump: {why}", "warning")
            return
        self.chosen = target
        self.confirm()
