"""Plays a recorded day: what the screen showed at each moment, and the ways to move through them.

A replay moves along a line of market seconds without the day's gaps. A stretch in which nothing was recorded counts for
at most `LONGEST_STEP_S`. A stretch recorded twice, as by a simulator that began anew, follows the one before it.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from core.domain.operation.commands import CommandKind, CommandState
from core.domain.operation.failures import failure_words
from core.recording.day_file import DayUnreadable, Frame, read_frames, tell_nobody
from core.snapshot import CommandView, EngineNotRunning, Mode, Snapshot
from core.snapshot.codec import SnapshotUnreadable, decode, decode_change

if TYPE_CHECKING:
    from core.records.records import Records

Found = TypeVar("Found")
LONGEST_STEP_S = 120
_SHORTEST_STEP_S = 0.01  # each frame has a place of its own
_JUST_NOW_S = 2.0
SPEEDS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Market seconds per wall second, as the keys step through them."""
NOTHING_SENT = "this is a replay: nothing here is live, and nothing was sent"


class RecordedDay:
    """The frames of one day's file. To read one, at most the frames since the last key frame before it are read."""

    def __init__(self, path: Path, told: Callable[[float], None] = tell_nobody) -> None:
        """`told` is called now and then with the share of the file that is read. Raises DayUnreadable, also for a file
        without one whole frame, and OSError."""
        found = read_frames(path, told)
        if not found.frames:
            raise DayUnreadable(f"{path} holds no whole frame; its console was ended too soon")
        self._path = path
        self._frames = found.frames
        self.keys = tuple(number for number, frame in enumerate(found.frames) if frame.key)
        """The frames that are read without another one."""
        self._at: tuple[int, Snapshot, zlib._Decompress] | None = None
        self.line_s = tuple(_line(found.frames))
        self.cycles = tuple(number for number, frame in enumerate(found.frames) if frame.cycle)
        self.lost = found.rest
        """Bytes after the last whole frame; they cannot be shown."""

    def __len__(self) -> int:
        return len(self._frames)

    def again(self) -> RecordedDay:
        """The same day, to be read by another thread."""
        other = copy(self)
        other._at = None
        return other

    def share(self, number: int) -> float:
        """Where a frame lies between the day's first moment, 0, and its last, 1."""
        return self.line_s[number] / max(self.line_s[-1], _SHORTEST_STEP_S)

    def time(self, number: int) -> datetime:
        """The market time of a frame, UTC, to the second."""
        return self._frames[number].at

    def at(self, number: int) -> Snapshot:
        """The snapshot shown at this frame. Raises DayUnreadable."""
        try:
            return self._read(number)
        except (SnapshotUnreadable, zlib.error) as error:
            raise DayUnreadable(f"{self._path} cannot be read at frame {number + 1}: {failure_words(error)}") from error

    def _read(self, number: int) -> Snapshot:
        key = self.keys[bisect_right(self.keys, number) - 1]
        if self._at is None or not key <= self._at[0] <= number:
            stream = zlib.decompressobj()
            self._at = (key, decode(stream.decompress(self._frames[key].part)), stream)
        reached, snapshot, stream = self._at
        self._at = None  # should a frame be bad, the stream has moved on and the snapshot has not
        for place in range(reached + 1, number + 1):
            snapshot = decode_change(snapshot, stream.decompress(self._frames[place].part))
        self._at = (number, snapshot, stream)
        return snapshot


def _line(frames: tuple[Frame, ...]) -> list[float]:
    line = [0.0]
    for before, now in pairwise(frames):
        step_s = (now.at - before.at).total_seconds()
        line.append(line[-1] + min(max(step_s, _SHORTEST_STEP_S), LONGEST_STEP_S))
    return line


@dataclass(frozen=True, slots=True)
class ReplayState:
    """Where a replay stands. `at` is market time, UTC, `share` the same between the day's ends, 0 and 1; `speed` is
    market seconds per wall second."""

    at: datetime
    share: float
    mode: Mode
    speed: float
    playing: bool
    ended: bool


