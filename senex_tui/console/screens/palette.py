"""Textual's command palette, with the mode and what must not be missed above it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.command import CommandPalette

from senex_tui.console.screens.overlay import AboveDashboard


class Palette(AboveDashboard, CommandPalette):
    """Fed by `senex_tui.console.palette`."""

    def compose(self) -> ComposeResult:
        yield from self.around()
        yield from super().compose()

    def dismiss(self, result: None = None) -> AwaitComplete:
        """The search ends first: its worker would look for the list that is gone, and end the app with its error."""
        self.app.workers.cancel_node(self)
        return super().dismiss(result)
