"""The open tridents on a screen of their own, at every width; trading and the status bar go on."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Footer

from widgets.guard import EventGuard
from widgets.positions import PositionsPanel
from widgets.status_bar import StatusBar


class PositionsScreen(EventGuard, Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("o,escape,q", "app.close", "Back", key_display="q")]
    DEFAULT_CSS = """
    PositionsScreen { background: $background; }
    PositionsScreen > PositionsPanel { border-top: solid $border; padding: 0 1; border-title-style: bold; }
    """

    def compose(self) -> ComposeResult:
        yield StatusBar()
        yield PositionsPanel(id="positions")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.watch(self.app, "status_view", self.query_one(StatusBar).show)
        self.watch(self.app, "positions", self.query_one(PositionsPanel).show)
        self.query_one(PositionsPanel).focus()
