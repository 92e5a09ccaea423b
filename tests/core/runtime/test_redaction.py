"""Secrets are removed from any text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.runtime.redaction import Redactor
from core.simulator.market.market import Market


def test_known_values_are_masked_wherever_they_stand() -> None:
    scrub = Redactor("abcd-secret", "")
    assert scrub("x=abcd-secret&y") == "x=****&y"
    assert scrub("nothing to hide") == "nothing to hide"


def test_a_value_that_contains_another_is_masked_whole() -> None:
    assert Redactor("token", "token-and-more")("token-and-more") == "****"


def test_values_learnt_later_are_masked() -> None:
    scrub = Redactor()
    scrub.add("fresh-token")
    assert scrub("fresh-token") == "****"


def test_tokens_are_recognised_by_their_form() -> None:
    scrub = Redactor()
    assert scrub("eyJhbGciOi.eyJzdWIi.c2ln") == "****"
    assert scrub("Authorization: Bearer opaque123") == "Authorization: Bearer ****"
    assert scrub("redis://me:pass@host/0") == "redis://****@host/0"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("account 5WX77777 is closed", "account …7777 is closed"),
        ('{"account":"6YT00001"}', '{"account":"…0001"}'),
        ("/accounts/5WT12345/orders", "/accounts/…2345/orders"),
        ("5WT00001,5WT00002", "…0001,…0002"),
        ("ünknown 5WT00001é", "ünknown …0001é"),
    ],
)
def test_an_account_number_that_nobody_knows_is_masked_by_its_form(text: str, shown: str) -> None:
    assert Redactor()(text) == shown
    assert Redactor().by_value(text) == shown


@pytest.mark.parametrize(
    "text", ["15WT00001", "5WT000011", "5wt00001", "5W00001", "x5WT00001", "01JD5WT00001ABCDEFGHJKMNPQ", "5WT0000_1"]
)
def test_what_only_resembles_an_account_number_stays(text: str) -> None:
    assert Redactor()(text) == text


@pytest.mark.parametrize("underlying", ["QQQ", "SPX"])
def test_no_symbol_of_a_chain_is_taken_for_an_account_number(underlying: str) -> None:
    start = datetime(2026, 11, 23, 15, tzinfo=UTC)
    roots = Market(7, start).chain(underlying, start.date())
    strikes = [strike for root in roots for expiration in root.expirations for strike in expiration.strikes]
    symbols = [name for s in strikes for name in (s.put_occ, s.put_streamer, s.call_occ, s.call_streamer)]
    assert len(symbols) > 1000
    assert [symbol for symbol in symbols if Redactor()(symbol) != symbol] == []


def test_the_representation_shows_no_value() -> None:
    assert "abcd-secret" not in repr(Redactor("abcd-secret"))


@given(st.text(), st.text(alphabet="abcXYZ019_-", min_size=4), st.text())
def test_no_text_around_a_secret_lets_it_through(before: str, secret: str, after: str) -> None:
    assert secret not in Redactor(secret)(before + secret + after)
