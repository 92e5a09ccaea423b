"""The tick table: the first band with a threshold above the price, else the default (broker 9)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.domain.market.chain import TickTable
from tests.support.domain_builders import QQQ_TICKS, SPX_TICKS, D, expiration, listed


@pytest.mark.parametrize(
    ("price", "tick"),
    [("0.01", "0.05"), ("2.99", "0.05"), ("2.999999", "0.05"), ("3", "0.1"), ("3.00", "0.1"), ("250", "0.1")],
)
def test_spx_ticks_change_at_three_dollars(price: str, tick: str) -> None:
    assert SPX_TICKS.tick(D(price)) == D(tick)


def test_qqq_ticks_are_a_cent_everywhere() -> None:
    assert QQQ_TICKS.tick(D("0.01")) == QQQ_TICKS.tick(D(99)) == D("0.01")


def test_the_first_of_several_bands_above_the_price_wins() -> None:
    table = TickTable(((D(1), D("0.01")), (D(3), D("0.05"))), D("0.1"))
    assert [table.tick(D(p)) for p in ("0.99", "1", "2.99", "3")] == [D("0.01"), D("0.05"), D("0.05"), D("0.1")]


@pytest.mark.parametrize("price", [D("3"), D("100")])
def test_a_table_without_a_fallback_has_no_answer_above_its_bands(price: Decimal) -> None:
    table = TickTable(((D("3.0"), D("0.05")),), None)
    assert table.tick(D("2.99")) == D("0.05")
    assert table.tick(price) is None


@pytest.mark.parametrize("tick", ["0", "-0.01"])
def test_a_tick_that_is_not_above_zero_is_no_tick(tick: str) -> None:
    assert TickTable((), D(tick)).tick(D(1)) is None
    assert TickTable(((D(3), D(tick)),), D("0.1")).tick(D(1)) is None


def test_a_strike_is_found_however_its_number_is_written() -> None:
    chain = expiration(listing=[D("622.0"), D("490.50")])
    assert D(622) in chain.strikes
    assert D("6.22E+2") in chain.strikes
    assert D("490.5") in chain.strikes
    assert D("490") not in chain.strikes


def test_the_builders_name_options_as_the_broker_does() -> None:
    strike = listed(D("622"))
    assert (strike.put.occ, strike.put.streamer) == ("QQQ   251219P00622000", ".QQQ251219P622")
    assert (strike.call.occ, strike.call.streamer) == ("QQQ   251219C00622000", ".QQQ251219C622")
