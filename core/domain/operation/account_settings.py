"""The operator's settings for one account, and the words that set them (rules 4, 7, 8, 11)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from core.domain.operation.mail_preference import MailPreference
from core.domain.operation.reasons import Reason, Refusal, refuse

DEFAULT = "default"
"""The word that removes an account's own value: the default of the settings file applies again."""


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


AccountValue = bool | int | Decimal | str | date | None
"""A setting's value; None means the default.

Cents for the offset, dollars per share for the width, a fraction of capital for the tolerance, the session date for
skip.
"""

ACCEPTED = {
    AccountField.AUTOMATION: "on or off",
    AccountField.OFFSET_CENTS: "a whole number from 0 to 25, or default",
    AccountField.WIDTH: "a number above 0, at most 100, or default",
    AccountField.TOLERANCE: "a number above 0, at most 1, or default",
    AccountField.POSITION_LIMIT: "a whole number from 1 to 100, or default",
    AccountField.MAIL: "immediate, daily, weekly, never or default",
    AccountField.PRIMARY: "on: another account gives it up by that",
    AccountField.SKIP: "today or default",
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


class _NotAccepted:
    """Says that a word is not a value of its setting."""


def _value(field: AccountField, text: str, today: date) -> AccountValue | _NotAccepted:
    match field:
        case AccountField.AUTOMATION:
            return {"on": True, "off": False}.get(text, _NotAccepted())
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
