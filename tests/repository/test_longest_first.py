"""The long tests come early in the part of each worker, and none is lost or runs twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.longest_first import longest_first


@given(st.integers(0, 70), st.integers(0, 300), st.integers(1, 9))
def test_every_part_has_its_share_of_the_long_ones_and_none_is_lost(long: int, others: int, workers: int) -> None:
    given_long, given_others = [("long", n) for n in range(long)], [("short", n) for n in range(others)]
    ordered = longest_first(given_long, given_others, workers)
    assert sorted(ordered) == sorted([*given_long, *given_others])
    size = len(ordered) / workers
    for number in range(workers):
        part = ordered[round(number * size) : round((number + 1) * size)]
        shares = sum(one[0] == "long" for one in part)
        assert abs(shares - long / workers) <= 3
        last = max((n for n, one in enumerate(part[:-3]) if one[0] == "long"), default=0)
        assert last <= len(part) / 2 + long / workers + 3, "none is among the last"


def test_neighbours_stay_together_and_every_second_part_begins_with_its_long_ones() -> None:
    assert longest_first("abcd", "12345678", 2) == [*"ab123456cd78"]
