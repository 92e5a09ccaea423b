"""How often this room asks the broker, and in which order: at most 5 requests a second and login (broker 2.8)."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count

from core.runtime.clock import Clock

PER_SECOND = 5
KEEPS_TURN_S = 10.0
"""Wall seconds for which an account keeps its place among the accounts after its last request: its work is done within
one complete read."""


class Work(IntEnum):
    """What requests are for, the most urgent first."""

    HAND_CLOSE = 0
    MUST_CLOSE = 1
    PROOF = 2
    FIRST_SEND = 3
    TARGET = 4
    STEP = 5
    ROUTINE = 6


_BANDS = {Work.FIRST_SEND: Work.PROOF}
"""Work that is taken together: what one account still has to cancel and prove does not wait for the sends of another,
nor the sends of one for the proofs of another."""


@dataclass(eq=False)
class Turn:
    """A place in the line of a login, for so many requests at once, at most 5."""

    login: str
    account: str
    work: Work
    requests: int = 1
    _number: int = field(init=False, default=0)
    _is_next: asyncio.Event = field(init=False, default_factory=asyncio.Event)


@dataclass(eq=False)
class _Line:
    """Those who wait for one login. `taken` has the monotonic seconds of the last requests; `accounts` the places of
    the accounts, and when each asked last."""

    waiting: list[Turn] = field(default_factory=list)
    taken: deque[float] = field(default_factory=lambda: deque(maxlen=PER_SECOND))
    accounts: dict[str, tuple[int, float]] = field(default_factory=dict)

    @property
    def first(self) -> Turn | None:
        return min(self.waiting, key=self._place, default=None)

    def _place(self, turn: Turn) -> tuple[int, int, int, int]:
        """The band, then account by account, then the work, then who came first."""
        account, _ = self.accounts[turn.account]
        return _BANDS.get(turn.work, turn.work), account, turn.work, turn._number

    def wait_s(self, requests: int, now_s: float) -> float:
        """Wall seconds until so many requests may leave."""
        busy = [at for at in self.taken if now_s - at < 1.0]
        over = len(busy) + requests - PER_SECOND
        return 0.0 if over <= 0 else busy[over - 1] + 1.0 - now_s


class Pace:
    """Lets requests go, the most urgent work first, and account by account: what one account has begun is finished
    before the next one begins, as far as it has work waiting. Every account keeps its place while it is at work."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: dict[str, _Line] = {}
        self._numbers = count(1)

    async def take(self, turn: Turn) -> None:
        """Waits until its requests may leave; they count as sent then. Raises ValueError for more than 5 at once."""
        if not 0 < turn.requests <= PER_SECOND:
            raise ValueError(f"{turn.requests} requests at once; 1 to {PER_SECOND} can leave")
        line = self._lines.setdefault(turn.login, _Line())
        self._join(line, turn)
        try:
            await self._until_first(line, turn)
            now_s = self._clock.monotonic()
            line.taken.extend([now_s] * turn.requests)
            line.accounts[turn.account] = line.accounts[turn.account][0], now_s
        finally:
            line.waiting.remove(turn)
            self._call_first(line)

    def hurry(self, turn: Turn, work: Work) -> None:
        """Makes a waiting turn as urgent as this work, where it is less so."""
        if work < turn.work:
            turn.work = work
            self._call_first(self._lines.setdefault(turn.login, _Line()))

    def _join(self, line: _Line, turn: Turn) -> None:
        now_s = self._clock.monotonic()
        at_work = {one.account for one in line.waiting}
        line.accounts = {
            account: kept
            for account, kept in line.accounts.items()
            if account in at_work or now_s - kept[1] < KEEPS_TURN_S
        }
        line.accounts.setdefault(turn.account, (next(self._numbers), now_s))
        turn._number = next(self._numbers)
        line.waiting.append(turn)

    async def _until_first(self, line: _Line, turn: Turn) -> None:
        """Whoever is first waits for the login to be free, and looks again: somebody more urgent may have come."""
        while True:
            if line.first is not turn:
                turn._is_next.clear()
                await turn._is_next.wait()
                continue
            wait_s = line.wait_s(turn.requests, self._clock.monotonic())
            if wait_s <= 0:
                return
            await self._clock.sleep(wait_s)

    def _call_first(self, line: _Line) -> None:
        first = line.first
        if first is not None:
            first._is_next.set()
