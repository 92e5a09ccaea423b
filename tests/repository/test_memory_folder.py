"""Where the tests' temporary files are."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from tests.support.memory_folder import keep_temporary_files_in


@pytest.fixture(autouse=True)
def unnamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder for temporary files is named; afterwards it is the one that was."""
    monkeypatch.setenv("TMPDIR", "")
    monkeypatch.delenv("TMPDIR")
    monkeypatch.setattr(tempfile, "tempdir", tempfile.gettempdir())


def test_a_folder_with_room_takes_the_temporary_files(tmp_path: Path) -> None:
    assert keep_temporary_files_in(tmp_path, room_bytes=1)
    assert (tempfile.gettempdir(), os.environ["TMPDIR"]) == (str(tmp_path), str(tmp_path))


def test_a_folder_without_room_and_one_that_is_not_there_take_none(tmp_path: Path) -> None:
    before = tempfile.gettempdir()
    assert not keep_temporary_files_in(tmp_path, room_bytes=1 << 80)
    assert not keep_temporary_files_in(tmp_path / "missing", room_bytes=1)
    assert (tempfile.gettempdir(), "TMPDIR" in os.environ) == (before, False)


def test_the_folder_that_the_user_names_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/elsewhere")
    assert not keep_temporary_files_in(tmp_path, room_bytes=1)
    assert os.environ["TMPDIR"] == "/elsewhere"
