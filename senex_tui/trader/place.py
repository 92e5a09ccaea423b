"""Where the records of a mode are, and who trades with them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from senex_tui.support.refusals import Refused

if TYPE_CHECKING:
    from core.config.folders import Folders
    from core.locks.holder import Holder
    from core.records.records import Records
    from core.snapshot import Mode

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """The records of one mode, or of one demo's world. `halt_file` is the kill file of the whole data folder. `demo` is
    the name of the `senex demo` that recorded them, empty for those of a mode."""

    mode: Mode
    records_file: Path
    halt_file: Path
    database: str | None = field(default=None, repr=False)
    """The PostgreSQL database with the records; None when they are in the file."""
    demo: str = ""

    @property
    def url(self) -> str:
        return records_url(self.database, self.mode, self.records_file)

    @property
    def halting_file(self) -> str:
        """The path of the file that halts entries, `HALT-ALL` before `HALT`; empty while there is none."""
        from core.guards.kill_files import halting_entries

        return halting_entries(self.halt_file)

    @property
    def stops_folder(self) -> Path:
        """Where shells keep the stops that are not recorded yet, also when the records are in a database."""
        from core.guards.stop_files import FOLDER

        return self.records_file.parent / FOLDER

    def kept_stops(self) -> str:
        """What the stops that are not recorded yet say, the first in words; empty when there is none."""
        from core.guards.stop_files import StopFiles
        from core.guards.stops import Stops

        return Stops(StopFiles(self.stops_folder)).words()

    @property
    def named(self) -> str:
        """Where they are, as a person may read it: without user and password."""
        if self.database is None:
            return str(self.records_file)
        from core.records.store.postgres_url import store_name_of

        return store_name_of(self.url)

    async def holder(self) -> Holder | None:
        """Who trades with these records, None when nobody does. Takes no lock. Raises RecordsError."""
        if self.database is not None:
            from core.locks.postgres_lock import who_trades

            return await who_trades(self.url)
        from core.locks.folder_lock import who_holds

        return who_holds(self.records_file.parent)

    def need_records(self) -> None:
        """Raises Refused when there is no file, as before the first start."""
        if self.database is None and not self.records_file.exists():
            raise Refused(
                f"there are no records yet in {self.records_file.parent}; start `senex` once. "
                f"To keep every console from entering orders, create the file {self.halt_file}."
            )


def place_of(folders: Folders, mode: Mode, database: str | None = None) -> Place:
    return Place(mode, folders.records(mode.value), folders.halt_file, database)


def records_url(database: str | None, mode: Mode, file: Path) -> str:
    """The address of a mode's records: its schema in the database, or the file."""
    if database is None:
        return f"sqlite+aiosqlite:///{file}"
    from sqlalchemy.engine import make_url

    from core.records.store.postgres_url import with_schema

    return with_schema(make_url(database), schema_name(mode)).render_as_string(hide_password=False)


def demos(folders: Folders) -> list[Place]:
    """The records of every `senex demo`, those written last first."""
    from core.snapshot import Mode

    worlds = folders.records(Mode.DEMO.value).parent / "worlds"
    files = sorted(worlds.glob("*/records.sqlite3"), key=lambda file: file.stat().st_mtime, reverse=True)
    return [Place(Mode.DEMO, file, folders.halt_file, demo=file.parent.name) for file in files]


def demo_named(folders: Folders, name: str) -> Place:
    """The records of the demo whose name begins like this. Raises Refused when none does, or several do."""
    found = [place for place in demos(folders) if place.demo.startswith(name)]
    if len(found) != 1:
        count, has = ("several", "have") if found else ("no", "has")
        known = f"; `senex demo --list` {'shows them' if found else 'shows the names there are'}."
        raise Refused(f"{count} `senex demo` of {folders.data} {has} a name like {name!r}{known}")
    return found[0]


def running_demo(folders: Folders, name: str = "") -> Place:
    """The `senex demo` with this name, else the one that started last. Raises Refused when it does not run."""
    from core.locks.folder_lock import who_holds

    wanted = [demo_named(folders, name)] if name else demos(folders)
    running = [
        (holder.since, place) for place in wanted if (holder := who_holds(place.records_file.parent)) is not None
    ]
    if not running:
        if name:
            raise Refused(f"the demo {wanted[0].demo} is finished; only its records can be asked.")
        raise Refused(f"no `senex demo` is running with the data folder {folders.data}; start one first.")
    return max(running, key=lambda one: one[0])[1]


def recorded_demo(folders: Folders, name: str = "") -> Place:
    """The records of the demo with this name; else of the running one that started last, else of the one that was
    written last. Raises Refused when there is none."""
    if name:
        return demo_named(folders, name)
    known = demos(folders)
    if not known:
        raise Refused(f"there is no `senex demo` yet in the data folder {folders.data}; start one first.")
    try:
        return running_demo(folders)
    except Refused:
        return known[0]


def schema_name(mode: Mode) -> str:
    """The schema of a mode's records in PostgreSQL: each mode has records of its own (rules 9)."""
    return f"senex_{mode.value.replace('-', '_')}"


def only_running(folders: Folders) -> Place | None:
    """The records of the one console that runs; None when none runs, or more than one."""
    from core.locks.folder_lock import who_holds
    from core.snapshot import Mode

    places = [place_of(folders, mode) for mode in Mode]
    running = [place for place in places if who_holds(place.records_file.parent) is not None]
    return running[0] if len(running) == 1 else None


async def with_records(place: Place, work: Callable[[Records], Awaitable[T]]) -> T:
    """Opens the records without the right to trade, does the work with them and closes them.

    Raises Refused for a demo of another version of senex, RecordsError.
    """
    from core.records.records import Records
    from core.records.store.errors import OtherSchema

    try:
        records = await Records.open(place.url, trader=False)
    except OtherSchema:
        if not place.demo:
            raise
        raise Refused(
            f"the demo {place.demo} was recorded by another version of senex, and only that one can read it."
        ) from None
    try:
        return await work(records)
    finally:
        await records.close()
