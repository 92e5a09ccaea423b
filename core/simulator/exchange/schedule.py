"""What is to happen at the exchange at set instants of market time. It is plain data, so that it can be stored."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from core.simulator.exchange.orders import OrderRequest


class DueKind(Enum):
    """What is to happen."""

    SUBMIT = "submit"
    """The `request` arrives, placed by the login `by`."""
    REVIVE = "revive"
    """The order with `order_id` works again."""
    REMOVE = "remove"
    """The broker removes the order with `order_id`."""
    EXPIRE = "expire"
    """The order with `order_id` ends as if its time were over."""
    FORGET = "forget"
    """The broker forgets the order with `order_id`."""
    ASSIGN = "assign"
    """Short contracts of `symbol` are assigned, as many as `quantity`."""
    SPLIT = "split"
    """The shares of `symbol` have been split: the account's positions change."""


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that is to happen to an account at an instant."""

    at: datetime
    kind: DueKind
    account: str
    order_id: int | None = None
    request: OrderRequest | None = None
    by: str = ""
    symbol: str = ""
    quantity: int = 0


class Schedule:
    """What is due, each with its instant. What is due at one instant comes in the order in which it was added."""

    def __init__(self, on_add: Callable[[], None] = lambda: None) -> None:
        """`on_add` is called after each addition: the next event may come sooner then."""
        self._on_add = on_add
        self._heap: list[tuple[datetime, int, Due]] = []
        self._added = 0

    def add(self, due: Due) -> None:
        """Adds what is to happen."""
        self._added += 1
        heapq.heappush(self._heap, (due.at, self._added, due))
        self._on_add()

    def next_at(self) -> datetime | None:
        """The instant of the next, or None."""
        return self._heap[0][0] if self._heap else None

    def take_next(self) -> Due:
        """Removes and returns the next. Raises IndexError when there is none."""
        return heapq.heappop(self._heap)[2]

    def all(self) -> tuple[Due, ...]:
        """Everything that is due, in the order in which it will happen."""
        return tuple(due for _, _, due in sorted(self._heap))
