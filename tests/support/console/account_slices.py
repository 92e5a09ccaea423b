"""Accounts and logins as the console is shown them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from core.snapshot import AccountView, LoginView, SettingView
from tests.support.console.slices import NOW

DEFAULTS = (
    SettingView("offset-cents", "0", own=False),
    SettingView("width", "by capital", own=False),
    SettingView("tolerance", "0.40", own=False),
    SettingView("position-limit", "10", own=False),
    SettingView("mail", "immediate", own=False),
)


def settings(**own: str) -> tuple[SettingView, ...]:
    """The defaults, but for those given; `offset_cents` is offset-cents."""
    given = {name.replace("_", "-"): value for name, value in own.items()}
    return tuple(SettingView(d.name, given[d.name], own=True) if d.name in given else d for d in DEFAULTS)


def account(**changes: object) -> AccountView:
    base = AccountView(
        account="…0001",
        target="0001",
        nickname="Trident",
        kind="Margin",
        is_closed=False,
        automation=True,
        login="default",
        token_valid=True,
        is_primary=True,
        skips_today=False,
        settings=settings(offset_cents="4"),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def login(**changes: object) -> LoginView:
    base = LoginView("default", True, "", NOW - timedelta(minutes=4), NOW - timedelta(days=2))
    return replace(base, **changes)  # type: ignore[arg-type]


ACCOUNTS = (
    account(),
    account(
        account="…0002", target="0002", nickname="Roth", kind="Individual Roth IRA", automation=False,
        is_primary=False, settings=settings(width="5", tolerance="0.30", mail="daily"),
    ),
    account(
        account="…0003", target="0003", nickname="", login="family", token_valid=False, is_primary=False,
        skips_today=True, settings=DEFAULTS,
    ),
    account(
        account="…0004", target="0004", nickname="old", login="spare", token_valid=None, is_primary=False,
        is_closed=True, settings=DEFAULTS,
    ),
)  # fmt: skip
LOGINS = (
    login(),
    login(name="family", is_valid=False, detail="invalid_grant: the token was revoked"),
)
