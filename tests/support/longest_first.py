"""The order of a run: what takes longest comes early in the part of each worker, and not in all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def longest_first(long: Sequence[T], others: Sequence[T], workers: int) -> list[T]:
    """The tests in an order whose equal parts, one for each worker, have an equal share of the long ones: every second
    part begins with its share, the others have it in their middle.

    A long test that is among the last keeps all workers but its own waiting. Long ones mostly wait: while some workers
    do, the others have something to work on. Neighbours stay together as far as they can: the tests of a file share its
    fixtures.
    """
    ordered: list[T] = []
    for number in range(workers):
        own, rest = _part(long, number, workers), _part(others, number, workers)
        before = len(rest) // 2 if number % 2 else 0
        ordered += [*rest[:before], *own, *rest[before:]]
    return ordered


def _part(tests: Sequence[T], number: int, parts: int) -> Sequence[T]:
    return tests[number * len(tests) // parts : (number + 1) * len(tests) // parts]
