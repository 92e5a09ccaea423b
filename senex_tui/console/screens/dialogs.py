"""Questions asked before something that matters. Facts come first, and Enter alone never answers with yes."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import var
from textual.widgets import Input, Static

from senex_tui.console.base import console_of
from senex_tui.console.screens.overlay import Dialog, FactsBox
from widgets.base.lines import safe, wrap

Facts = Callable[[], list[tuple[str, str]]]
"""Gives what the operator should see before answering: (label, value) pairs. An empty label makes a plain sentence."""
Over = Callable[[], str]
"""Gives the sentence that says why a question is not asked any more; empty while it is."""
NOT_ASKED = "Nothing is asked any more; q closes this."
_LABEL = 12


def facts_text(facts: list[tuple[str, str]]) -> Content:
    """The facts as text, a line each. Nothing in them is read as markup."""
    lines: list[Content] = []
    for label, value in facts:
        if label:
            lines.append(Content.assemble((f"{safe(label):<{_LABEL}}", "$text-muted"), safe(value)))
        else:
            lines.append(Content(safe(value)))
    return Content("\n").join(lines)


def never() -> str:
    """Of a question that is asked for as long as it is open."""
    return ""


def told_over(facts: list[tuple[str, str]], why: str) -> list[tuple[str, str]]:
    """The facts of a question that is not asked any more: why, and no sentence of what it would have done."""
    return [("", why), ("", ""), *(fact for fact in facts if fact[0])]


class Question(Dialog[bool]):
    """A yes-or-no question. Dismisses with True only on `y`, with False on `n`, `q`, ctrl+g and Escape.

    Once `over` gives a sentence it says so and asks nothing: no key answers it with yes any more. With `expires_s` it
    answers itself with no after that many wall seconds.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n,q,escape,ctrl+g", "answer(False)", "No", priority=True),
    ]
    AUTO_FOCUS: ClassVar[str | None] = ""
    DEFAULT_CSS = """
    Question > Vertical {
        width: 70; max-width: 96%; height: auto;
        padding: 1 2; background: $panel; border: heavy $primary;
        border-title-color: $foreground; border-title-style: bold; border-subtitle-color: $text-muted;
    }
    Question.-danger > Vertical { border: heavy $error; border-title-color: $text-error; }
    Question Static { height: auto; }
    Question #prompt { margin-top: 1; text-style: bold; }
    """

    def __init__(
        self,
        title: str,
        facts: Facts,
        prompt: str,
        *,
        danger: bool = False,
        expires_s: float | None = None,
        over: Over = never,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name, classes="-danger" if danger else None)
        self._title = title
        self._facts = facts
        self._prompt = prompt
        self._expires_s = expires_s
        self._over = over
        self.is_over = False

    def box(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = Content(self.hint())
            with FactsBox():
                yield Static(facts_text(self._facts()), id="facts")
            yield Static(Content(self._prompt), id="prompt")
            yield from self.answers()

    def rows_below_facts(self, columns: int) -> int:
        fields = sum(field.outer_size.height + field.styles.margin.height for field in self.query(Input))
        return 1 + len(wrap(self.prompt, max(1, columns))) + fields

    @property
    def prompt(self) -> str:
        """The sentence under the facts."""
        return NOT_ASKED if self.is_over else self._prompt

    def hint(self) -> str:
        """The keys that answer, for the box's lower border."""
        return "y yes   n no"

    def answers(self) -> ComposeResult:
        """Further widgets below the prompt, such as a field. None here."""
        yield from ()

    def on_mount(self) -> None:
        self.set_interval(1.0, self.refresh_facts)
        if self._expires_s is not None:
            self.set_timer(self._expires_s, self._expire)

    def _expire(self) -> None:
        if not self.is_over:
            self._say_unanswered()
        self.dismiss(False)  # its result is not returned: a timer that waits for the dialog's end waits for itself

    def _say_unanswered(self) -> None:
        console_of(self).say(f"{self._title}: no answer in {self._expires_s:.0f} s, nothing was sent", "warning")

    def refresh_facts(self) -> None:
        """Asks for the facts again, so that they stay true while the question is open."""
        why, facts = self._over(), self._facts()
        self.query_one("#facts", Static).update(facts_text(told_over(facts, why) if why else facts))
        if self.is_over is not bool(why):
            self.is_over = bool(why)
            self.query_one("#prompt", Static).update(Content(self.prompt))
            self.query_one(".box").border_subtitle = Content("q closes" if why else self.hint())
            for field in self.query(Input):
                field.display = not why
            self.fit_facts()

    def action_answer(self, yes: bool) -> None:
        if yes:
            self.confirm()
        else:
            self.dismiss(False)

    def confirm(self) -> None:
        """Answers with yes; with no, and says why, when the question is over, shown or not yet shown."""
        why = self._over()
        if why:
            console_of(self).say(f"{self._title}: nothing was sent. {why}", "warning")
        self.dismiss(not why)


class SteadyCursorInput(Input):
    """An input field whose cursor does not blink, and whose word to type reads in every theme."""

    DEFAULT_CSS = """
    SteadyCursorInput > .input--placeholder, SteadyCursorInput > .input--suggestion { color: $text-muted; }
    """
    cursor_blink = var(False)


class WordField(SteadyCursorInput):
    """A field that takes no `q`: that key stays the way out of the question."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return key != "q" and super().check_consume_key(key, character)


class FieldQuestion(Question, inherit_bindings=False):
    """A question answered by typing into a field and pressing Enter. An empty Enter does nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,escape,ctrl+g", "answer(False)", "Cancel", priority=True),
    ]
    AUTO_FOCUS: ClassVar[str | None] = "WordField"

    def hint(self) -> str:
        return "esc, q or ctrl+g cancels"

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._over():
            self.confirm()
        else:
            self.entered(event.value.strip())

    def entered(self, text: str) -> None:
        """Called with what was typed when Enter is pressed."""
        raise NotImplementedError


