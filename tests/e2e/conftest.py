from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.console_command import SENEX, Box
from tests.e2e.simulated_broker import SimulatedBroker


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


@pytest.fixture
def broker(box: Box) -> Iterator[SimulatedBroker]:
    """A simulated broker in a process of its own, a quarter of an hour into the session's slots."""
    with subprocess.Popen(
        [SENEX, "simulator", "--port", "0", "--start", "2026-03-02T10:00:00-05:00"],
        env=box.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield SimulatedBroker(int(process.stdout.readline().rpartition("=")[2]))
        finally:
            process.terminate()
            process.wait(10)
