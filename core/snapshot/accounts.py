"""The accounts and the logins that reach them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SettingView:
    """One setting of an account: `name` is the word it is set by; `own` False where it is the settings file's."""

    name: str
    value: str
    own: bool


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account some login reaches. `account` is masked; `target` is what a set_account command calls it.

    `token_valid` is None before its login was asked.
    """

    account: str
    target: str
    nickname: str
    kind: str
    is_closed: bool
    automation: bool
    login: str
    token_valid: bool | None
    is_primary: bool
    skips_today: bool
    settings: tuple[SettingView, ...]


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One change of a setting of an account: by whom, and the old and the new value in the operator's words."""

    at: datetime
    setting: str
    old: str
    new: str
    who: str


@dataclass(frozen=True, slots=True)
class LoginView:
    """A login, and whether the broker takes its token: as asked at `checked_at`, and so since `changed_at`."""

    name: str
    is_valid: bool
    detail: str
    checked_at: datetime
    changed_at: datetime
