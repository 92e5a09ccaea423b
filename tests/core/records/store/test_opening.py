"""Opening records: the first start, a watcher, and files that are newer, foreign, broken or not readable."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from core.records.records import Records, RecordsError
from core.records.store.schema import newest_revision
from core.records.store.tables import metadata
from tests.support.record_samples import AT, CLOSES, entry, url_of

pytestmark = pytest.mark.sqlite


async def test_the_first_start_makes_a_private_file_with_the_schema_of_the_tables(path: Path) -> None:
    records = await Records.open(url_of(path))
    await records.close()
    assert _modes(path.parent) == {"data": 0o700, "senex.db": 0o600}
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


async def test_the_rules_kept_by_the_database_are_in_the_migrated_schema(records: Records, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        found = {name: sql for name, sql in connection.execute("SELECT name, sql FROM sqlite_master")}
    assert "UNIQUE INDEX" in found["uq_entries_day_held"]
    assert found["uq_entries_day_held"].endswith("(account, session_day) WHERE holds_day")
    assert found["uq_suggestions_validated_day"].endswith("(account, session_day) WHERE validated")
    assert "UNIQUE (intent_id, order_id, fill_id)" in found["fills"]
    assert "AUTOINCREMENT" in found["fills"]
    assert "UNIQUE INDEX" in found["uq_breakers_open"]
    assert found["uq_breakers_open"].endswith("(kind, subject) WHERE closed_at IS NULL")


async def test_opening_again_changes_nothing_but_the_epoch(path: Path) -> None:
    epochs = []
    for _ in range(3):
        records = await Records.open(url_of(path))
        epochs.append(records.epoch)
        await records.entries.prepare(entry())
        assert await records.entries.get("one") == entry()
        await records.close()
    assert epochs == [1, 2, 3]


async def test_a_file_open_to_others_is_closed_to_them(path: Path) -> None:
    _write(path, "")
    os.chmod(path, 0o644)
    records = await Records.open(url_of(path))
    await records.trading.pause("anna", "", AT)
    modes = _modes(path.parent)
    assert {modes[name] for name in ("senex.db", "senex.db-wal", "senex.db-shm")} == {0o600}
    await records.close()


async def test_stores_are_created_side_by_side_and_one_by_many(tmp_path: Path) -> None:
    urls = [url_of(tmp_path / f"{number}.db") for number in range(3)]
    opened = await asyncio.gather(*(Records.open(url) for url in (*urls, *urls)))
    assert sorted(each.epoch for each in opened) == [1, 1, 1, 2, 2, 2]
    for each in opened:
        await each.close()


async def test_a_watcher_changes_neither_epoch_nor_schema(records: Records, path: Path, tmp_path: Path) -> None:
    watcher = await Records.open(url_of(path), trader=False)
    assert watcher.epoch == 0
    await watcher.close()
    assert await records.entries.prepare(entry()) == entry()
    assert await records.entries.mark_sent("one", AT, epoch=records.epoch, closes=CLOSES)
    missing = tmp_path / "missing.db"
    with pytest.raises(RecordsError, match="does not exist yet; start the console once"):
        await Records.open(url_of(missing), trader=False)
    assert not missing.exists()
    empty = tmp_path / "empty.db"
    empty.touch()
    with pytest.raises(RecordsError, match="revision none, this version of senex needs"):
        await Records.open(url_of(empty), trader=False)


async def test_records_of_a_newer_version_are_refused_by_name_and_left_alone(path: Path) -> None:
    await (await Records.open(url_of(path))).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0042'")
    before = _dump(path)
    for trader in (True, False):
        with pytest.raises(RecordsError) as refused:
            await Records.open(url_of(path), trader=trader)
        sentence = str(refused.value)
        assert "0042" in sentence
        assert newest_revision() in sentence
        assert "install the newer version" in sentence
        assert str(path) in sentence
    assert _dump(path) == before


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE recipes (id INTEGER)", "CREATE TABLE alembic_version (version_num TEXT)"]
)
async def test_a_database_of_another_program_is_refused_and_left_alone(path: Path, statement: str) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)
        if "alembic" in statement:
            connection.execute("INSERT INTO alembic_version VALUES ('abc')")
    before = _dump(path)
    with pytest.raises(RecordsError, match="belongs to another program"):
        await Records.open(url_of(path))
    assert _dump(path) == before


async def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path) -> None:
    _write(path, "Dear diary, " * 200)
    with pytest.raises(RecordsError, match="is not a database; move it away"):
        await Records.open(url_of(path))
    assert _text(path) == "Dear diary, " * 200


async def test_a_folder_a_bad_url_and_a_store_in_memory_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="is a folder"):
        await Records.open(url_of(tmp_path))
    (tmp_path / "file").touch()
    with pytest.raises(RecordsError, match="cannot be opened"):
        await Records.open(url_of(tmp_path / "file" / "senex.db"))
    with pytest.raises(RecordsError, match="URL cannot be read"):
        await Records.open("senex.db")
    for memory in ("sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:"):
        with pytest.raises(RecordsError, match="need a file"):
            await Records.open(memory)


@pytest.mark.parametrize("trader", [True, False])
@pytest.mark.parametrize("end", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("how", ["link", "link to nothing", "hard link"])
async def test_a_file_with_two_names_is_refused_before_anything_is_changed(
    tmp_path: Path, how: str, end: str, trader: bool
) -> None:
    """The lock is on the folder, so that two names in two folders would let two traders into one file."""
    path, elsewhere = tmp_path / "data" / "senex.db", tmp_path / "elsewhere"
    if end:
        await (await Records.open(url_of(path))).close()
    path.parent.mkdir(mode=0o755, exist_ok=True)
    named = path.with_name(path.name + end)
    if how != "link to nothing":
        _write(elsewhere, "somebody else's")
        elsewhere.chmod(0o644)
    if how == "hard link":
        os.link(elsewhere, named)
    else:
        named.symlink_to(elsewhere)
    before = _whole(tmp_path)

    with pytest.raises(RecordsError, match="has a second name" if how == "hard link" else "is a link to another place"):
        await Records.open(url_of(path), trader=trader)

    assert _whole(tmp_path) == before
    assert not elsewhere.exists() or _text(elsewhere) == "somebody else's"


async def test_a_folder_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to("real")
    await (await Records.open(url_of(tmp_path / "linked" / "dry-run" / "senex.db"))).close()
    again = await Records.open(url_of(tmp_path / "real" / "dry-run" / "senex.db"))
    assert again.epoch == 2
    await again.close()


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o000, 0o700), (0o400, 0o700), (0o600, 0o500)])
async def test_a_file_or_folder_without_rights_is_refused_with_the_fix(
    path: Path, file_mode: int, folder_mode: int
) -> None:
    # Loads every module that opening needs while they can surely be read.
    await (await Records.open(url_of(path))).close()
    with _as_ordinary_user(), tempfile.TemporaryDirectory() as folder:
        barred = Path(folder) / "senex.db"
        await (await Records.open(url_of(barred))).close()
        os.chmod(barred, file_mode)
        os.chmod(folder, folder_mode)
        try:
            with pytest.raises(RecordsError, match="give this user the right to read and write"):
                await Records.open(url_of(barred))
        finally:
            os.chmod(folder, 0o700)


@contextmanager
def _as_ordinary_user() -> Iterator[None]:
    """Gives up root, which may open everything, for the length of a test."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def _text(path: Path) -> str:
    return path.read_text()


def _modes(folder: Path) -> dict[str, int]:
    return {each.name: each.stat().st_mode & 0o777 for each in (folder, *folder.iterdir())}


def _whole(folder: Path) -> dict[Path, int]:
    """Kind and rights of everything in the folder, links not followed."""
    return {each: each.lstat().st_mode for each in folder.rglob("*")}


def _dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())
