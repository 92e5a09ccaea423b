"""The limit price of an entry (rules 8)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.domain.market.chain import TickTable
from core.domain.operation.reasons import Reason, Refusal
from core.domain.trident.entry_price import MAX_OFFSET_CENTS, EntryPrice, entry_price
from tests.support.domain_builders import QQQ_TICKS, SPX_TICKS, D, priced


def price(mid: str, natural: str, offset: int = 0, ticks: TickTable = QQQ_TICKS) -> EntryPrice:
    result = entry_price(D(mid), D(natural), offset, ticks)
    assert isinstance(result, EntryPrice)
    return result


def test_the_seeds_example() -> None:
    result = price("4.10", "3.86", 4)
    assert (result.limit, result.raw, result.floored, result.rounding) == (D("4.06"), D("4.06"), False, D(0))
    assert result.offset == D("0.04")
    pricing = priced()
    assert entry_price(pricing.mid, pricing.natural, 4, QQQ_TICKS) == result


def test_the_floor_bites_and_says_so() -> None:
    result = price("4.10", "3.86", 25)
    assert (result.raw, result.limit, result.floored) == (D("3.86"), D("3.86"), True)


def test_a_raw_exactly_at_natural_is_not_floored() -> None:
    result = price("4.10", "3.86", 24)
    assert (result.limit, result.floored) == (D("3.86"), False)


@pytest.mark.parametrize(
    ("mid", "natural", "ticks", "limit"),
    [
        ("4.065", "3.86", QQQ_TICKS, "4.06"),  # a tie goes down
        ("4.066", "3.86", QQQ_TICKS, "4.07"),
        ("4.065", "4.065", QQQ_TICKS, "4.07"),  # never below natural: one tick up
        ("4.064", "4.063", QQQ_TICKS, "4.07"),
        ("2.975", "2.90", SPX_TICKS, "2.95"),
        ("2.98", "2.90", SPX_TICKS, "3.00"),  # up into the band of 0.10
        ("2.97", "2.96", SPX_TICKS, "3.00"),  # one tick up crosses the band
        ("2.99", "2.99", SPX_TICKS, "3.00"),
        ("3.00", "2.50", SPX_TICKS, "3.00"),
        ("3.04", "2.98", SPX_TICKS, "3.00"),
        ("3.05", "2.50", SPX_TICKS, "3.00"),  # a tie in the upper band goes down
        ("3.05", "3.02", SPX_TICKS, "3.10"),
        ("3.06", "2.50", SPX_TICKS, "3.10"),
        ("12.25", "12.25", SPX_TICKS, "12.30"),
        ("12.25", "12.20", SPX_TICKS, "12.20"),
    ],
)
def test_rounding_to_the_chains_tick(mid: str, natural: str, ticks: TickTable, limit: str) -> None:
    result = price(mid, natural, 0, ticks)
    assert result.limit == D(limit)
    assert result.rounding == D(limit) - D(mid)


def test_an_offset_moves_the_raw_into_the_lower_band() -> None:
    result = price("3.01", "2.40", 4, SPX_TICKS)
    assert (result.raw, result.limit) == (D("2.97"), D("2.95"))


@pytest.mark.parametrize("offset", [-1, 26, 100])
def test_an_offset_outside_0_to_25_cents_is_an_error(offset: int) -> None:
    with pytest.raises(ValueError, match="offset"):
        entry_price(D(4), D(3), offset, QQQ_TICKS)


@pytest.mark.parametrize("offset", [0, MAX_OFFSET_CENTS])
def test_both_ends_of_the_offset_are_allowed(offset: int) -> None:
    assert MAX_OFFSET_CENTS == 25
    assert price("4.10", "3.00", offset).limit == D("4.10") - D(offset) / 100


@pytest.mark.parametrize("mid", [None, D("NaN"), D("Infinity")])
def test_no_mid_no_order(mid: Decimal | None) -> None:
    refusal = entry_price(mid, D("3.86"), 4, QQQ_TICKS)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.NO_MID
    assert refusal.transient


@pytest.mark.parametrize(
    "table", [TickTable((), None), TickTable(((D(3), D("0.05")),), None), TickTable((), D(0)), TickTable((), D(-1))]
)
def test_a_chain_without_a_usable_tick_has_no_price(table: TickTable) -> None:
    refusal = entry_price(D("4.10"), D("3.86"), 4, table)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.NO_TICK
    assert refusal.sentence() == "the chain carries no tick for 4.06"


def test_a_limit_that_rounds_out_of_the_table_has_no_tick() -> None:
    refusal = entry_price(D("2.98"), D("2.90"), 0, TickTable(((D(3), D("0.05")),), None))
    assert isinstance(refusal, Refusal)
    assert refusal.sentence() == "the chain carries no tick for 3.00"


@pytest.mark.parametrize(
    ("mid", "threshold", "low_tick", "high_tick", "limit"),
    [
        ("3.01", "3.02", "0.05", "0.1", "3.1"),  # 3.05 lies beyond the threshold, where 0.1 is the tick
        ("3.60", "3.55", "0.2", "0.5", "4.0"),  # down to 3.5, there up to 3.6, there up to 4.0
    ],
)
def test_a_threshold_off_its_own_ticks_still_gives_a_price_on_tick(
    mid: str, threshold: str, low_tick: str, high_tick: str, limit: str
) -> None:
    table = TickTable(((D(threshold), D(low_tick)),), D(high_tick))
    assert price(mid, "3.01", 0, table).limit == D(limit)


mills = st.integers(10, 30_000).map(lambda n: D(n) / 1000)
tables = st.sampled_from(
    [
        QQQ_TICKS,
        SPX_TICKS,
        TickTable(((D(1), D("0.01")), (D(3), D("0.05"))), D("0.1")),
        TickTable(((D(2), D("0.05")), (D(5), D("0.10"))), D("0.25")),
    ]
)


def grid(table: TickTable, around: Decimal) -> list[Decimal]:
    """Every price on tick from 0.60 below to 0.60 above, found by trying each cent."""
    cents = (D(n) / 100 for n in range(int(around * 100) - 60, int(around * 100) + 61))
    return [c for c in cents if c >= 0 and c % (table.tick(c) or 1) == 0]


@given(mid=mills, below=mills, offset=st.integers(0, 25), table=tables)
@example(mid=D("2.97"), below=D("0.01"), offset=0, table=SPX_TICKS)
@example(mid=D("3.01"), below=D("0.02"), offset=4, table=SPX_TICKS)
def test_the_limit_is_the_nearest_tick_not_below_natural(
    mid: Decimal, below: Decimal, offset: int, table: TickTable
) -> None:
    natural = mid - below
    if natural <= 0:
        natural = mid
    result = entry_price(mid, natural, offset, table)
    assert isinstance(result, EntryPrice)
    tick = table.tick(result.limit)
    assert tick is not None
    assert result.limit % tick == 0
    assert result.limit >= natural
    assert result.raw == max(mid - result.offset, natural)
    assert result.floored == (mid - result.offset < natural)
    assert abs(result.rounding) < max(tick, table.tick(result.raw) or tick)
    allowed = [c for c in grid(table, result.raw) if c >= natural]
    assert result.limit == min(allowed, key=lambda c: (abs(c - result.raw), c))
