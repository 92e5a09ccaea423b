"""The operator's settings for one account, and the words that set them (rules 4, 7, 8, 11, 15)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from core.domain.operation.accounts import shown_end
from core.domain.operation.mail_preference import MailPreference
from core.domain.operation.reasons import Reason, Refusal, refuse

DEFAULT = "default"
"""The word that removes an account's own value: the default of the settings file applies again."""
TARGET_OFF = "off"
"""The word for a target that is not placed."""


class AccountField(StrEnum):
    """The settings of an account. The value is the word that the operator types and that the records keep."""

    AUTOMATION = "automation"
    OFFSET_CENTS = "offset-cents"
    WIDTH = "width"
    TOLERANCE = "tolerance"
    POSITION_LIMIT = "position-limit"
    MAIL = "mail"
    PRIMARY = "primary"
    SKIP = "skip"
    EXITS = "exits"
    TARGET_PUT_1 = "target-put-1"
    TARGET_PUT_2 = "target-put-2"
    TARGET_CALL = "target-call"
    EXIT_DTE = "exit-dte"
    LET_INDEX_EXPIRE = "let-index-expire"
    CALL_TARGET_LAST = "call-target-last"


AccountValue = bool | int | Decimal | str | date | None
"""A setting's value; None means the default.

Cents for the offset, dollars per share for the width, a fraction of capital for the tolerance, the session date for
skip, calendar days for exit-dte, and for a target the word that sets it: a percent of its credit, or `off`.
"""
_PERCENT = "a whole number from 1 to 95, off or default"
_SWITCH = "on, off or default"

ACCEPTED = {
    AccountField.AUTOMATION: "on or off",
    AccountField.OFFSET_CENTS: "a whole number from 0 to 25, or default",
    AccountField.WIDTH: "a number above 0, at most 100, or default",
    AccountField.TOLERANCE: "a number above 0, at most 1, or default",
    AccountField.POSITION_LIMIT: "a whole number from 1 to 100, or default",
    AccountField.MAIL: "immediate, daily, weekly, never or default",
    AccountField.PRIMARY: "on: another account gives it up by that",
    AccountField.SKIP: "today or default",
    AccountField.EXITS: "off, targets, all or default",
    AccountField.TARGET_PUT_1: _PERCENT,
    AccountField.TARGET_PUT_2: _PERCENT,
    AccountField.TARGET_CALL: _PERCENT,
    AccountField.EXIT_DTE: "a whole number from 1 to 30, or default",
    AccountField.LET_INDEX_EXPIRE: _SWITCH,
    AccountField.CALL_TARGET_LAST: _SWITCH,
}


@dataclass(frozen=True, slots=True)
class AccountSetting:
    """One setting of an account, with its value."""

    field: AccountField
    value: AccountValue

    def shown(self) -> str:
        """The value in the word that sets it."""
        match self.value:
            case None:
                return DEFAULT
            case bool():
                return "on" if self.value else "off"
            case date():
                return self.value.isoformat()
        return str(self.value)


def account_setting(name: str, text: str, today: date) -> AccountSetting | Refusal:
    """The setting and value that these two words name, or why they name none.

    `today` is the session date that `skip today` is for.
    """
    try:
        field = AccountField(name)
    except ValueError:
        return refuse(Reason.ACCOUNT_SETTING, field="the setting", accepted=", ".join(AccountField), given=name)
    value = _value(field, text, today)
    if isinstance(value, _NotAccepted):
        return refuse(Reason.ACCOUNT_SETTING, field=field.value, accepted=ACCEPTED[field], given=text)
    return AccountSetting(field, value)


_ON_OFF: dict[str, bool | _NotAccepted] = {"on": True, "off": False}
_EXIT_MODES = ("off", "targets", "all")


def opt_in_words(number: str) -> str:
    """What the operator types to switch on the exits of a live account: its last four characters are in it."""
    return f"EXITS {shown_end(number)}"


def confirmed_exits(text: str, number: str, *, live: bool) -> str | Refusal:
    """The mode in `all EXITS 4321`. In live an account sends exits only once its operator has typed these words."""
    mode, *typed = text.split() or [""]
    said = " ".join(typed)
    if said == opt_in_words(number) or (not said and (not live or mode in ("off", DEFAULT))):
        return mode
    return refuse(Reason.EXITS_UNCONFIRMED, words=opt_in_words(number))


class _NotAccepted:
    """Says that a word is not a value of its setting."""


def _value(field: AccountField, text: str, today: date) -> AccountValue | _NotAccepted:
    match field:
        case AccountField.AUTOMATION:
            return _ON_OFF.get(text, _NotAccepted())
        case AccountField.PRIMARY:
            return True if text == "on" else _NotAccepted()
    if text == DEFAULT:
        return None
    match field:
        case AccountField.OFFSET_CENTS:
            return _whole(text, 0, 25)
        case AccountField.POSITION_LIMIT:
            return _whole(text, 1, 100)
        case AccountField.WIDTH:
            return _above_zero(text, Decimal(100))
        case AccountField.TOLERANCE:
            return _above_zero(text, Decimal(1))
        case AccountField.MAIL:
            return text if text in list(MailPreference) else _NotAccepted()
        case AccountField.SKIP:
            return today if text == "today" else _NotAccepted()
        case AccountField.EXITS:
            return text if text in _EXIT_MODES else _NotAccepted()
        case AccountField.EXIT_DTE:
            return _whole(text, 1, 30)
        case AccountField.LET_INDEX_EXPIRE | AccountField.CALL_TARGET_LAST:
            return _ON_OFF.get(text, _NotAccepted())
        case AccountField.TARGET_PUT_1 | AccountField.TARGET_PUT_2 | AccountField.TARGET_CALL:
            percent = TARGET_OFF if text == TARGET_OFF else _whole(text, 1, 95)
            return percent if isinstance(percent, _NotAccepted) else str(percent)
    return _NotAccepted()


def _whole(text: str, low: int, high: int) -> int | _NotAccepted:
    if not (text.isascii() and text.isdigit()) or not low <= int(text[:6]) <= high or len(text) > 6:
        return _NotAccepted()
    return int(text)


def _above_zero(text: str, high: Decimal) -> Decimal | _NotAccepted:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return _NotAccepted()
    return number if text.isascii() and number.is_finite() and 0 < number <= high else _NotAccepted()
