"""The question before quitting. While closing orders rest at the broker it offers to cancel them first."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType

from senex_tui.console.screens.dialogs import Facts, Question


class QuitQuestion(Question):
    """Dismisses with True on `y` alone; on `c` with False, and `cancels_first` is set."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("c", "cancel_first", "Cancel first")]

    def __init__(self, facts: Facts, rests: Callable[[], bool], *, name: str) -> None:
        """`rests` says whether closing orders rest that this console may cancel."""
        prompt = "Quit? y/n, or c to cancel the closing orders first" if rests() else "Quit? y/n"
        super().__init__("Quit", facts, prompt, danger=True, name=name)
        self._rests = rests
        self.cancels_first = False

    def action_cancel_first(self) -> None:
        if self._rests():
            self.cancels_first = True
            self.dismiss(False)
