"""How often the broker is asked, and in which order: at most 5 requests a second and login (broker 2.8).

Paced are what exits read and send, the looks at orders, the comparison of positions and the books. What an entry reads
and sends before it is made takes no turn, nor does a reconciliation: neither waits for anything here.

The order of a line is three rules. Exits go first, the most urgent before the others. Looks and routine reads go by
when they came, an entry's look as if it had come `PATIENCE_S` earlier. One of these that has waited `PATIENCE_S` passes
the exits, one every `PASSES_EVERY_S`: so nothing waits for ever, and exits keep nine tenths of a login. Such a read
makes room for nothing any more: it holds up all behind it, for a second at most.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count

from core.runtime.clock import Clock

PER_SECOND = 5
READS_PER_SECOND = 4
"""Of them for looks and routine reads: one is left for what is asked beside all turns, like the broker's session every
30 s, and for an exit that begins."""
PATIENCE_S = 10.0
"""Wall seconds that a routine read waits for looks at entries, and both wait for exits."""
PASSES_EVERY_S = 4.0
"""Wall seconds from one read that passes exits to the next: 2 of 20 requests."""
KEEPS_TURN_S = 10.0
"""Wall seconds for which an account keeps its place among the accounts after its last request for exits: its work is
done within one complete read."""
_LEAST_S = 0.001
"""The shortest timer, in wall seconds: a remainder of a second that no clock shows is no wait."""


class Work(IntEnum):
    """What requests are for, the most urgent first. What is asked at once waits for nothing; reads make room for it
    while they have waited less than `PATIENCE_S`. A complete read that an exit waits for is a proof, not routine.
    `ENTRY` is a look at an account whose entry may change."""

    AT_ONCE = 0
    HAND_CLOSE = 1
    MUST_CLOSE = 2
    PROOF = 3
    FIRST_SEND = 4
    TARGET = 5
    STEP = 6
    ENTRY = 7
    ROUTINE = 8


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
    _joined_s: float = field(init=False, default=0.0)
    _leaves: asyncio.Event = field(init=False, default_factory=asyncio.Event)

    @property
    def is_read(self) -> bool:
        """Whether no exit is done by it."""
        return self.work >= Work.ENTRY

    @property
    def _due_s(self) -> tuple[float, int]:
        """The place of a read among the reads."""
        return self._joined_s + (PATIENCE_S if self.work is Work.ROUTINE else 0.0), self._number


@dataclass(eq=False)
class _Line:
    """Those who wait for one login. `left` has the requests of the last second, by their monotonic second and what they
    were for; `places` those of the accounts among exits, and when each asked last; `passed_s` when a read last went
    before exits."""

    waiting: list[Turn] = field(default_factory=list)
    left: deque[tuple[float, Work]] = field(default_factory=deque)
    places: dict[str, tuple[int, float]] = field(default_factory=dict)
    passed_s: float = float("-inf")
    timer: asyncio.TimerHandle | None = None

    def first(self, now_s: float) -> Turn | None:
        """Who goes next."""
        exits = [turn for turn in self.waiting if not turn.is_read]
        read = min((turn for turn in self.waiting if turn.is_read), key=lambda turn: turn._due_s, default=None)
        exit = min(exits, key=self._place, default=None)
        if exit is None or (read is not None and exit.work is not Work.AT_ONCE and self._passes(read, now_s)):
            return read
        return exit

    def _passes(self, read: Turn, now_s: float) -> bool:
        return _has_waited(read, now_s) and now_s - self.passed_s >= PASSES_EVERY_S

    def _place(self, turn: Turn) -> tuple[int, int, int, int]:
        """The band, then account by account, then the work, then who came first."""
        account, _ = self.places[turn.account]
        return _BANDS.get(turn.work, turn.work), account, turn.work, turn._number

    def wait_s(self, turn: Turn, now_s: float) -> float:
        """Wall seconds until its requests may leave: a second at most where it goes next, unless it makes room."""
        while self.left and now_s - self.left[0][0] >= 1.0:
            self.left.popleft()
        if turn.work is Work.AT_ONCE:
            return 0.0
        makes_room = turn.is_read and not _has_waited(turn, now_s)
        busy = [at for at, work in self.left if makes_room or work is not Work.AT_ONCE]
        most = max(READS_PER_SECOND, turn.requests) if turn.is_read else PER_SECOND
        over = len(busy) + turn.requests - most
        return max(_LEAST_S, busy[over - 1] + 1.0 - now_s) if over > 0 else 0.0

    def let_go(self, turn: Turn, now_s: float) -> None:
        self.waiting.remove(turn)
        self.left.extend([(now_s, turn.work)] * turn.requests)
        if not turn.is_read:
            self.places[turn.account] = self.places[turn.account][0], now_s
        elif any(not other.is_read for other in self.waiting):
            self.passed_s = now_s
        turn._leaves.set()


def _has_waited(read: Turn, now_s: float) -> bool:
    return now_s - read._joined_s >= PATIENCE_S


class Pace:
    """Lets requests go, the most urgent work first, and exits account by account: what one account has begun is
    finished before the next one begins, as far as it has work waiting. Every account keeps its place while its exits
    are at work."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: dict[str, _Line] = {}
        self._numbers = count(1)

    async def take(self, turn: Turn) -> None:
        """Waits until its requests may leave; they count as sent then. Raises ValueError for more than 5 at once."""
        if not 0 < turn.requests <= PER_SECOND:
            raise ValueError(f"{turn.requests} requests at once; 1 to {PER_SECOND} can leave")
        line = self._lines.setdefault(turn.login, _Line())
        turn._number, turn._joined_s = next(self._numbers), self._clock.monotonic()
        line.waiting.append(turn)
        self._go_on(line, turn)
        try:
            await turn._leaves.wait()
        finally:
            if turn in line.waiting:  # it was given up
                line.waiting.remove(turn)
                self._go_on(line)

    def hurry(self, turn: Turn, work: Work) -> None:
        """Makes a turn that has not left as urgent as this work, where it is less so, also before it has joined the
        line. A turn that was an exit's keeps the place of its account."""
        if work >= turn.work or turn._leaves.is_set():
            return
        was_read, turn.work = turn.is_read, work
        line = self._lines.get(turn.login)
        if line is not None and turn in line.waiting:
            self._go_on(line, turn if was_read else None)

    def _go_on(self, line: _Line, new: Turn | None = None) -> None:
        """Lets go whoever may leave now, and comes back when the next one may."""
        now_s = self._clock.monotonic()
        if new is not None and not new.is_read:
            self._give_place(line, new, now_s)
        if line.timer is not None:
            line.timer.cancel()
            line.timer = None
        while (turn := line.first(now_s)) is not None:
            wait_s = line.wait_s(turn, now_s)
            if wait_s > 0:
                line.timer = asyncio.get_running_loop().call_later(wait_s, self._go_on, line)
                return
            line.let_go(turn, now_s)

    def _give_place(self, line: _Line, new: Turn, now_s: float) -> None:
        at_work = {turn.account for turn in line.waiting if not turn.is_read and turn is not new}
        line.places = {
            one: kept for one, kept in line.places.items() if one in at_work or now_s - kept[1] < KEEPS_TURN_S
        }
        line.places.setdefault(new.account, (next(self._numbers), now_s))
