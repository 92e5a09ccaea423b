"""Builds a value from its row once, for as long as the row reads the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from sqlalchemy.engine import Row

Value = TypeVar("Value")
Part = TypeVar("Part")


class SameRows(Generic[Value]):
    """The values built last from the rows with these keys. Most rows that a poll reads did not change since the last
    one, and to build a value with many fields costs more than to read its row.

    A value depends on nothing but what it was built from, so one memory serves every store of the process. It keeps the
    `most` values that were built last.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._built: dict[Hashable, tuple[object, Value]] = {}

    def value(self, key: Hashable, read: object, build: Callable[[], Value]) -> Value:
        """What `build` makes of `read`, which is all that it depends on: the value built last where it reads the
        same."""
        known = self._built.get(key)
        if known is not None and known[0] == read:
            return known[1]
        built = build()
        self._built.pop(key, None)
        if len(self._built) >= self._most:
            del self._built[next(iter(self._built))]
        self._built[key] = read, built
        return built


def built_once(most: int) -> Callable[[Callable[[Row[Any], Part], Value]], Callable[[Row[Any], Part], Value]]:
    """Decorates what builds a value from a row that has an `id`, and from what other tables have of it: where both read
    the same as the last time, it is the value of then."""

    def decorated(build: Callable[[Row[Any], Part], Value]) -> Callable[[Row[Any], Part], Value]:
        same: SameRows[Value] = SameRows(most)

        def value(row: Row[Any], part: Part) -> Value:
            return same.value(row.id, (tuple(row), part), lambda: build(row, part))

        return value

    return decorated
