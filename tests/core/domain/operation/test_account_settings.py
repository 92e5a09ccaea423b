"""How the operator writes a setting of one account, and which values are refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.config.settings import TradingSettings
from core.domain.operation.account_settings import AccountField, AccountSetting, AccountValue, account_setting
from core.domain.operation.reasons import Reason, Refusal

TODAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("automation", "on", True),
        ("automation", "off", False),
        ("offset-cents", "0", 0),
        ("offset-cents", "25", 25),
        ("width", "5", Decimal(5)),
        ("width", "2.5", Decimal("2.5")),
        ("tolerance", "1", Decimal(1)),
        ("position-limit", "1", 1),
        ("mail", "weekly", "weekly"),
        ("primary", "on", True),
        ("skip", "today", TODAY),
        ("skip", "default", None),
        ("width", "default", None),
    ],
)
def test_the_words_and_their_values(name: str, text: str, value: AccountValue) -> None:
    assert account_setting(name, text, TODAY) == AccountSetting(AccountField(name), value)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("offset-cents", "26", "offset-cents must be a whole number from 0 to 25, or default; '26' was given"),
        ("offset-cents", "-1", "offset-cents must be a whole number from 0 to 25, or default; '-1' was given"),
        ("offset-cents", "٣", "offset-cents must be a whole number from 0 to 25, or default; '٣' was given"),
        ("tolerance", "NaN", "tolerance must be a number above 0, at most 1, or default; 'NaN' was given"),
        ("tolerance", "1.01", "tolerance must be a number above 0, at most 1, or default; '1.01' was given"),
        ("width", "0", "width must be a number above 0, at most 100, or default; '0' was given"),
        ("position-limit", "0", "position-limit must be a whole number from 1 to 100, or default; '0' was given"),
        ("mail", "hourly", "mail must be immediate, daily, weekly, never or default; 'hourly' was given"),
        ("primary", "off", "primary must be on: another account gives it up by that; 'off' was given"),
        ("skip", "tomorrow", "skip must be today or default; 'tomorrow' was given"),
        ("automation", "default", "automation must be on or off; 'default' was given"),
    ],
)
def test_what_is_no_value_names_field_value_and_what_may_be_given(name: str, text: str, sentence: str) -> None:
    refused = account_setting(name, text, TODAY)
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.ACCOUNT_SETTING
    assert refused.sentence() == sentence


def test_an_unknown_setting_lists_those_there_are() -> None:
    refused = account_setting("colour", "blue", TODAY)
    assert isinstance(refused, Refusal)
    assert "automation, offset-cents, width" in refused.sentence()
    assert "'colour' was given" in refused.sentence()


@given(
    st.sampled_from(["offset-cents", "width", "tolerance", "position-limit"]),
    st.one_of(st.integers(-5, 130).map(str), st.decimals(-2, 130, places=2).map(str)),
)
def test_an_account_may_have_what_the_settings_file_may_have(name: str, text: str) -> None:
    """The ranges are written in two places and must be the same."""
    own = account_setting(name, text, TODAY)
    setting = {"offset-cents": "entry_offset_cents"}.get(name, name.replace("-", "_"))
    whole = name in ("offset-cents", "position-limit")
    try:
        TradingSettings(**{setting: int(text) if whole and text.isdigit() else Decimal(text)})
        accepted = not whole or text.isdigit()
    except ValidationError:
        accepted = False
    assert isinstance(own, AccountSetting) == accepted
