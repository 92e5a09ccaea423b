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
    """The records of one mode, or of one demo's world. `halt_file` is the kill file of the whole data folder."""

    mode: Mode
    records_file: Path
    halt_file: Path
    database: str | None = field(default=None, repr=False)
    """The PostgreSQL database with the records; None when they are in the file."""

    @property
    def url(self) -> str:
        return records_url(self.database, self.mode, self.records_file)

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


def newest_demo(folders: Folders) -> Place:
    """The running `senex demo` that started last. Raises Refused when none runs."""
    from core.locks.folder_lock import who_holds
    from core.snapshot import Mode

    worlds = folders.records(Mode.DEMO.value).parent / "worlds"
    running = [
        (holder.since, Place(Mode.DEMO, path, folders.halt_file))
        for path in worlds.glob("*/records.sqlite3")
        if (holder := who_holds(path.parent)) is not None
    ]
    if not running:
        raise Refused(f"no `senex demo` is running with the data folder {folders.data}; start one first.")
    return max(running, key=lambda one: one[0])[1]


def schema_name(mode: Mode) -> str:
    """The schema of a mode's records in PostgreSQL: each mode has records of its own (rules 9)."""
    return f"senex_{mode.value.replace('-', '_')}"


def only_running(folders: Folders, demo: bool) -> Place | None:
    """The records of the one console that runs; None when none runs, or more than one. With `demo` as `newest_demo`."""
    from core.locks.folder_lock import who_holds
    from core.snapshot import Mode

    if demo:
        return newest_demo(folders)
    places = [place_of(folders, mode) for mode in Mode]
    running = [place for place in places if who_holds(place.records_file.parent) is not None]
    return running[0] if len(running) == 1 else None


async def with_records(place: Place, work: Callable[[Records], Awaitable[T]]) -> T:
    """Opens the records without the right to trade, does the work with them and closes them. Raises RecordsError."""
    from core.records.records import Records

    records = await Records.open(place.url, trader=False)
    try:
        return await work(records)
    finally:
        await records.close()
