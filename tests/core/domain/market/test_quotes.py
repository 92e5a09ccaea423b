"""Quote ages and midpoints (rules 2, 6, 14)."""

from __future__ import annotations

import pytest

from core.domain.market.quotes import Quote, Trade
from tests.support.domain_builders import D


def quote(bid: str | None, ask: str | None, as_of: float = 90.0) -> Quote:
    return Quote("QQQ", None if bid is None else D(bid), None if ask is None else D(ask), received=100.0, as_of=as_of)


def test_the_age_counts_from_the_older_side_not_from_the_arrival() -> None:
    assert quote("1", "2").age(105.0) == 15.0
    assert Trade("SPX", D(6000), received=100.0, as_of=40.0).age(105.0) == 65.0


def test_an_age_is_never_negative() -> None:
    assert quote("1", "2").age(80.0) == 0.0


@pytest.mark.parametrize(
    ("bid", "ask", "mid"),
    [
        ("622.10", "622.14", "622.12"),
        ("622.1", "622.1", "622.1"),
        ("622.2", "622.1", None),
        (None, "1", None),
        ("1", None, None),
    ],
)
def test_the_midpoint_is_of_an_uncrossed_quote_only(bid: str | None, ask: str | None, mid: str | None) -> None:
    assert quote(bid, ask).mid == (None if mid is None else D(mid))
