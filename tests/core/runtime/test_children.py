"""Processes of ours take no code from the folder they are started in."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from core.runtime.children import child_environment, python_child
from tests.support.foreign_code import TAKEN, foreign_code


@pytest.mark.parametrize("paths", ["", ":", ".", f"{os.pathsep}here", "here:."])
def test_a_child_imports_nothing_from_where_it_stands(paths: str, tmp_path: Path) -> None:
    foreign_code(tmp_path)
    foreign_code(tmp_path / "here")
    # The module imports json and core before it reads its arguments; with this one it stops with a ValueError.
    started = subprocess.run(
        python_child("core.simulator.wire.child", "not json"),
        env=child_environment(os.environ | {"PYTHONPATH": paths}),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "JSONDecodeError" in started.stderr, started.stderr
    assert not (tmp_path / TAKEN).exists()


def test_the_folder_would_be_taken_without_the_option(tmp_path: Path) -> None:
    foreign_code(tmp_path)
    words = [word for word in python_child("core.simulator.wire.child", "not json") if word != "-P"]
    without = {name: value for name, value in child_environment(os.environ).items() if name != "PYTHONSAFEPATH"}
    subprocess.run(words, env=without, cwd=tmp_path, capture_output=True, timeout=60)
    assert (tmp_path / TAKEN).exists(), "this is how it would show"


def test_absolute_paths_stay() -> None:
    given = {"PYTHONPATH": f"/one{os.pathsep}{os.pathsep}two{os.pathsep}/three", "HOME": "/h"}
    assert child_environment(given) == {"PYTHONPATH": f"/one{os.pathsep}/three", "HOME": "/h", "PYTHONSAFEPATH": "1"}
    assert child_environment({"PYTHONPATH": "."}) == {"PYTHONSAFEPATH": "1"}
