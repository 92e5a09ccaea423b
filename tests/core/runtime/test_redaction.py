"""Secrets are removed from any text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.runtime.redaction import Redactor


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


def test_the_representation_shows_no_value() -> None:
    assert "abcd-secret" not in repr(Redactor("abcd-secret"))


@given(st.text(), st.text(alphabet="abcXYZ019_-", min_size=4), st.text())
def test_no_text_around_a_secret_lets_it_through(before: str, secret: str, after: str) -> None:
    assert secret not in Redactor(secret)(before + secret + after)