class TypedQuestion(FieldQuestion):
    """A question answered with yes only by typing `word`."""

    DEFAULT_CSS = """
    TypedQuestion Input { margin-top: 1; width: 24; }
    Question.-low Input { margin-top: 0; height: 1; border: none; background: $boost; }
    """

    def __init__(
        self,
        title: str,
        facts: Facts,
        prompt: str,
        word: str,
        *,
        danger: bool = True,
        expires_s: float | None = None,
        over: Over = never,
    ) -> None:
        super().__init__(title, facts, prompt, danger=danger, expires_s=expires_s, over=over)
        self._word = word

    def answers(self) -> ComposeResult:
        yield WordField(placeholder=self._word, select_on_focus=False)

    def entered(self, text: str) -> None:
        if text == self._word:
            self.confirm()


class ValueQuestion(FieldQuestion):
    """A question for a value. One that does not fit is refused with a sentence, and the question stays open."""

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
        """`wrong` says in a sentence why a value does not fit, and nothing for one that does; `given` gets that one."""
        super().__init__(title, facts, prompt, expires_s=expires_s)
        self._wrong = wrong
        self._given = given

    def answers(self) -> ComposeResult:
        yield WordField(placeholder="value", max_length=20, select_on_focus=False, id="value")
        yield Static(id="wrong")

    def entered(self, text: str) -> None:
        if not text:
            return
        why = self._wrong(text)
        self.query_one("#wrong", Static).update(Content(safe(why)))
        self.query_one("#wrong").set_class(bool(why), "-said")
        if not why:
            self._given(text)
            self.dismiss(True)


class Stopping(Dialog[None]):
    """Shown while the engine ends in order. It takes no keys, and nothing below closes it."""

    AUTO_FOCUS = ""
    STAYS: ClassVar[bool] = True
    DEFAULT_CSS = """
    Stopping > Static {
        width: 64; max-width: 96%; height: auto; padding: 1 2; background: $panel; border: heavy $warning;
    }
    """

    def box(self) -> ComposeResult:
        yield Static(
            Content("Stopping…\n\nNothing new is sent. Waiting for outcomes under way, then the records are closed."),
            classes="box",
        )
