"""Dialogs about an order: choose one of several, decide on an unknown one, name its id at the broker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from senex_tui.console.base import console_of
from senex_tui.console.screens.dialogs import NOT_ASKED, Facts, FieldQuestion, Over, WordField, facts_text, told_over
from senex_tui.console.screens.overlay import Dialog, FactsBox
from widgets.base import format as figures
from widgets.base.lines import safe, wrap

if TYPE_CHECKING:
    from core.snapshot import OrderView

Order = TypeVar("Order")
Decision = Literal["look", "absent", "order"]
MOST = 9


def what(order: OrderView) -> str:
    """One entry in a line: account, strikes and limit."""
    return f"{order.account}  {order.underlying} {order.strikes}  limit {figures.price(order.limit)}"


class Choice(Dialog["int | None"]):
    """Asks which of several is meant, a row each. Dismisses with the place of the one whose number is pressed, counted
    from 0, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"choose({number})", show=False) for number in range(1, MOST + 1)),
        Binding("q,escape,ctrl+g", "leave", "Back", priority=True),
    ]
    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    Choice > Vertical {
        width: 70; max-width: 96%; height: auto; padding: 1 2; background: $panel;
        border: heavy $primary; border-title-style: bold; border-subtitle-color: $text-muted;
    }
    Choice Static { height: auto; }
    """

    def __init__(self, title: str, rows: Sequence[str]) -> None:
        super().__init__()
        self._title = title
        self._rows = rows[:MOST]
        self._more = len(rows) - len(self._rows)

    def box(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = Content("a number chooses   q back")
            rows = [f"{number}  {row}" for number, row in enumerate(self._rows, 1)]
            if self._more:
                rows.append(f"{self._more} more; choose one of those on its page")
            yield Static(Content("\n".join(safe(row) for row in rows)))

    def action_choose(self, number: int) -> None:
        if number <= len(self._rows):
            self.dismiss(number - 1)

    def action_leave(self) -> None:
        self.dismiss(None)


def choose(
    app: App[Any], title: str, found: Sequence[Order], what: Callable[[Order], str], then: Callable[[Order], None]
) -> None:
    """Calls `then` with the only order of these; of several it asks first which, each in the words of `what`."""
    if len(found) == 1:
        then(found[0])
    elif found:
        rows = tuple(what(one) for one in found)
        app.push_screen(Choice(title, rows), lambda number: None if number is None else then(found[number]))


class UnknownOrder(Dialog["Decision | None"]):
    """Shows what is known of an unknown entry or closing order and asks what to do about it.

    Enter does nothing. Only looking again is done at once; the other ways ask for more, so that no single key decides.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "decide('look')", "Look again"),
        Binding("a", "decide('absent')", "Absent"),
        Binding("o", "decide('order')", "Order"),
        Binding("q,n,escape,ctrl+g", "leave", "Leave", priority=True),
    ]
    AUTO_FOCUS = ""
    WAYS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("l", "look again: reconcile with the broker now"),
        ("a", "not at the broker: attest it absent; asks for the word"),
        ("o", "at the broker: name its order id; the broker is asked about it"),
        ("q", "leave it: the engine goes on looking by itself"),
    )
    DEFAULT_CSS = """
    UnknownOrder > Vertical {
        width: 78; max-width: 98%; height: auto; padding: 0 2; background: $panel;
        border: heavy $error; border-title-color: $text-error; border-title-style: bold;
        border-subtitle-color: $text-muted;
    }
    UnknownOrder Static { height: auto; }
    UnknownOrder #ways { margin-top: 1; text-style: bold; }
    """

    def __init__(self, title: str, facts: Facts, over: Over) -> None:
        """`over` says why nothing is left to decide; nothing while something is."""
        super().__init__()
        self._title = title
        self._facts = facts
        self._over = over
        self.is_over = False

    def box(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = Content("l look  a absent  o order  q leaves")
            with FactsBox():
                yield Static(facts_text(self._facts()), id="facts")
            yield Static(Content("\n".join(self._ways)), id="ways")

    @property
    def _ways(self) -> list[str]:
        return [NOT_ASKED] if self.is_over else [f"{key}  {sentence}" for key, sentence in self.WAYS]

    def rows_below_facts(self, columns: int) -> int:
        return 1 + sum(len(wrap(way, max(1, columns))) for way in self._ways)

    def on_mount(self) -> None:
        self.set_interval(1.0, self.refresh_facts)

    def refresh_facts(self) -> None:
        """Asks for the facts again: evidence comes in while the dialog is open."""
        why, facts = self._over(), self._facts()
        self.query_one("#facts", Static).update(facts_text(told_over(facts, why) if why else facts))
        if self.is_over is not bool(why):
            self.is_over = bool(why)
            self.query_one("#ways", Static).update(Content("\n".join(self._ways)))
            self.fit_facts()

    def action_decide(self, decision: Decision) -> None:
        why = self._over()
        if why:
            console_of(self).say(why, "warning")
        self.dismiss(None if why else decision)

    def action_leave(self) -> None:
        self.dismiss(None)


class OrderIdQuestion(FieldQuestion):
    """Asks for a broker's order id."""

    DEFAULT_CSS = """
    OrderIdQuestion Input { margin-top: 1; width: 30; }
    """

    def __init__(self, facts: Facts, named: Callable[[str], None], *, expires_s: float, over: Over) -> None:
        """`named` gets the id, digits only, when it is confirmed."""
        prompt = "Type the order's id as the broker shows it and press Enter."
        super().__init__("Name the order", facts, prompt, danger=True, expires_s=expires_s, over=over)
        self._named = named

    def answers(self) -> ComposeResult:
        yield WordField(placeholder="order id", restrict="[0-9]*", max_length=20, select_on_focus=False)

    def entered(self, text: str) -> None:
        if text:
            self._named(text)
            self.dismiss(True)
