"""A question for a value: typed, checked as it is sent, refused with the sentence that says what it may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, Static

from senex_tui.console.screens.dialogs import Facts, Question, WordField
from widgets.base.lines import safe


class ValueQuestion(Question, inherit_bindings=False):
    """Enter with a fitting value hands it over; with any other it says why not; an empty Enter does nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,escape,ctrl+g", "answer(False)", "Cancel", priority=True),
    ]
    AUTO_FOCUS: ClassVar[str | None] = "WordField"
    DEFAULT_CSS = """
    ValueQuestion #value { width: 30; height: 1; border: none; margin: 0; padding: 0 1; background: $surface; }
    ValueQuestion #wrong { display: none; color: $text-error; text-style: bold; }
    ValueQuestion #wrong.-said { display: block; }
    """

    def __init__(
        self,
        title: str,
        facts: Facts,
        prompt: str,
        wrong: Callable[[str], str],
        given: Callable[[str], None],
        *,
        expires_s: float,
    ) -> None:
        """`wrong` says why a value does not fit, in a sentence, or nothing; `given` gets one that does."""
        super().__init__(title, facts, prompt, expires_s=expires_s)
        self._wrong = wrong
        self._given = given

    def hint(self) -> str:
        return "esc, q or ctrl+g cancels"

    def answers(self) -> ComposeResult:
        yield WordField(placeholder="value", max_length=20, select_on_focus=False, id="value")
        yield Static(id="wrong")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        if not text:
            return
        why = self._wrong(text)
        self.query_one("#wrong", Static).update(Content(safe(why)))
        self.query_one("#wrong").set_class(bool(why), "-said")
        if not why:
            self._given(text)
            self.dismiss(True)
