"""The page of the open tridents."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from senex_tui.console.keys import Where, bindings
from senex_tui.console.screens.entries import Choice
from senex_tui.console.screens.page import Page
from widgets.positions import PositionsPanel


class PositionsPage(Page):
    """Every open trident with its mark, P&L, break-evens and warnings (rules 7). Enter tells the story of one."""

    PLACES = (Where.EVERYWHERE, Where.PAGES, Where.TRIDENTS)
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(Where.TRIDENTS))
    AUTO_FOCUS = "PositionsPanel"

    def body(self) -> ComposeResult:
        yield PositionsPanel(id="positions")

    def on_mount(self) -> None:
        self.watch_slice(lambda shown: shown.positions, self.query_one(PositionsPanel).show)

    def action_story(self) -> None:
        held = self.console.shown.positions.open
        if not held:
            self.console.say("no trident is open", "warning")
        elif len(held) == 1:
            self._open(held[0].entry_id)
        else:
            rows = [f"{view.account}  {view.underlying} {view.strikes}  {view.dte} days" for view in held]
            choice = Choice("The story of which trident?", rows)
            self.app.push_screen(choice, lambda number: None if number is None else self._open(held[number].entry_id))

    def _open(self, trident_id: str) -> None:
        # It imports the records; the first paint does not wait for them.
        from senex_tui.console.screens.trident import TridentPage

        self.app.push_screen(TridentPage(trident_id))
