"""Slices of the accounts and of the logins that reach them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SettingView:
    """One setting of an account. `name` is the word that sets it; `own` is False when the settings file's value
    applies."""

    name: str
    value: str
    own: bool


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account that one of the logins reaches. `account` is masked; `target` names it in a set_account command.

    `token_valid` is None until the broker was asked about its login.
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
    """One change of an account's setting: who made it, and the old and new value in the operator's words."""

    at: datetime
    setting: str
    old: str
    new: str
    who: str


@dataclass(frozen=True, slots=True)
class LoginView:
    """A login, and whether the broker accepts its token. It was last asked at `checked_at`; the answer has been the
    same since `changed_at`."""

    name: str
    is_valid: bool
    detail: str
    checked_at: datetime
    changed_at: datetime
