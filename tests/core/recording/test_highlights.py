"""What happened on a recorded day is found at the frame that was the first to show it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core.recording import recorder
from core.recording.highlights import Highlight, Mark, cycles_of, trades_of
from core.recording.playback import RecordedDay
from core.snapshot import PositionsSlice, Snapshot
from tests.core.recording.days import BEGAN, END_S, FILL_S, LENGTH_S, moment, recorded, traded


def seconds_of(day: RecordedDay, found: tuple[Highlight, ...]) -> list[tuple[int, Mark]]:
    return [(int((day.time(each.frame) - BEGAN).total_seconds()), each.mark) for each in found]


def test_fills_targets_and_the_end_are_found_where_they_came(tmp_path: Path) -> None:
    day = recorded(tmp_path, traded())
    assert len(day.keys) >= 3, "a day longer than the frames between two key frames"
    shares: list[float] = []
    found = trades_of(day.again(), shares.append)
    assert seconds_of(day, found) == [(FILL_S, Mark.FILL), (5010, Mark.EXIT), (END_S, Mark.EXIT)]
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_what_a_restart_reads_again_did_not_happen_then(tmp_path: Path) -> None:
    """The engine starts anew after the fill: its first screens are empty, then the records are read."""
    moments = [
        replace(seen, orders=(), positions=PositionsSlice()) if 4000 <= second < 4100 else seen
        for second, seen in zip(range(0, LENGTH_S, 10), traded(), strict=True)
    ]
    day = recorded(tmp_path, moments)
    assert seconds_of(day, trades_of(day, lambda _: None)) == [
        (FILL_S, Mark.FILL),
        (5010, Mark.EXIT),
        (END_S, Mark.EXIT),
    ]
    later = recorded(tmp_path / "later", moments[410:])
    assert Mark.FILL not in [each.mark for each in trades_of(later, lambda _: None)], "it filled before"


def test_only_where_something_changed_is_each_frame_read(tmp_path: Path) -> None:
    read: list[int] = []

    class Counted(RecordedDay):
        def at(self, number: int) -> Snapshot:
            read.append(number)
            return super().at(number)

    calm = [moment(second) for second in range(0, 20 * recorder.KEY_EVERY)]
    recorded(tmp_path, calm)
    day = Counted(next(tmp_path.glob("*.day")))
    assert trades_of(day, lambda _: None) == ()
    assert len(read) == len(day.keys) + 1


def test_cycles_are_known_without_reading(tmp_path: Path) -> None:
    day = recorded(tmp_path)
    marks = cycles_of(day)
    assert [each.frame for each in marks] == list(day.cycles)
    assert [round(day.share(each.frame), 2) for each in marks] == [0.08, 0.33, 0.58, 0.83]
    assert (day.share(0), day.share(len(day) - 1)) == (0, 1)
