"""Textual's command palette, with the mode and what must not be missed above it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.command import CommandPalette

from senex_tui.screens.overlay import AboveDashboard


class Palette(AboveDashboard, CommandPalette):
    """Fed by `senex_tui.palette`."""

    def compose(self) -> ComposeResult:
        yield from self.around()
        yield from super().compose()
