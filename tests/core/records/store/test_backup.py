"""A backup is complete, of one moment, readable by its owner alone, and never replaces a file."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.domain.operation.events import Event
from core.records.records import Records, RecordsError
from core.records.store.backup import back_up, keep_before_upgrade
from core.records.store.schema import newest_revision
from tests.core.records.store.revision_1 import make_revision_1, rows_of
from tests.support.record_samples import AT, url_of

pytestmark = pytest.mark.sqlite


async def test_a_backup_beside_a_writing_trader_holds_what_was_committed(path: Path, tmp_path: Path) -> None:
    records = await Records.open(url_of(path))
    try:
        for number in range(3):
            await records.journal.append(Event(AT, "test.event", f"event {number}"))
        # A transaction under way keeps nobody from copying, and is not in the copy.
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("DELETE FROM events")
            size = back_up(path, tmp_path / "copies" / "one.sqlite3")
            other.execute("ROLLBACK")
    finally:
        await records.close()
    [copy] = (tmp_path / "copies").iterdir()
    assert size == copy.stat().st_size > 0
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert rows_of(copy)["events"] == rows_of(path)["events"]
    assert [found.name for found in (tmp_path / "copies").iterdir()] == ["one.sqlite3"], "it needs no other file"
    restored = await Records.open(url_of(copy))
    assert [event.text for event in await restored.journal.newest(3)] == ["event 2", "event 1", "event 0"]
    await restored.close()


def test_nothing_is_replaced_and_nothing_left_behind(path: Path, tmp_path: Path) -> None:
    make_revision_1(path)
    there = tmp_path / "there"
    there.write_text("mine")
    with pytest.raises(RecordsError, match="exists already; name another file"):
        back_up(path, there)
    assert there.read_text() == "mine"
    with pytest.raises(RecordsError, match="there are no records yet"):
        back_up(tmp_path / "none.sqlite3", tmp_path / "copy")
    with pytest.raises(RecordsError, match="cannot be written"):
        back_up(path, there / "below a file")
    broken = tmp_path / "broken.sqlite3"
    broken.write_bytes(path.read_bytes()[:20_000] + b"\xff" * 20_000)
    with pytest.raises(RecordsError, match=r"damaged|could not be copied"):
        back_up(broken, tmp_path / "copy")
    assert not list(tmp_path.glob("copy*"))


@pytest.mark.parametrize("named_by", [Path.symlink_to, Path.hardlink_to])
def test_linked_records_are_not_opened_for_a_backup(
    path: Path, tmp_path: Path, named_by: Callable[[Path, Path], None]
) -> None:
    make_revision_1(path)
    (tmp_path / "elsewhere").mkdir()
    linked = tmp_path / "elsewhere" / "records.sqlite3"
    named_by(linked, path)
    beside = sorted(path.parent.glob(f"{path.name}*"))
    with pytest.raises(RecordsError, match=r"is a link to another place|has a second name"):
        back_up(linked, tmp_path / "copy")
    assert sorted(path.parent.glob(f"{path.name}*")) == beside
    assert not list(tmp_path.glob("copy*"))


async def test_records_are_copied_before_an_upgrade_and_never_else(path: Path) -> None:
    make_revision_1(path)
    before = rows_of(path)
    for _ in range(2):
        await (await Records.open(url_of(path))).close()
    [copy] = path.parent.glob(f"{path.name}.before-*")
    assert copy.name.startswith(f"{path.name}.before-{newest_revision()}.")
    assert rows_of(copy) == before


async def test_an_upgrade_without_its_copy_does_not_begin(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_revision_1(path)
    before = rows_of(path)

    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("core.records.store.backup._to_disk", full)
        with pytest.raises(RecordsError, match=r"before-.* cannot be written \(No space left on device\)"):
            await Records.open(url_of(path))
    assert rows_of(path) == before
    await (await Records.open(url_of(path))).close()


async def test_the_newest_five_copies_are_kept(path: Path) -> None:
    await (await Records.open(url_of(path))).close()
    start = datetime(2026, 3, 2, tzinfo=UTC)
    made = [keep_before_upgrade(path, f"000{9 - n}", start + timedelta(seconds=n)) for n in range(7)]
    assert sorted(path.parent.glob(f"{path.name}.before-*")) == sorted(made[2:])
