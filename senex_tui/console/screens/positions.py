"""The open tridents on a page of their own, at every width; trading goes on."""

from __future__ import annotations

from textual.app import ComposeResult

from senex_tui.console.screens.page import Page
from widgets.positions import PositionsPanel


class PositionsPage(Page):
    """SPEC 7: every open trident with its mark, P&L, break-evens and warnings."""

    AUTO_FOCUS = "PositionsPanel"

    def body(self) -> ComposeResult:
        yield PositionsPanel(id="positions")

    def on_mount(self) -> None:
        self.watch(self.app, "positions", self.query_one(PositionsPanel).show)
