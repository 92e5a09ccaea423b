"""Questions that offer, while closing orders rest at the broker, to cancel these instead of what is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType

from senex_tui.console.screens.dialogs import Facts, Question


class CancelInsteadQuestion(Question):
    """Dismisses with True on `y` alone; on `c` with False, and `cancels_first` is set."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("c", "cancel_first", "Cancel first")]

    def __init__(
        self,
        title: str,
        facts: Facts,
        prompt: str,
        rests: Callable[[], bool],
        *,
        cancels: str,
        danger: bool = False,
        name: str | None = None,
    ) -> None:
        """`rests` says whether closing orders rest that this console may cancel, `cancels` what `c` does then."""
        offered = f"{prompt} y/n, or c to {cancels}" if rests() else f"{prompt} y/n"
        super().__init__(title, facts, offered, danger=danger, name=name)
        self._rests = rests
        self.cancels_first = False

    def action_cancel_first(self) -> None:
        if self._rests():
            self.cancels_first = True
            self.dismiss(False)
