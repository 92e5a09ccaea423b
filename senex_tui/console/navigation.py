"""What opens over the dashboard, and what closes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from textual.app import App
from textual.screen import ModalScreen, Screen
from textual.widgets import Input

from senex_tui.console.screens.accounts import AccountsPage
from senex_tui.console.screens.alerts import AlertsPage
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.screens.dialogs import Question, Stopping
from senex_tui.console.screens.help import HelpScreen
from senex_tui.console.screens.orders import OrdersPage
from senex_tui.console.screens.page import Page
from senex_tui.console.screens.palette import Palette
from senex_tui.console.screens.positions import PositionsPage
from senex_tui.console.screens.settings import SettingsPage

if TYPE_CHECKING:
    from senex_tui.console.app import SenexApp


def _history(_: SenexApp) -> Screen[None]:
    from senex_tui.console.screens.history import (
        HistoryPage,  # with the records: nobody waits for them before the first paint
    )

    return HistoryPage(name="history")


PAGES: dict[str, Callable[[SenexApp], Screen[None]]] = {
    "positions": lambda app: PositionsPage(name="positions"),
    "orders": lambda app: OrdersPage(name="orders"),
    "alerts": lambda app: AlertsPage(name="alerts"),
    "accounts": lambda app: AccountsPage(name="accounts"),
    "settings": lambda app: SettingsPage(name="settings"),
    "history": _history,
}
"""The pages by the names the key table opens them by."""


class Opening(App[None]):
    """One page is open over the dashboard at a time, and what it opens itself above it."""

    def action_open(self, name: str) -> None:
        """Opens a page; from another page it takes that one's place, and its own key closes it again."""
        console = cast("SenexApp", self)
        is_open = self.screen.name == name
        while isinstance(self.screen, Page):
            self.pop_screen()
        if not is_open and not isinstance(self.screen, ModalScreen):
            self.push_screen(PAGES[name](console))

    @property
    def is_asking(self) -> bool:
        """Whether a dialog is open: keys typed faster than it comes up open no second one over it."""
        return isinstance(self.screen, ModalScreen)

    def action_help(self) -> None:
        if not isinstance(self.screen, ModalScreen):
            self.push_screen(HelpScreen(*(self.screen.PLACES if isinstance(self.screen, Page | Dashboard) else ())))

    def action_command_palette(self) -> None:
        """Textual's palette, without its blinking cursor, and without its id: one that closes still has it."""
        if not isinstance(self.screen, Palette):
            self.push_screen(Palette())
            self.call_after_refresh(self._calm_palette)

    def _calm_palette(self) -> None:
        for field in self.screen.query(Input):
            field.cursor_blink = False

    def action_close(self) -> None:
        """Closes whatever is open over the dashboard; on the dashboard, leaves the zoom."""
        screen: Any = self.screen
        if isinstance(screen, Stopping):
            return
        if isinstance(screen, Question):
            screen.dismiss(False)
        elif isinstance(screen, ModalScreen):
            screen.dismiss(None)
        elif isinstance(screen, Page):
            screen.action_back()
        elif isinstance(screen, Dashboard) and screen.zoomed:
            screen.action_zoom()
