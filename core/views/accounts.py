"""Accounts and logins for the screen: numbers are masked, and each setting says whether it is the account's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from core.config.settings import Settings
from core.domain.operation.account_settings import TARGET_OFF, AccountField
from core.domain.operation.accounts import own_or_default, shortest_end
from core.domain.operation.events import masked
from core.domain.positions.exit_rules import OwnExits, rules_for
from core.domain.positions.tridents import ExitRules
from core.domain.positions.units import UnitName
from core.records.repositories.rows import AccountRecord, LoginRecord
from core.snapshot import AccountView, LoginView, SettingView


@dataclass(frozen=True, slots=True)
class AccountsAsOf:
    """All that the views of accounts follow from. `exit_rules` are those of an account without settings of its own,
    `today` is the session date."""

    accounts: Sequence[AccountRecord]
    logins: Sequence[LoginRecord]
    defaults: Settings
    exit_rules: ExitRules
    today: date

    def views(self) -> tuple[AccountView, ...]:
        """One view an account, in the order of `accounts`."""
        valid = {login.name: login.is_valid for login in self.logins}
        numbers = [account.number for account in self.accounts]
        return tuple(self._view(account, numbers, valid.get(account.login)) for account in self.accounts)

    def _view(self, account: AccountRecord, numbers: Sequence[str], token_valid: bool | None) -> AccountView:
        settings = setting_views(account, self.defaults), exit_setting_views(account.exits, self.exit_rules)
        return AccountView(
            account=masked(account.number),
            target=shortest_end(account.number, numbers),
            nickname=account.nickname,
            kind=account.kind,
            is_closed=account.is_closed,
            automation=account.enabled,
            login=account.login,
            token_valid=token_valid,
            is_primary=account.is_primary,
            skips_today=account.skip_day == self.today,
            settings=tuple(one for some in settings for one in some),
        )


class ShownAccounts:
    """Makes the views once for each change: where nothing has changed they are the same objects."""

    def __init__(self) -> None:
        self._of: AccountsAsOf | None = None
        self._shown: tuple[AccountView, ...] = ()

    def of(self, now: AccountsAsOf) -> tuple[AccountView, ...]:
        if now != self._of:
            self._of, self._shown = now, now.views()
        return self._shown


def login_views(logins: Sequence[LoginRecord]) -> tuple[LoginView, ...]:
    return tuple(
        LoginView(login.name, login.is_valid, login.detail, login.checked_at, login.changed_at) for login in logins
    )


def setting_views(account: AccountRecord, settings: Settings) -> tuple[SettingView, ...]:
    """The account's settings, each with whether it is its own or the default of the settings file."""
    defaults = settings.trading
    values = (
        (AccountField.OFFSET_CENTS, account.offset_cents, defaults.entry_offset_cents),
        (AccountField.WIDTH, account.width, "by capital" if defaults.width is None else defaults.width),
        (AccountField.TOLERANCE, account.tolerance, defaults.tolerance),
        (AccountField.POSITION_LIMIT, account.position_limit, defaults.position_limit),
        (AccountField.MAIL, account.mail, settings.mail.preference.value),
    )
    return tuple(
        SettingView(field.value, str(own_or_default(own, default)), own is not None) for field, own, default in values
    )


def exit_setting_views(own: OwnExits, default: ExitRules) -> tuple[SettingView, ...]:
    """The settings of an account's exits, in the words that set them."""
    rules = rules_for(own, default)
    values: list[tuple[AccountField, str, bool]] = [(AccountField.EXITS, rules.mode.value, own.mode is not None)]
    for unit in UnitName:
        percent = rules.targets[unit]
        field = AccountField(f"target-{unit.value}")
        values.append((field, TARGET_OFF if percent is None else str(percent), unit in own.targets))
    values += [
        (AccountField.EXIT_DTE, str(rules.exit_dte), own.exit_dte is not None),
        (AccountField.LET_INDEX_EXPIRE, _switch(rules.let_index_expire), own.let_index_expire is not None),
        (AccountField.CALL_TARGET_LAST, _switch(rules.call_last), own.call_last is not None),
    ]
    return tuple(SettingView(field.value, value, is_own) for field, value, is_own in values)


def _switch(on: bool) -> str:
    return "on" if on else "off"
