"""The order of a run: what takes longest comes first in the part of each worker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def longest_first(long: Sequence[T], others: Sequence[T], workers: int) -> list[T]:
    """The tests in an order whose equal parts, one for each worker, begin with an equal share of the long ones.

    A long test that is among the last keeps all workers but its own waiting. Neighbours stay together as far as they
    can: the tests of a file share its fixtures.
    """
    parts = ((_part(long, number, workers), _part(others, number, workers)) for number in range(workers))
    return [each for part in parts for group in part for each in group]


def _part(tests: Sequence[T], number: int, parts: int) -> Sequence[T]:
    return tests[number * len(tests) // parts : (number + 1) * len(tests) // parts]
