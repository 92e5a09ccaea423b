"""How often the broker is asked, and in which order: at most 5 requests a second and login (broker 2.8).

Paced are what exits read and send, the looks at orders, the comparison of positions and the books. What an entry reads
and sends before it is made takes no turn, nor does a reconciliation: neither waits for anything here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, IntEnum, auto
from itertools import count

from core.runtime.clock import Clock

PER_SECOND = 5
ROUTINE_PER_SECOND = 4
"""Of them for routine reads: one is left for what is asked beside all turns, like the broker's session every 30 s."""
KEEPS_TURN_S = 10.0
"""Wall seconds for which an account keeps its place among the accounts after its last request: its work is done within
one complete read."""


class Work(IntEnum):
    """What requests are for, the most urgent first. Exits and entries wait neither for each other nor for routine reads
    that have not left. What is to be asked at once waits for nothing, and routine reads make room for it."""

    AT_ONCE = 0
    HAND_CLOSE = 1
    MUST_CLOSE = 2
    PROOF = 3
    FIRST_SEND = 4
    TARGET = 5
    STEP = 6
    ENTRY = 7
    ROUTINE = 8


class _Share(Enum):
    """Work that shares the requests of a second."""

    AT_ONCE = auto()
    EXITS = auto()
    ENTRIES = auto()
    ROUTINE = auto()


_SHARES = {Work.AT_ONCE: _Share.AT_ONCE, Work.ENTRY: _Share.ENTRIES, Work.ROUTINE: _Share.ROUTINE}
"""The share of each kind of work; what is not here is of exits."""
_COUNTED = {
    _Share.AT_ONCE: frozenset[_Share](),
    _Share.EXITS: frozenset({_Share.EXITS, _Share.ROUTINE}),
    _Share.ENTRIES: frozenset({_Share.ENTRIES, _Share.ROUTINE}),
    _Share.ROUTINE: frozenset(_Share),
}
"""Whose requests of the last second each share has to wait for."""
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
    _may_leave: asyncio.Event = field(init=False, default_factory=asyncio.Event)

    @property
    def share(self) -> _Share:
        return _SHARES.get(self.work, _Share.EXITS)


@dataclass(eq=False)
class _Line:
    """Those who wait for one login. `taken` has the monotonic seconds of the requests of the last second, ascending,
    and for whom they were; `accounts` the places of the accounts, and when each asked last."""

    waiting: list[Turn] = field(default_factory=list)
    taken: deque[tuple[float, _Share]] = field(default_factory=deque)
    accounts: dict[str, tuple[int, float]] = field(default_factory=dict)

    def firsts(self) -> list[Turn]:
        """Those for whom nobody who waits comes first: what is asked at once, the first of exits and of entries;
        without these the first routine read."""
        of: dict[_Share, Turn] = {}
        found = []
        for turn in self.waiting:
            if turn.share is _Share.AT_ONCE:
                found.append(turn)
            elif turn.share not in of or self._place(turn) < self._place(of[turn.share]):
                of[turn.share] = turn
        if _Share.EXITS in of or _Share.ENTRIES in of:
            of.pop(_Share.ROUTINE, None)
        return [*found, *of.values()]

    def _place(self, turn: Turn) -> tuple[int, int, int, int]:
        """The band, then account by account, then the work, then who came first. Routine reads go by when they came
        alone: no account has any of them more often than another."""
        if turn.share is _Share.ROUTINE:
            return turn.work, 0, 0, turn._number
        account, _ = self.accounts[turn.account]
        return _BANDS.get(turn.work, turn.work), account, turn.work, turn._number

    def wait_s(self, turn: Turn, now_s: float) -> float:
        """Wall seconds until its requests may leave."""
        while self.taken and now_s - self.taken[0][0] >= 1.0:
            self.taken.popleft()
        busy = [at for at, share in self.taken if share in _COUNTED[turn.share]]
        most = max(ROUTINE_PER_SECOND, turn.requests) if turn.share is _Share.ROUTINE else PER_SECOND
        over = len(busy) + turn.requests - most
        return 0.0 if over <= 0 or not busy else busy[over - 1] + 1.0 - now_s


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
            line.taken.extend([(now_s, turn.share)] * turn.requests)
            line.accounts[turn.account] = line.accounts[turn.account][0], now_s
        finally:
            line.waiting.remove(turn)
            self._call_firsts(line)

    def hurry(self, turn: Turn, work: Work) -> None:
        """Makes a waiting turn as urgent as this work, where it is less so."""
        if work < turn.work:
            turn.work = work
            self._call_firsts(self._lines.setdefault(turn.login, _Line()))

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
            turn._may_leave.clear()
            if turn not in line.firsts():
                await turn._may_leave.wait()
                continue
            wait_s = line.wait_s(turn, self._clock.monotonic())
            if wait_s <= 0:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await turn._may_leave.wait()  # it may have become more urgent

    def _call_firsts(self, line: _Line) -> None:
        for turn in line.firsts():
            turn._may_leave.set()
