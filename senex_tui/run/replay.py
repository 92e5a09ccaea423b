"""`senex replay`: lists the recorded days and opens the console on one of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from core.domain.operation.times import clock
from core.recording import DAYS
from core.recording.day_file import DayUnreadable, day_path, read_frames, recorded_days, tell_nobody
from core.recording.playback import RecordedDay, ReplayClient
from core.runtime.clock import EXCHANGE_ZONE, SystemClock, exchange_time
from core.snapshot import Mode
from senex_tui.support.outlet import redraw_line
from senex_tui.support.refusals import Refused
from senex_tui.support.text import table

if TYPE_CHECKING:
    from core.config.folders import Folders
    from core.config.loader import Loaded

_NAMED = 10
"""The most days a refusal names."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Where the recorded days of one mode are. Every demo is a world with a folder of its own."""

    folders: tuple[Path, ...]
    of_demos: bool

    def files(self) -> dict[date, Path]:
        """The newest file of each day, the earliest day first."""
        newest: dict[date, Path] = {}
        for path in (day_path(folder, day) for folder in self.folders for day in recorded_days(folder)):
            day = date.fromisoformat(path.stem)
            if day not in newest or path.stat().st_mtime > newest[day].stat().st_mtime:
                newest[day] = path
        return dict(sorted(newest.items()))


def recorded_in(folders: Folders, mode: Mode, *, demos: bool, name: str = "") -> Recorded:
    """Where the days of a mode are recorded, or with `demos` those of every `senex demo`, or of the one named."""
    beside = folders.records((Mode.DEMO if demos else mode).value).parent
    worlds = sorted(beside.glob(f"worlds/{name}*/{DAYS}"))
    return Recorded(tuple(worlds) if demos else (beside / DAYS,), demos)


def listed(recorded: Recorded) -> list[str]:
    """A table of the days, one line each. Raises Refused when there is none."""
    files = recorded.files()
    if not files:
        raise _no_days_recorded(recorded)
    return table(("DAY", "FROM", "TO", "CYCLES", "SIZE"), [_row(day, path) for day, path in files.items()])


def _row(day: date, path: Path) -> Sequence[str]:
    size = _size(path.stat().st_size)
    try:
        frames = read_frames(path).frames
    except DayUnreadable as unreadable:
        return (day.isoformat(), "", "", "", f"{size}, {_reason(unreadable, path)}")
    if not frames:
        return (day.isoformat(), "", "", "", f"{size}, no whole frame")
    first, last = (f"{clock(frame.at)} ET" for frame in (frames[0], frames[-1]))
    return (day.isoformat(), first, last, str(sum(frame.cycle for frame in frames)), size)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def _reason(unreadable: DayUnreadable, path: Path) -> str:
    return str(unreadable).removeprefix(f"{path} ")


def tell_opening(day: str) -> Callable[[float], None]:
    """Draws on the terminal how much of the day is read, where errors go to one."""

    def told(share: float) -> None:
        redraw_line(f"opening {day}: {int(100 * share)} % read")

    return told if sys.stderr.isatty() else tell_nobody


def open_day(recorded: Recorded, day: str, told: Callable[[float], None] = tell_nobody) -> RecordedDay:
    """The recorded day of a date like 2026-11-20. `told` is called with the share of it that is read.

    Raises Refused when it cannot be opened, and names the days there are.
    """
    files = recorded.files()
    try:
        wanted = date.fromisoformat(day)
    except ValueError:
        raise Refused(f"{day!r} is not a date like 2026-11-20; {_days(files)}.") from None
    if not files:
        raise _no_days_recorded(recorded)
    if wanted not in files:
        raise Refused(f"{wanted} was not recorded; {_days(files)}.")
    try:
        told(0.0)
        return RecordedDay(files[wanted], told)
    except DayUnreadable as unreadable:
        raise Refused(f"{unreadable}; {_days(files)}.") from unreadable


def _days(files: Iterable[date]) -> str:
    days = [day.isoformat() for day in files]
    if not days:
        return "no day is recorded yet"
    more = f"{len(days) - _NAMED} earlier, " if len(days) > _NAMED else ""
    return f"recorded days: {more}{', '.join(days[-_NAMED:])}"


def _no_days_recorded(recorded: Recorded) -> Refused:
    where = "by any `senex demo`" if recorded.of_demos else f"in {recorded.folders[0]}"
    more = "" if recorded.of_demos else "; `senex replay --demo` lists those of `senex demo`"
    return Refused(f"no day is recorded yet {where}; a day is recorded while the console runs{more}.")


def run_replay(day: RecordedDay, speed: float | None, at: time | None, loaded: Loaded, state_folder: Path) -> int:
    """Opens the console on this day and returns the exit code; copies and exports go to `state_folder`.

    `speed` in market seconds per second, None as recorded; `at` in exchange time. Raises Refused for a day that cannot
    be read after all, SettingsError for keys that cannot be mapped.
    """
    from senex_tui.console.view_settings import settled_view

    view = settled_view(loaded, state_folder)
    from senex_tui.console.replay_app import ReplayApp
    from senex_tui.support.crash_report import tell_crash

    monotonic = SystemClock().monotonic
    try:
        replay = ReplayClient(day, monotonic, speed)
    except DayUnreadable as unreadable:
        raise Refused(f"{unreadable}.") from unreadable
    if at is not None:
        replay.to_time(datetime.combine(exchange_time(day.time(0)).date(), at, EXCHANGE_ZONE))
    app = ReplayApp(
        replay,
        view_settings=view,
        tell_crash=lambda failure: tell_crash("the replay was", failure),
        state_folder=state_folder,
    )
    app.run(mouse=app.display_settings.mouse)
    return app.return_code or 0
