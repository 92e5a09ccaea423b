"""What is to happen at the exchange at set instants of market time."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime


class Schedule:
    """Actions, each with its instant. Those of one instant happen in the order in which they were added."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._added = 0

    def add(self, instant: datetime, do: Callable[[datetime], None]) -> None:
        """Adds an action. It is called with its instant."""
        self._added += 1
        heapq.heappush(self._heap, (instant, self._added, do))

    def next_at(self) -> datetime | None:
        """The instant of the next action, or None."""
        return self._heap[0][0] if self._heap else None

    def run_next(self) -> None:
        """Carries out the next action. Raises IndexError when there is none."""
        instant, _, do = heapq.heappop(self._heap)
        do(instant)
