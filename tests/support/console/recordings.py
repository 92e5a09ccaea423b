"""The scenes as recorded: a file for each day of `scene_days`, written and read as the product records its days.

`make scenes` writes them anew; a file that does not fit the code is refused with that command.
"""

from __future__ import annotations

import fcntl
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from core.recording.day_file import SUFFIX, DayUnreadable, day_path
from core.recording.playback import RecordedDay
from core.recording.recorder import DayRecorder
from core.runtime.clock import exchange_time
from core.snapshot import Snapshot
from tests.support.console.scene_days import DAYS

FOLDER = Path(__file__).parent / "recordings"
ANEW = "`make scenes` records them anew"
RECORDS = "records.sqlite3"


class StaleRecording(Exception):
    """A recorded day is not what this version of the code makes or reads."""


@lru_cache(maxsize=len(DAYS))
def recorded(day: str) -> dict[str, Snapshot]:
    """The scenes of a day as recorded, by name. Raises StaleRecording."""
    names = DAYS[day].scenes
    try:
        found = RecordedDay(FOLDER / f"{day}{SUFFIX}")
        scenes = [found.at(number) for number in range(len(found))]
    except (DayUnreadable, OSError) as error:
        raise StaleRecording(f"the console's scenes cannot be read ({error}); {ANEW}") from error
    if len(scenes) != len(names):
        raise StaleRecording(f"{day} has {len(scenes)} scenes in place of {len(names)}; {ANEW}")
    return dict(zip(names, scenes, strict=True))


def record(day: str) -> bool:
    """Simulates the day and records its scenes. False when they are the same as recorded before."""
    with TemporaryDirectory() as folder:
        scenes = DAYS[day].live(Path(folder))
    recorded.cache_clear()
    try:
        if recorded(day) == scenes:
            return False
    except StaleRecording:
        pass
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        trouble: list[str] = []
        recorder = DayRecorder(Path(folder), trouble.append)
        for scene in scenes.values():
            recorder.take(scene)
        recorder.close()
        first = next(iter(scenes.values())).status.now
        assert first is not None
        assert trouble == []
        (FOLDER / f"{day}{SUFFIX}").write_bytes(day_path(Path(folder), exchange_time(first).date()).read_bytes())
    recorded.cache_clear()
    return True


def forget_others() -> None:
    """Removes the files of days that no longer exist."""
    for path in FOLDER.glob("*"):
        if path.stem not in DAYS:
            path.unlink()


def lived(day: str, shared: Path) -> Path:
    """The records of this day, simulated once for all processes that share the folder; for reading only. Raises
    StaleRecording when the day gave other scenes than those recorded.
    """
    folder = shared / f"lived-{day}"
    with (shared / f"lived-{day}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / "done"
        if not done.exists():
            folder.mkdir(exist_ok=True)
            check(day, DAYS[day].live(folder))
            done.touch()
    return folder / RECORDS


def check(day: str, scenes: dict[str, Snapshot]) -> None:
    """Raises StaleRecording unless these are the scenes as recorded."""
    was = recorded(day)
    if other := [name for name, scene in scenes.items() if scene != was[name]]:
        raise StaleRecording(f"the engine shows other scenes of the day {day} than recorded: {other}; {ANEW}")
