"""What tests make of a new records file is what its first start makes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from core.records.records import Records
from core.records.store import schema
from tests.support import schema_once
from tests.support.record_samples import url_of


def _content(path: Path) -> tuple[list[tuple[object, ...]], dict[str, list[tuple[object, ...]]]]:
    with closing(sqlite3.connect(path)) as database:
        made = database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name").fetchall()
        tables = [name for kind, name, *_ in made if kind == "table"]
        return made, {name: database.execute(f"SELECT * FROM {name}").fetchall() for name in tables}


@pytest.mark.sqlite
async def test_a_file_made_from_another_s_schema_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await (await Records.open(url_of(tmp_path / "by revisions"))).close()
    monkeypatch.setattr(schema, "_upgrade", schema_once.upgrade)
    for name in ("first", "second"):
        await (await Records.open(url_of(tmp_path / name))).close()
        assert _content(tmp_path / name) == _content(tmp_path / "by revisions")
    assert schema_once._made, "the second was made from the first"
