"""The long tests come first in the part of each worker, and none is lost or runs twice."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.support.longest_first import longest_first


@given(st.integers(0, 70), st.integers(0, 300), st.integers(1, 9))
def test_every_part_begins_with_its_share_of_the_long_ones(long: int, others: int, workers: int) -> None:
    given_long, given_others = [("long", n) for n in range(long)], [("short", n) for n in range(others)]
    ordered = longest_first(given_long, given_others, workers)
    assert sorted(ordered) == sorted([*given_long, *given_others])
    if long < workers or others < workers:
        return
    begins = [n for n, one in enumerate(ordered) if one[0] == "long" and ordered[n - 1][0] == "short"]
    begins = sorted({0, *begins})
    assert len(begins) == workers
    longest = max(after - first for first, after in pairwise([*begins, len(ordered)]))
    assert longest <= len(ordered) // workers + 2, "equal parts"


def test_neighbours_stay_together() -> None:
    assert longest_first("abcd", "1234", 2) == [*"ab12cd34"]
