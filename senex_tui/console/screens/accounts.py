"""The page of the accounts and of the logins that reach them. Enter opens an account's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult

from senex_tui.console.screens.account import AccountPage
from senex_tui.console.screens.list_page import ListPage
from widgets.account_list import account_listing
from widgets.base.list_panel import Row
from widgets.logins import LoginsPanel

if TYPE_CHECKING:
    from core.snapshot import AccountView, LoginView

_LEAST_ROWS, _MOST_ROWS = 3, 12


class AccountsPage(ListPage):
    NAME = "accounts"

    def body(self) -> ComposeResult:
        yield from super().body()
        yield LoginsPanel(id="logins")

    def on_mount(self) -> None:
        self.watch_slice(lambda shown: shown.accounts, self._show_accounts)
        self.watch_slice(lambda shown: shown.logins, self._show_logins)

    def open(self, row: Row) -> None:
        account = next((a for a in self.console.shown.accounts if a.target == row.key), None)
        if account is not None:
            self.app.push_screen(AccountPage(account))

    def _show_accounts(self, accounts: tuple[AccountView, ...]) -> None:
        self.show(account_listing(accounts))

    def _show_logins(self, logins: tuple[LoginView, ...]) -> None:
        """Makes the panel as high as the logins need, within limits; what does not fit scrolls."""
        panel = self.query_one(LoginsPanel)
        rows = 1 + sum(2 if login.detail else 1 for login in logins)
        panel.styles.height = min(_MOST_ROWS, max(_LEAST_ROWS, rows))
        panel.styles.max_height = "40%"
        panel.show(logins)
