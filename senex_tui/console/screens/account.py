"""The page of one account: its settings, which can be changed here, and the list of past changes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from core.domain.operation.account_settings import AccountField
from senex_tui.console.keys import Where, bindings
from senex_tui.console.meant import Meant, of_account
from senex_tui.console.screens.asking import AsksRecords
from senex_tui.console.screens.list_page import ListPage
from widgets.account_settings import settings_listing
from widgets.base.list_panel import Row
from widgets.changes import AccountChanges, ChangesPanel

if TYPE_CHECKING:
    from core.records.records import Records
    from core.snapshot import AccountView, ChangeView
    from senex_tui.console.base import Sent
    from widgets.status_bar import StatusView


async def _changes(target: str, records: Records) -> tuple[ChangeView, ...]:
    from core.views.lookups import account_changes

    return await account_changes(records, target)


class AccountPage(ListPage, AsksRecords):
    """Enter changes the chosen setting, d gives it the default again. A change says so while the engine works on it."""

    NAME = "account"
    PLACES = (*ListPage.PLACES, Where.ACCOUNT)
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(Where.ACCOUNT))
    DEFAULT_CSS = """
    AccountPage #list { height: 3fr; max-height: 17; }
    AccountPage ChangesPanel { height: 2fr; }
    """

    def __init__(self, account: AccountView) -> None:
        super().__init__()
        self._account = account
        self._is_gone = False
        self._sent: dict[str, tuple[str, str]] = {}

    def body(self) -> ComposeResult:
        yield from super().body()
        yield ChangesPanel(id="changes")

    def on_mount(self) -> None:
        self.watch_slice(lambda shown: shown.accounts, self._follow)
        self.watch(self.app, "status_view", self._settle)
        self._read()

    def open(self, row: Row) -> None:
        self._change(row.key, self.console.change_account)

    @property
    def meant(self) -> Meant:
        """What is of the account."""
        return of_account(self._account)

    def action_default(self) -> None:
        row = self.list.chosen
        if row is not None:
            self._change(row.key, self.console.give_account_default)

    def _change(self, setting: str, how: Callable[[AccountView, AccountField, Sent], None]) -> None:
        """Refuses a second change of a setting until the engine has answered the first."""
        if setting in self._sent:
            self.console.say(f"{setting}: the engine has not answered yet", "warning")
        else:
            how(self._account, AccountField(setting), self._send)

    def _send(self, setting: AccountField, command: str, value: str) -> None:
        self._sent[setting.value] = (command, value)
        self._show()
        self._settle(None)

    def _follow(self, accounts: tuple[AccountView, ...]) -> None:
        found = next((account for account in accounts if account.target == self._account.target), None)
        self._is_gone = found is None
        self._account = found or self._account
        self._show()

    def _settle(self, view: StatusView | None) -> None:
        settled = [name for name, (command, _) in self._sent.items() if not self.console.waits_for(command)]
        for name in settled:
            del self._sent[name]
        if settled:
            self._show()
            self._read()

    def _read(self) -> None:
        self.ask_records("changes", partial(_changes, self._account.target), self._found)

    def _found(self, changes: tuple[ChangeView, ...]) -> None:
        self.query_one(ChangesPanel).show(AccountChanges(changes))

    def not_answered(self, about: str, why: str) -> None:
        self.query_one(ChangesPanel).show(AccountChanges(trouble=why))

    def _show(self) -> None:
        pending = {name: value for name, (_, value) in self._sent.items()}
        self.show(settings_listing(self._account, pending, is_gone=self._is_gone))
