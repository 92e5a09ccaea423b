"""Which account is meant by what was typed, and an account's own setting or the default."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.domain.operation.accounts import own_or_default, resolve_account
from core.domain.operation.reasons import Reason, Refusal

KNOWN = ("5WT00001", "5WT00011", "5WT00021", "00021")


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("5WT00001", "5WT00001"),
        ("0011", "5WT00011"),
        ("…0011", "5WT00011"),
        ("...0011", "5WT00011"),
        (" 0011", "5WT00011"),
        ("T00021", "5WT00021"),
        ("00021", "00021"),
    ],
)
def test_a_whole_number_or_its_last_characters_name_an_account(typed: str, number: str) -> None:
    assert resolve_account(typed, KNOWN) == number


@pytest.mark.parametrize(
    ("typed", "known", "sentence"),
    [
        ("1", KNOWN, "'1' names 4 accounts; give one of …0001, …0011, …T00021, …00021"),
        ("0021", KNOWN, "'0021' names 2 accounts; give one of …T00021, …00021"),
        ("9", KNOWN[:2], "'9' names no known account; give one of …0001, …0011"),
        ("5WT", KNOWN[:1], "'5WT' names no known account; give one of …0001"),
        ("", KNOWN[:1], "'' names no known account; give one of …0001"),
        ("…", KNOWN[:1], "'…' names no known account; give one of …0001"),
        ("0001", (), "'0001' names no known account; no account is known yet"),
    ],
)
def test_a_number_of_none_or_several_accounts_is_refused_with_the_known_ones(
    typed: str, known: tuple[str, ...], sentence: str
) -> None:
    refused = resolve_account(typed, known)
    assert isinstance(refused, Refusal)
    assert (refused.reason, refused.sentence()) == (Reason.NO_SUCH_ACCOUNT, sentence)


def test_a_setting_of_zero_is_an_accounts_own() -> None:
    assert own_or_default(0, 4) == 0
    assert own_or_default(None, 4) == 4
    assert own_or_default(Decimal(0), Decimal(5)) == Decimal(0)
    assert own_or_default(None, None) is None
