"""The help screen: the keys that work here, the signs and the states. `/` searches."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from senex_tui.console.base import ConsoleApp
from senex_tui.console.keys import EXITS, Where, help_groups
from senex_tui.console.screens.dialogs import SteadyCursorInput
from senex_tui.console.screens.overlay import READING, AboveDashboard


class HelpScreen(AboveDashboard, ModalScreen[None]):
    """Made from the key table. What is typed after `/` keeps only the rows that contain it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search"),
        Binding("q,question_mark,escape,ctrl+g", "leave", "Close"),
        *READING,
    ]
    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    HelpScreen { align: center middle; background: $background 70%; }
    HelpScreen > Vertical {
        width: 92; max-width: 96%; height: auto; max-height: 100%; padding: 0 2; background: $surface;
        border: round $primary; border-title-style: bold; border-subtitle-color: $text-muted;
    }
    HelpScreen VerticalScroll { height: auto; max-height: 100%; scrollbar-size-vertical: 1; }
    HelpScreen Static { height: auto; }
    HelpScreen Input { display: none; height: 1; border: none; padding: 0; margin-bottom: 1; background: $panel; }
    HelpScreen Input.-open { display: block; }
    """

    def __init__(self, *places: Where) -> None:
        """Shows the keys of these places; without any, all keys."""
        super().__init__()
        self._places = places

    def compose(self) -> ComposeResult:
        yield from self.around()
        with Vertical() as box:
            box.border_title = Content("Help: the keys that work here" if self._places else "Help")
            box.border_subtitle = Content("/ search   q close")
            yield SteadyCursorInput(placeholder="search", select_on_focus=False)
            with VerticalScroll(can_focus=False):
                yield Static(self._text(""), id="rows")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one("#rows", Static).update(self._text(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.set_focus(None)

    def _text(self, query: str) -> Content:
        """The keys of exits are listed once there is a trident to take to its end."""
        held = isinstance(self.app, ConsoleApp) and self.app.client.snapshot().status.exits is not None
        return help_text(query, *self._places, without=() if held or not self._places else (EXITS,))

    def action_search(self) -> None:
        field = self.query_one(Input)
        field.add_class("-open")
        field.focus()

    def action_leave(self) -> None:
        """Leaves the search field, or the help screen when the field is not open."""
        field = self.query_one(Input)
        if field.has_class("-open"):
            field.value = ""
            field.remove_class("-open")
            self.set_focus(None)
        else:
            self.dismiss(None)


def help_text(query: str, *places: Where, without: Collection[str] = ()) -> Content:
    """The rows that contain every word of the query, each group under its name, but those of `without`."""
    words = query.lower().split()
    lines: list[Content] = []
    for group, rows in help_groups(*places):
        if group in without:
            continue
        kept = [(keys, sentence) for keys, sentence in rows if _holds(f"{group} {keys} {sentence}".lower(), words)]
        if not kept:
            continue
        if lines:
            lines.append(Content(""))
        lines.append(Content.styled(group, "bold $text-accent"))
        width = 31 if group == "States" else 16
        lines += [Content.assemble(f"  {keys:<{width}}", (sentence, "$text-muted")) for keys, sentence in kept]
    return Content("\n").join(lines) if lines else Content.styled("nothing found", "$text-muted")


def _holds(text: str, words: list[str]) -> bool:
    return all(word in text for word in words)