class ReplayClient:
    """An engine client over a recorded day. There is no engine behind it, so every command is refused."""

    def __init__(self, day: RecordedDay, monotonic: Callable[[], float], speed: float | None = None) -> None:
        """Plays from the day's start. Without a `speed` it plays as fast as the day was recorded.

        Raises DayUnreadable.
        """
        self.day = day
        self._monotonic = monotonic
        first = day.at(0).status
        self._mode = first.mode
        self._speed = speed or first.speed
        self._line_s = 0.0
        self._playing = True
        self._since = monotonic()
        self._refused: tuple[CommandView, ...] = ()

    # The client

    def snapshot(self) -> Snapshot:
        """The snapshot at the moment the replay has reached, marked as a replay. Raises DayUnreadable."""
        self._move_on()
        seen = self.day.at(self._number())
        status = replace(seen.status, mode=Mode.REPLAY, speed=self._speed)
        return replace(seen, status=status, commands=self._refused)

    def send(self, kind: CommandKind, *, target: str = "", note: str = "") -> str:
        """Refuses the command; the refusal is in the next snapshot."""
        number = f"replay-{len(self._refused) + 1}"
        self._refused = (*self._refused, CommandView(number, kind, CommandState.REFUSED, NOTHING_SENT))
        return number

    def look_up(self, question: Callable[[Records], Awaitable[Found]]) -> Future[Found]:
        """Always raises EngineNotRunning: a replay has what was on the screen, not the records."""
        nobody: Future[Found] = Future()
        nobody.set_exception(EngineNotRunning("this is a replay; it has no records to ask"))
        return nobody

    # The way through the day

    @property
    def state(self) -> ReplayState:
        self._move_on()
        number = self._number()
        return ReplayState(
            at=self.day.time(number),
            share=self.day.share(number),
            mode=self._mode,
            speed=self._speed,
            playing=self._playing,
            ended=self._line_s >= self._end_s,
        )

    def play_or_hold(self) -> None:
        """Pauses a replay that plays, and plays one that is paused. At the end it plays from the start again."""
        self._move_on()
        if not self._playing and self._line_s >= self._end_s:
            self._line_s = 0.0
        self._playing = not self._playing

    def step(self, seconds: float) -> None:
        """Moves this many market seconds forward, or back when negative. It always reaches another frame if there is
        one."""
        self._move_on()
        number = self._number()
        self._go_to_s(self._line_s + seconds)
        if self._number() == number:
            self._go_to(number + (1 if seconds > 0 else -1))

    def step_frames(self, count: int) -> None:
        """Moves this many frames forward, or back when negative, and pauses so that they can be read."""
        self._move_on()
        self._playing = False
        self._go_to(self._number() + count)

    def to_start(self) -> None:
        self._go_to_s(0.0)

    def to_end(self) -> None:
        self._go_to_s(self._end_s)

    def to_share(self, share: float) -> None:
        """Moves to this place between the day's ends, 0 and 1."""
        self._go_to_s(share * self._end_s)

    def to_time(self, at: datetime) -> None:
        """Moves to the first frame at or after this market time, or to the end when there is none."""
        times = range(len(self.day))
        found = next((number for number in times if self.day.time(number) >= at), len(self.day) - 1)
        self._go_to(found)

    def to_cycle(self, direction: int) -> bool:
        """Moves to the beginning of the next cycle (1) or the previous one (-1); False when there is none.

        A cycle that began less than two wall seconds ago does not count as the previous one, so that pressing the key
        again goes further back.
        """
        return self.to_one_of(self.day.cycles, direction)

    def to_one_of(self, frames: Iterable[int], direction: int) -> bool:
        """Moves to the next of these frames (1) or the previous one (-1), as `to_cycle` does."""
        self._move_on()
        starts = [self.day.line_s[number] for number in frames]
        if direction > 0:
            place = bisect_right(starts, self._line_s)
        else:
            place = bisect_left(starts, self._line_s - _JUST_NOW_S * self._speed) - 1
        if not 0 <= place < len(starts):
            return False
        self._go_to_s(starts[place])
        return True

    def faster(self, steps: int) -> None:
        """Takes the next higher speed of `SPEEDS` (1), or the next lower one (-1)."""
        self._move_on()
        place = bisect_right(SPEEDS, self._speed) if steps > 0 else bisect_left(SPEEDS, self._speed) - 1
        self._speed = SPEEDS[min(max(0, place), len(SPEEDS) - 1)]

    @property
    def _end_s(self) -> float:
        return self.day.line_s[-1]

    def _number(self) -> int:
        return max(0, bisect_right(self.day.line_s, self._line_s) - 1)

    def _go_to(self, number: int) -> None:
        self._go_to_s(self.day.line_s[min(max(0, number), len(self.day) - 1)])

    def _go_to_s(self, line_s: float) -> None:
        self._since = self._monotonic()
        self._line_s = min(max(0.0, line_s), self._end_s)

    def _move_on(self) -> None:
        """Moves on by the time since the last call while it plays; at the end it pauses."""
        now = self._monotonic()
        if self._playing:
            self._line_s = min(self._line_s + (now - self._since) * self._speed, self._end_s)
            self._playing = self._line_s < self._end_s
        self._since = now
