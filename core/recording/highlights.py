"""Finds what happened on a recorded day: the frames at which a cycle began, an entry filled, an exit brought something.

Only what differs between two key frames is looked for frame by frame, so that a day is found out in a few seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from core.recording.playback import RecordedDay
from core.snapshot import OrderView, Snapshot

_JUST_FILLED = timedelta(minutes=5)
"""Market time after a fill within which its first sight is that fill, and not an older one read from the records."""


class Mark(StrEnum):
    """What happened. An exit is one that filled, or the end of a trident, however that came."""

    CYCLE = "cycle"
    FILL = "fill"
    EXIT = "exit"


@dataclass(frozen=True, slots=True)
class Highlight:
    """One thing that happened, at the frame that was the first to show it."""

    frame: int
    mark: Mark


def cycles_of(day: RecordedDay) -> tuple[Highlight, ...]:
    """The cycles that began on this day; the frames alone tell them."""
    return tuple(Highlight(frame, Mark.CYCLE) for frame in day.cycles)


def trades_of(day: RecordedDay, told: Callable[[float], None]) -> tuple[Highlight, ...]:
    """The fills and exits of this day, in its order. `told` is called with the share that has been looked through.

    It takes its time: call it from a thread of its own, with a day that no other thread reads. Raises DayUnreadable.
    """
    search = _Search()
    ends = [*day.keys[1:], len(day) - 1]
    search.see(day, 0, _facts(day.at(0)))
    before = search.last
    for start, end in zip(day.keys, ends, strict=True):
        after = _facts(day.at(end))
        if after.differ(before):
            for frame in range(start + 1, end):
                search.see(day, frame, _facts(day.at(frame)))
        search.see(day, end, after)
        before = after
        told(end / max(1, len(day) - 1))
    return tuple(search.found())


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a snapshot tells of trades: the entries with fills, and what the exits of each open trident brought."""

    filled: tuple[OrderView, ...]
    realized: tuple[tuple[str, Decimal | None], ...]

    def differ(self, other: _Facts) -> bool:
        """Whether something happened between these. That an order grew older is nothing."""
        before, after = ({order.entry_id for order in facts.filled} for facts in (self, other))
        return before != after or self.realized != other.realized


def _facts(snapshot: Snapshot) -> _Facts:
    held = snapshot.positions.open
    return _Facts(
        tuple(order for order in snapshot.orders if order.filled_contracts),
        tuple((view.entry_id, None if view.exits is None else view.exits.realized) for view in held),
    )


@dataclass(eq=False)
class _Search:
    """Takes the facts frame by frame and keeps what is new in them."""

    last: _Facts = field(default_factory=lambda: _Facts((), ()))
    _filled: dict[str, int | None] = field(default_factory=dict)
    _realized: dict[str, Decimal] = field(default_factory=dict)
    _held_at: dict[str, int] = field(default_factory=dict)
    _exits: list[int] = field(default_factory=list)
    _end: int = 0

    def see(self, day: RecordedDay, frame: int, facts: _Facts) -> None:
        at = day.time(frame)
        for order in facts.filled:
            if order.entry_id not in self._filled:
                is_new = not order.fills or at - max(fill.at for fill in order.fills) <= _JUST_FILLED
                self._filled[order.entry_id] = frame if is_new and frame else None
        for trident, realized in facts.realized:
            if realized is not None:  # it is not known until its records are read
                if self._realized.setdefault(trident, realized) != realized:
                    self._exits.append(frame)
                self._realized[trident] = realized
            self._held_at[trident] = frame
        self.last, self._end = facts, frame

    def found(self) -> Iterator[Highlight]:
        """In the order of the day. A trident that was held and is not at the end has ended where it was last seen."""
        held = {trident for trident, _ in self.last.realized}
        exits = {*self._exits, *(last + 1 for trident, last in self._held_at.items() if trident not in held)}
        fills = {frame for frame in self._filled.values() if frame is not None}
        marks = [*((frame, Mark.FILL) for frame in fills), *((frame, Mark.EXIT) for frame in exits)]
        yield from (Highlight(frame, mark) for frame, mark in sorted(marks) if frame <= self._end)
