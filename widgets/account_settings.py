"""The list of one account's settings: value, own or default, and meaning (rules 4, 7, 8, 11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.domain.operation.account_settings import AccountField
from widgets.account_list import notes_of, token_part
from widgets.base.lines import Part, Tone
from widgets.base.list_panel import Column, Listing, Row

if TYPE_CHECKING:
    from core.snapshot import AccountView

_COLUMNS = (Column("setting", 16), Column("value", 18), Column("whose", 7), Column("what it is", 0))
MEANING = {
    AccountField.AUTOMATION: "traded by the automation",
    AccountField.SKIP: "no entry for the rest of today",
    AccountField.PRIMARY: "its login feeds the market",
    AccountField.OFFSET_CENTS: "cents the limit is below mid",
    AccountField.WIDTH: "dollars between body and wings",
    AccountField.TOLERANCE: "share of the capital at risk",
    AccountField.POSITION_LIMIT: "open tridents at most",
    AccountField.MAIL: "when its mail is sent",
    AccountField.EXITS: "closing orders: off, targets, all",
    AccountField.TARGET_PUT_1: "% of the credit for one put spread",
    AccountField.TARGET_PUT_2: "% of the credit for the other",
    AccountField.TARGET_CALL: "% of the credit for the call spread",
    AccountField.EXIT_DTE: "days to expiration of its time exit",
    AccountField.LET_INDEX_EXPIRE: "an index is left to its expiration",
    AccountField.CALL_TARGET_LAST: "the call's target after the puts'",
}
"""What each setting means, in the order of the list."""


def value_of(account: AccountView, field: AccountField) -> str:
    """The value of an account's setting, in words."""
    match field:
        case AccountField.AUTOMATION:
            return "on" if account.automation else "off"
        case AccountField.SKIP:
            return "today" if account.skips_today else "no"
        case AccountField.PRIMARY:
            return "yes" if account.is_primary else "no"
    return next((setting.value for setting in account.settings if setting.name == field.value), "")


def is_own(account: AccountView, field: AccountField) -> bool:
    """Whether the account has a value of its own instead of the settings file's."""
    return any(setting.own for setting in account.settings if setting.name == field.value)


def settings_listing(account: AccountView, pending: Mapping[str, str], *, is_gone: bool = False) -> Listing:
    """One row for each setting. `pending` has the new values that the engine has not taken yet, by setting name."""
    about = [account.nickname, account.kind, f"login {account.login}", f"token {token_part(account.token_valid)[0]}"]
    title = f"Account {account.account}  {'  '.join(filter(None, [*about, notes_of(account)]))}"
    if is_gone:
        title = f"Account {account.account}  is no longer known here"
    rows = tuple(_row(account, field, meaning, pending.get(field.value)) for field, meaning in MEANING.items())
    return Listing(title, _COLUMNS, rows, "")


def _row(account: AccountView, field: AccountField, meaning: str, on_its_way: str | None) -> Row:
    value: Part = (value_of(account, field), Tone.STRONG)
    if on_its_way is not None:
        value = (f"SETTING {on_its_way}…", Tone.WARN)
    whose: Part = ("", Tone.DIM)
    if any(setting.name == field.value for setting in account.settings):
        whose = ("own", Tone.ACCENT) if is_own(account, field) else ("default", Tone.DIM)
    return Row(field.value, ((field.value, Tone.PLAIN), value, whose, (meaning, Tone.DIM)))
