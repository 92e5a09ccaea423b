"""Changes a setting of an account: the safe direction is sent at once, the other asks first, a value is typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.domain.operation.account_settings import DEFAULT, AccountField, account_setting, opt_in_words
from core.domain.operation.commands import CommandKind
from core.domain.operation.reasons import Refusal
from core.domain.positions.tridents import ExitMode
from core.runtime.clock import exchange_time
from core.snapshot import Mode
from senex_tui.console.actions import account_questions
from senex_tui.console.actions.exit_orders import ExitOrderActions
from widgets.account_settings import is_own

if TYPE_CHECKING:
    from core.snapshot import AccountView
    from senex_tui.console.base import ConsoleApp, Sent


@dataclass(frozen=True, slots=True)
class AccountActions:
    """Asks for what has to be asked, then sends the change. `sent` is called with each command that was sent."""

    app: ConsoleApp
    sent: Sent

    def change(self, account: AccountView, field: AccountField) -> None:
        """Switches a setting with two states; asks for the value of any other."""
        match field:
            case AccountField.AUTOMATION if account.automation:
                self._send(account, field, "off")
            case AccountField.AUTOMATION:
                self._ask(account, field, "on")
            case AccountField.SKIP if account.skips_today:
                self._ask(account, field, DEFAULT)
            case AccountField.SKIP:
                self._send(account, field, "today")
            case AccountField.PRIMARY if account.is_primary:
                self.app.say("this account is the primary one; make another one primary instead", "information")
            case AccountField.PRIMARY:
                self._ask(account, field, "on")
            case _:
                self._ask_value(account, field)

    def give_default(self, account: AccountView, field: AccountField) -> None:
        """Gives the setting the settings file's value again."""
        if field in (AccountField.AUTOMATION, AccountField.PRIMARY):
            self.app.say(f"{field.value} has no default; enter changes it", "information")
        elif field is AccountField.SKIP and account.skips_today:
            self._ask(account, field, DEFAULT)
        elif field is AccountField.SKIP or not is_own(account, field):
            self.app.say(f"{field.value} is the default already", "information")
        else:
            self._give(account, field)

    def _give(self, account: AccountView, field: AccountField) -> None:
        if field is AccountField.EXITS:
            self._set_exits(account, DEFAULT)
        else:
            self._send(account, field, DEFAULT)

    def _ask(self, account: AccountView, field: AccountField, value: str) -> None:
        question = account_questions.change_question(self.app.client.snapshot, account, field)
        self.app.ask(question, lambda: self._send(account, field, value))

    def _ask_value(self, account: AccountView, field: AccountField) -> None:
        typed: list[str] = []

        def wrong(text: str) -> str:
            """Why the text is not a value of the setting, as `senex accounts set` says it; empty when it is one."""
            now = self.app.client.snapshot().status.now
            if now is None:
                return "the engine has not started yet; try again when it has."
            setting = account_setting(field.value, text, exchange_time(now).date())
            return f"{setting.sentence()}." if isinstance(setting, Refusal) else ""

        def given() -> None:
            if field is AccountField.EXITS:
                self._set_exits(account, typed[-1])
            else:
                self._send(account, field, typed[-1])

        question = account_questions.value_question(self.app.client.snapshot, account, field, wrong, typed.append)
        self.app.ask(question, given)

    def _set_exits(self, account: AccountView, mode: str) -> None:
        """Switches exits on, in live only by the words that name the account; or off, with an offer to cancel what
        rests."""
        now = self.app.client.snapshot()
        is_live = now.status.mode is Mode.LIVE
        if mode == ExitMode.OFF.value or (mode == DEFAULT and is_live):
            self._send(account, AccountField.EXITS, mode)
            ExitOrderActions(self.app).offer_cancel(account)
        elif mode == DEFAULT or not is_live:
            self._send(account, AccountField.EXITS, mode)
        else:
            words = opt_in_words(account.target)
            question = account_questions.opt_in_question(self.app.client.snapshot, account, mode, words)
            self.app.ask(question, lambda: self._send(account, AccountField.EXITS, f"{mode} {words}"))

    def _send(self, account: AccountView, field: AccountField, value: str) -> None:
        command = self.app.send(CommandKind.SET_ACCOUNT, target=account.target, note=f"{field.value} {value}")
        self.sent(field, command, value)
