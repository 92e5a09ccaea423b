"""Recorded days for tests: a session of the console's scenes, a frame every so many seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from core.recording.day_file import day_path
from core.recording.playback import RecordedDay
from core.recording.recorder import DayRecorder
from core.snapshot import OrderView, PositionsSlice, PositionView, Snapshot
from tests.support.console import parts
from tests.support.console.exit_views import EXITS
from tests.support.console.scenes import calm

BEGAN = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
"""10:00 ET, a Friday."""
FILL_S, TARGET_S, END_S, LENGTH_S = 2000, 5003, 6500, 9000
"""When the entry filled, a target filled, and the last unit was closed."""
UNREAD_S = 60
"""So long after the fill nobody knows yet what the trident's exits brought."""
_CALM = replace(calm(), commands=())


def moment(second: float, *, number: int = 1, running: bool = False, **slices: object) -> Snapshot:
    """The snapshot of a calm screen so many seconds after `BEGAN`, with the cycle of this number."""
    shown = replace(
        _CALM,
        status=replace(_CALM.status, now=BEGAN + timedelta(seconds=second), feed_age_s=int(second) % 7),
        cycle=parts.cycle(number=number, running=running),
    )
    return replace(shown, **slices)  # type: ignore[arg-type]


def session(minutes: int = 60, every_s: int = 10) -> list[Snapshot]:
    """A cycle begins at each quarter of an hour, the first of them 5 minutes in, and runs for 20 seconds."""
    found = []
    for second in range(0, minutes * 60 + 1, every_s):
        since = (second - 300) % 900
        number = 1 + (second + 600) // 900
        found.append(moment(second, number=number, running=second >= 300 and since < 20))
    return found


def _filled(second: int) -> OrderView:
    order = parts.filled_order()
    at = BEGAN + timedelta(seconds=second)
    return replace(order, fills=tuple(replace(fill, at=at) for fill in order.fills))


def _trident(second: int) -> PositionView:
    known = Decimal("48.00") if second >= TARGET_S else Decimal(0)
    realized = None if second < FILL_S + UNREAD_S else known
    return parts.position(exits=replace(EXITS, realized=realized))


def traded(every_s: int = 10) -> list[Snapshot]:
    """A morning with an entry that fills, a target that fills, and the trident's end."""
    moments = []
    for second in range(0, LENGTH_S, every_s):
        orders = (_filled(FILL_S),) if second >= FILL_S else (parts.order(),)
        held = (_trident(second),) if FILL_S <= second < END_S else ()
        moments.append(moment(second, orders=orders, positions=PositionsSlice(held)))
    return moments


def record(folder: Path, snapshots: Sequence[Snapshot]) -> Path:
    """Records all snapshots. Returns the file of the first one's day."""
    said: list[str] = []
    recorder = DayRecorder(folder, said.append)
    for snapshot in snapshots:
        recorder.take(snapshot)
    recorder.close()
    assert said == []
    return day_path(folder, BEGAN.date())


def recorded(folder: Path, snapshots: Sequence[Snapshot] | None = None) -> RecordedDay:
    """A recorded day of these snapshots; without any, of an hour's `session`."""
    if snapshots is not None:
        return RecordedDay(record(folder, snapshots))
    path = day_path(folder, BEGAN.date())
    path.write_bytes(_hour())
    return RecordedDay(path)


@lru_cache(maxsize=1)
def _hour() -> bytes:
    """The file of an hour's session, recorded once for all tests that only read it."""
    with TemporaryDirectory() as folder:
        return record(Path(folder), session()).read_bytes()
