"""Accounts and logins for the screen: numbers are masked, and each setting says whether it is the account's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from core.config.settings import Settings
from core.domain.operation.account_settings import AccountField
from core.domain.operation.accounts import own_or_default, shortest_end
from core.domain.operation.events import masked
from core.records.repositories.rows import AccountRecord, LoginRecord
from core.snapshot import AccountView, LoginView, SettingView


def account_views(
    accounts: Sequence[AccountRecord], logins: Sequence[LoginRecord], defaults: Settings, today: date
) -> tuple[AccountView, ...]:
    """One view an account, in the order of `accounts`. `today` is the session date."""
    valid = {login.name: login.is_valid for login in logins}
    numbers = [account.number for account in accounts]
    return tuple(
        AccountView(
            account=masked(account.number),
            target=shortest_end(account.number, numbers),
            nickname=account.nickname,
            kind=account.kind,
            is_closed=account.is_closed,
            automation=account.enabled,
            login=account.login,
            token_valid=valid.get(account.login),
            is_primary=account.is_primary,
            skips_today=account.skip_day == today,
            settings=setting_views(account, defaults),
        )
        for account in accounts
    )


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
