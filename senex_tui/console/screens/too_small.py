"""The screen shown in place of a dashboard that does not fit. It closes when the terminal is large enough."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.events import Resize, ScreenResume
from textual.screen import Screen
from textual.widgets import Static

from senex_tui.support.terminal import MIN_COLUMNS, MIN_ROWS, too_small
from widgets.base.event_guard import EventGuard
from widgets.base.lines import wrap
from widgets.status_bar import StatusView, automation_word

SAFE_UNSEEN = frozenset({"pause", "ask_quit", "interrupt", "quit", "close"})
"""Actions that need no reading: pause, which is safe, and the ways out."""


class TooSmall(EventGuard, Screen[None]):
    """Says the mode, what the automation does and the size needed, in as many words as there is room for."""

    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    TooSmall { align: center middle; background: $background; overflow: hidden; }
    TooSmall Static { width: auto; max-width: 100%; height: auto; text-align: center; }
    """

    def compose(self) -> ComposeResult:
        yield Static(Content(""), id="sentence")

    def on_mount(self) -> None:
        self.watch(self.app, "status_view", self._tell, init=False)
        self.judge(self.app.size.width, self.app.size.height)

    def on_resize(self, event: Resize) -> None:
        self.judge(event.size.width, event.size.height)

    def on_screen_resume(self, event: ScreenResume) -> None:
        self.judge(self.app.size.width, self.app.size.height)

    def judge(self, columns: int, rows: int) -> None:
        """Closes the screen when the terminal is large enough, and says its sentence otherwise."""
        sentence = too_small(columns, rows)
        if sentence is not None:
            self._tell()
        elif self.is_current:
            self.app.pop_screen()

    def _tell(self) -> None:
        columns, rows = self.app.size
        view: StatusView | None = getattr(self.app, "status_view", None)
        self.query_one("#sentence", Static).update(Content("\n".join(told(view, columns, rows))))


def told(view: StatusView | None, columns: int, rows: int) -> list[str]:
    """The lines for a terminal of this size. Mode and automation come first: they are the last to be left out."""
    state = [] if view is None else wrap(f"{view.status.mode.upper()} {automation_word(view)[0]}", columns)
    sentence = too_small(columns, rows) or ""
    needs = f"needs {MIN_COLUMNS}x{MIN_ROWS}"
    for text in (sentence, f"{needs}, has {columns}x{rows}", needs, f"{MIN_COLUMNS}x{MIN_ROWS}"):
        lines = [*state, *wrap(text, columns)]
        if len(lines) <= rows:
            return lines
    return state[:rows]
