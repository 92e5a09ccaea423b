"""A second start on a data folder in use is refused before anything is opened or asked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.locks.folder_lock import FolderLock, lock_data_folder
from core.locks.holder import Holder
from tests.support.senex_command import Box

NOBODY = "http://127.0.0.1:9"
"""An address without a broker: asking it would fail with another sentence."""
ENVIRONMENT = {"SENEX_BROKER__URL": NOBODY, "TT_SECRET": "secret-ok", "TT_REFRESH": "refresh-ok"}


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


@pytest.fixture
def held(box: Box) -> Iterator[FolderLock]:
    """The data folder of the mode, locked as by a running console."""
    now = datetime(2026, 3, 2, 14, 31, tzinfo=UTC)
    lock = lock_data_folder(box.home / "data" / "demo", Holder(os.getpid(), now, "demo", "tmux attach -t desk"))
    yield lock
    lock.release()


def sentence(box: Box) -> str:
    return (
        f"senex: another senex (process {os.getpid()}, demo) trades with the data folder {box.home}/data/demo since "
        "2026-03-02 09:31 ET; attach to it with: tmux attach -t desk\n"
    )


def test_once_is_refused_while_a_console_runs(box: Box, held: FolderLock) -> None:
    done = box.run("--data-dir", str(box.home / "data"), "once", **ENVIRONMENT)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", sentence(box))
    assert not (box.home / "data" / "demo" / "records.sqlite3").exists()


def test_a_second_console_is_refused_before_its_screen_opens(box: Box, held: FolderLock) -> None:
    assert box.run_in_terminal("--data-dir", str(box.home / "data"), **ENVIRONMENT) == (2, sentence(box))
    assert not (box.home / "data" / "demo" / "records.sqlite3").exists()


def test_another_data_folder_is_not_in_the_way(box: Box, held: FolderLock) -> None:
    done = box.run("--data-dir", str(box.home / "other"), "once", **ENVIRONMENT)
    assert done.returncode == 2
    assert "another senex" not in done.stderr
    assert "check the network and broker.url" in done.stderr
