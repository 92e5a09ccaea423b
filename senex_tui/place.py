"""Which records a command from another shell speaks to, and who trades with them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from senex_tui.refusals import Refused

if TYPE_CHECKING:
    from core.folders import Folders
    from core.lock_holder import Holder
    from core.records.records import Records
    from core.snapshot import Mode

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """The records of one mode, or of one demo's world. `halt_file` is the kill file of the whole data folder."""

    mode: Mode
    records_file: Path
    halt_file: Path

    @property
    def url(self) -> str:
        return f"sqlite+aiosqlite:///{self.records_file}"

    def holder(self) -> Holder | None:
        """The console that trades with these records; asking locks nothing."""
        from core.lock import who_holds

        return who_holds(self.records_file.parent)

    def need_records(self) -> None:
        """Raises Refused before the first start, when there are none."""
        if not self.records_file.exists():
            raise Refused(
                f"there are no records yet in {self.records_file.parent}; start `senex` once. "
                f"To keep every console from entering orders, create the file {self.halt_file}."
            )


def place_of(folders: Folders, mode: Mode) -> Place:
    return Place(mode, folders.records(mode.value), folders.halt_file)


def newest_demo(folders: Folders) -> Place:
    """The running `senex demo` that started last. Raises Refused when none runs."""
    from core.snapshot import Mode

    worlds = folders.records(Mode.DEMO.value).parent / "worlds"
    running = [
        (holder.since, place)
        for path in worlds.glob("*/records.sqlite3")
        if (holder := (place := Place(Mode.DEMO, path, folders.halt_file)).holder()) is not None
    ]
    if not running:
        raise Refused(f"no `senex demo` is running with the data folder {folders.data}; start one first.")
    return max(running, key=lambda one: one[0])[1]


def only_running(folders: Folders, demo: bool) -> Place | None:
    """The one console that runs, with the mode it runs in; None when there is none, or more than one."""
    from core.snapshot import Mode

    if demo:
        return newest_demo(folders)
    running = [place for mode in Mode if (place := place_of(folders, mode)).holder() is not None]
    return running[0] if len(running) == 1 else None


async def watching(place: Place, work: Callable[[Records], Awaitable[T]]) -> T:
    """Does the work with the records as one who does not trade. Raises RecordsError."""
    from core.records.records import Records

    records = await Records.open(place.url, trader=False)
    try:
        return await work(records)
    finally:
        await records.close()
