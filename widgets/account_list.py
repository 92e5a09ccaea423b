"""The list of the accounts: each with its automation, its login and its settings (rules 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from widgets.base.lines import Part, Tone
from widgets.base.list_panel import Column, Listing, Row

if TYPE_CHECKING:
    from core.snapshot import AccountView, SettingView

_COLUMNS = (
    Column("acct", 5),
    Column("auto", 4),
    Column("nickname", 14, least=112),
    Column("kind", 14, least=150),
    Column("login", 10),
    Column("token", 9),
    Column("offset", 6, is_right=True, least=70),
    Column("width", 12, is_right=True, least=78),
    Column("toler.", 6, is_right=True, least=92),
    Column("limit", 5, is_right=True, least=92),
    Column("mail", 11, least=128),
    Column("exits", 9, least=126),
    Column("notes", 0),
)
_EMPTY = "no account is known yet: the broker is asked for each login's accounts when the engine starts"
_SHOWN = ("offset-cents", "width", "tolerance", "position-limit", "mail", "exits")


def account_listing(accounts: Sequence[AccountView]) -> Listing:
    """The rows in the order of the accounts given. A setting in brackets is the settings file's default."""
    on = sum(account.automation for account in accounts)
    title = f"Accounts  {len(accounts)}, {on} on  (in brackets: the default)" if accounts else "Accounts"
    return Listing(title, _COLUMNS, tuple(_row(account) for account in accounts), _EMPTY)


def token_part(is_valid: bool | None) -> Part:
    """A word for what the broker said of a login's token; None when it was not asked."""
    if is_valid is None:
        return "not asked", Tone.WARN
    return ("valid", Tone.GOOD) if is_valid else ("INVALID", Tone.BAD)


def notes_of(account: AccountView) -> str:
    """What is special about an account: primary, skipped today, closed at the broker."""
    notes = ["primary"] if account.is_primary else []
    notes += ["skips today"] if account.skips_today else []
    notes += ["closed at the broker"] if account.is_closed else []
    return ", ".join(notes)


def _row(account: AccountView) -> Row:
    settings = {setting.name: setting for setting in account.settings}
    cells: tuple[Part, ...] = (
        (account.account, Tone.STRONG),
        ("on", Tone.GOOD) if account.automation else ("off", Tone.WARN),
        (account.nickname, Tone.PLAIN),
        (account.kind, Tone.DIM),
        (account.login, Tone.PLAIN),
        token_part(account.token_valid),
        *(_setting(settings.get(name)) for name in _SHOWN),
        (notes_of(account), Tone.WARN if account.skips_today or account.is_closed else Tone.DIM),
    )
    return Row(account.target, cells)


def _setting(setting: SettingView | None) -> Part:
    if setting is None:
        return "", Tone.DIM
    return (setting.value, Tone.PLAIN) if setting.own else (f"({setting.value})", Tone.DIM)
