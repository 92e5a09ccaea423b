"""The page of the open tridents."""

from __future__ import annotations

from textual.app import ComposeResult

from senex_tui.console.screens.page import Page
from widgets.positions import PositionsPanel


class PositionsPage(Page):
    """Every open trident with its mark, P&L, break-evens and warnings (rules 7)."""

    AUTO_FOCUS = "PositionsPanel"

    def body(self) -> ComposeResult:
        yield PositionsPanel(id="positions")

    def on_mount(self) -> None:
        self.watch_slice(lambda shown: shown.positions, self.query_one(PositionsPanel).show)
