"""A plain sentence in place of a dashboard that does not fit; goes away when the terminal is large enough."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.events import Resize, ScreenResume
from textual.screen import Screen
from textual.widgets import Static

from senex_tui.terminal import too_small
from widgets.guard import EventGuard


class TooSmall(EventGuard, Screen[None]):
    """Says the size needed and the size there is."""

    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    TooSmall { align: center middle; background: $background; }
    TooSmall Static { width: auto; max-width: 90%; height: auto; text-align: center; }
    """

    def compose(self) -> ComposeResult:
        yield Static(Content(""), id="sentence")

    def on_mount(self) -> None:
        self.judge(self.app.size.width, self.app.size.height)

    def on_resize(self, event: Resize) -> None:
        self.judge(event.size.width, event.size.height)

    def on_screen_resume(self, event: ScreenResume) -> None:
        self.judge(self.app.size.width, self.app.size.height)

    def judge(self, columns: int, rows: int) -> None:
        sentence = too_small(columns, rows)
        if sentence is not None:
            self.query_one("#sentence", Static).update(Content(sentence))
        elif self.is_current:
            self.app.pop_screen()
