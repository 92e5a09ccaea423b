"""A stand-in for the engine in the screen bench: its quotes change 200 times a second, on a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from core.domain.operation.commands import CommandKind
from core.snapshot import EngineNotRunning, Snapshot
from tests.support.console.scenes import calm

if TYPE_CHECKING:
    from core.records.records import Records

Found = TypeVar("Found")
QUOTES_PER_S = 200
SNAPSHOTS_PER_S = 5
"""The rate at which the engine makes snapshots."""
CENT = Decimal("0.01")
DAY_POINT_EVERY_S = 15
"""Seconds between two points of the day's price chart."""


class ChangingEngine:
    """An engine client on a calm day, with changing quotes of both underlyings and all four legs."""

    def __init__(self) -> None:
        self.quotes = 0
        self._first = calm()
        self._steps = [0] * (len(self._first.quotes) + (len(self._first.spread.legs) if self._first.spread else 0))
        self._shown = self._first
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def snapshot(self) -> Snapshot:
        return self._shown

    def send(self, kind: CommandKind, *, target: str = "", note: str = "") -> str:
        return kind.value

    def look_up(self, question: Callable[[Records], Awaitable[Found]]) -> Future[Found]:
        """There are no records to ask."""
        nobody: Future[Found] = Future()
        nobody.set_exception(EngineNotRunning("the engine of this bench has no records"))
        return nobody

    def _run(self) -> None:
        started = time.monotonic()
        for number in count(1):
            time.sleep(max(0.0, started + number / QUOTES_PER_S - time.monotonic()))
            self._change(number)
            if number % (QUOTES_PER_S // SNAPSHOTS_PER_S) == 0:
                self._shown = self._snapshot(number // QUOTES_PER_S)

    def _change(self, number: int) -> None:
        """Changes one quote, of the symbols in turn. It stays within 20 cents of its first price."""
        self.quotes = number
        self._steps[number % len(self._steps)] = (number * 7919) % 41 - 20

    def _snapshot(self, elapsed_s: int) -> Snapshot:
        first = self._first
        moved = [step * CENT for step in self._steps]
        quotes = tuple(
            replace(
                quote,
                price=_plus(quote.price, by),
                change=_plus(quote.change, by),
                bid=_plus(quote.bid, by),
                ask=_plus(quote.ask, by),
                day_path=quote.day_path[: 200 + elapsed_s // DAY_POINT_EVERY_S],
            )
            for quote, by in zip(first.quotes, moved, strict=False)
        )
        spread = first.spread
        if spread is not None:
            legs = tuple(
                replace(leg, bid=_plus(leg.bid, by), ask=_plus(leg.ask, by), mid=_plus(leg.mid, by))
                for leg, by in zip(spread.legs, moved[len(quotes) :], strict=True)
            )
            by = moved[-1]
            spread = replace(spread, legs=legs, mid=_plus(spread.mid, by), natural=_plus(spread.natural, by))
        now = None if first.status.now is None else first.status.now + timedelta(seconds=elapsed_s)
        return replace(first, status=replace(first.status, now=now), quotes=quotes, spread=spread)


def _plus(price: Decimal | None, by: Decimal) -> Decimal | None:
    return None if price is None else price + by
