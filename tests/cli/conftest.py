from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.console_command import SENEX, Box


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


@pytest.fixture
def simulator_url(box: Box) -> Iterator[str]:
    """A simulated broker in a process of its own, at a free port."""
    with subprocess.Popen(
        [SENEX, "simulator", "--port", "0", "--start", "2026-03-02T10:00:00-05:00"],
        env=box.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            yield f"http://127.0.0.1:{int(ready.rpartition('=')[2])}"
        finally:
            process.terminate()
            process.wait(10)
