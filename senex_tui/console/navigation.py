"""Opens and closes what stands over the dashboard: pages, help, the command palette."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.screen import ModalScreen, Screen
from textual.widgets import Input

from senex_tui.console.base import ConsoleApp
from senex_tui.console.palette import Palette
from senex_tui.console.screens.accounts import AccountsPage
from senex_tui.console.screens.alerts import AlertsPage
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.screens.dialogs import Question, Stopping
from senex_tui.console.screens.help import HelpScreen
from senex_tui.console.screens.orders import OrdersPage
from senex_tui.console.screens.page import Page
from senex_tui.console.screens.positions import PositionsPage
from senex_tui.console.screens.settings import SettingsPage


def _history() -> Screen[None]:
    # It imports the records; the first paint does not wait for them.
    from senex_tui.console.screens.history import HistoryPage

    return HistoryPage(name="history")


def _preview() -> Screen[None]:
    from senex_tui.console.screens.preview import PreviewPage

    return PreviewPage(name="preview")


def _money() -> Screen[None]:
    from senex_tui.console.screens.money import MoneyPage

    return MoneyPage(name="money")


def _health() -> Screen[None]:
    from senex_tui.console.screens.health import HealthPage

    return HealthPage(name="health")


PAGES: dict[str, Callable[[], Screen[None]]] = {
    "positions": lambda: PositionsPage(name="positions"),
    "orders": lambda: OrdersPage(name="orders"),
    "alerts": lambda: AlertsPage(name="alerts"),
    "accounts": lambda: AccountsPage(name="accounts"),
    "preview": _preview,
    "money": _money,
    "health": _health,
    "settings": lambda: SettingsPage(name="settings"),
    "history": _history,
}
"""The pages, by the names that `open` has for them in the key table."""


class Navigation(ConsoleApp):
    """One page at a time is open over the dashboard. What that page opens itself stands above it."""

    def action_open(self, name: str) -> None:
        """Opens a page in place of another open one; closes the page when it is the open one."""
        is_open = self.screen.name == name
        while isinstance(self.screen, Page):
            self.pop_screen()
        if not is_open and not isinstance(self.screen, ModalScreen):
            self.push_screen(PAGES[name]())

    @property
    def is_asking(self) -> bool:
        return isinstance(self.screen, ModalScreen)

    def action_help(self) -> None:
        if not isinstance(self.screen, ModalScreen):
            self.push_screen(HelpScreen(*(self.screen.PLACES if isinstance(self.screen, Page | Dashboard) else ())))

    def action_command_palette(self) -> None:
        """Opens the palette, with a cursor that does not blink.

        It is opened without the id that Textual gives it: a palette that is still closing has that id.
        """
        if not isinstance(self.screen, Palette):
            self.push_screen(Palette())
            self.call_after_refresh(self._calm_palette)

    def _calm_palette(self) -> None:
        for field in self.screen.query(Input):
            field.cursor_blink = False

    def action_close(self) -> None:
        """Closes what is open over the dashboard. On the dashboard itself, leaves the zoom."""
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
