"""How the operator writes a setting of one account, and which values are refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.config.exits import ExitSettings
from core.config.settings import TradingSettings
from core.domain.operation.account_settings import (
    AccountField,
    AccountSetting,
    AccountValue,
    account_setting,
    confirmed_exits,
)
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
        ("exits", "off", "off"),
        ("exits", "targets", "targets"),
        ("exits", "all", "all"),
        ("exits", "default", None),
        ("target-put-1", "1", "1"),
        ("target-put-2", "95", "95"),
        ("target-call", "off", "off"),
        ("exit-dte", "30", 30),
        ("let-index-expire", "on", True),
        ("call-target-last", "off", False),
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
        ("exits", "on", "exits must be off, targets, all or default; 'on' was given"),
        ("target-put-1", "0", "target-put-1 must be a whole number from 1 to 95, off or default; '0' was given"),
        ("target-call", "100", "target-call must be a whole number from 1 to 95, off or default; '100' was given"),
        ("target-put-2", "4.5", "target-put-2 must be a whole number from 1 to 95, off or default; '4.5' was given"),
        ("exit-dte", "31", "exit-dte must be a whole number from 1 to 30, or default; '31' was given"),
        ("exit-dte", "0", "exit-dte must be a whole number from 1 to 30, or default; '0' was given"),
        ("let-index-expire", "yes", "let-index-expire must be on, off or default; 'yes' was given"),
        ("call-target-last", "1", "call-target-last must be on, off or default; '1' was given"),
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


@given(st.sampled_from(["target-put-1", "target-put-2", "target-call", "exit-dte"]), st.integers(-5, 130))
def test_an_account_may_have_the_exits_that_the_settings_file_may_have(name: str, number: int) -> None:
    own = account_setting(name, str(number), TODAY)
    try:
        ExitSettings(**{name.replace("-", "_"): number})
        accepted = True
    except ValidationError:
        accepted = False
    assert isinstance(own, AccountSetting) == accepted


@pytest.mark.parametrize("text", ["all EXITS 4321", "targets  EXITS  4321", "off", "default", "off EXITS 4321"])
def test_live_exits_are_switched_on_by_typed_words(text: str) -> None:
    assert confirmed_exits(text, "5WX04321", live=True) == text.split()[0]


@pytest.mark.parametrize("text", ["all", "targets", "all EXITS 4322", "all exits 4321", "all EXITS", "all yes"])
def test_without_the_typed_words_nothing_is_switched_on_in_live(text: str) -> None:
    found = confirmed_exits(text, "5WX04321", live=True)
    assert isinstance(found, Refusal)
    assert found.sentence() == (
        "live closing orders of an account are switched on by typing EXITS 4321; nothing is changed"
    )


def test_elsewhere_no_words_are_needed_and_wrong_ones_are_refused() -> None:
    assert confirmed_exits("all", "5WX04321", live=False) == "all"
    assert confirmed_exits("", "5WX04321", live=False) == ""
    assert isinstance(confirmed_exits("all EXITS 9999", "5WX04321", live=False), Refusal)
