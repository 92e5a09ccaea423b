"""A session's quotes by minute, computed as arrays: the same as the quotes asked for one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.simulator.market.market import Market

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
CONTRACTS = (
    ".QQQ270108P622",
    ".QQQ270108C650",
    ".QQQ261204C500",
    ".QQQ261204C700",
    ".QQQ261218P540",
    ".SPXW270108P6800",
    ".SPXW261127P6800",
    ".SPX261218P4000",
    ".SPX270115C7000",
)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_array_of_a_session_holds_the_quotes_of_its_minutes(contract: str) -> None:
    """On a full day, on a half day (the fourth), and on days on which some of them have expired."""
    market = Market(7, START)
    seen = 0
    for days in (0, 4, 9, 24):
        opened = market.sessions_around(START + timedelta(days=days))[2].open
        found = market.option_minutes(contract, opened)
        if found is None:
            assert market.quote(contract, opened) is None
            continue
        bids, asks = found
        for minute, (bid, ask) in enumerate(zip(bids, asks, strict=True)):
            quote = market.quote(contract, opened + timedelta(minutes=minute))
            assert quote is not None
            assert quote.bid is not None
            assert quote.ask is not None
            assert (float(quote.bid), float(quote.ask)) == pytest.approx((bid, ask), abs=1e-4), (opened, minute)
            seen += 1
        last, after = (market.quote(contract, opened + timedelta(minutes=len(bids) + n)) for n in (-1, 3))
        assert last == after, "the last column is the end of the quotes"
    assert seen > 200


def test_no_minutes_of_an_underlying_or_of_an_unknown_contract() -> None:
    market = Market(7, START)
    for symbol in ("QQQ", "SPX", ".QQQ270109C622", "words"):
        assert market.option_minutes(symbol, START) is None
