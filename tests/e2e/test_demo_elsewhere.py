"""`senex demo` in a folder of somebody else: nothing that lies there is run."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from tests.support.foreign_code import TAKEN, foreign_code
from tests.support.senex_command import SENEX, Box


def test_a_demo_runs_no_code_of_the_folder_it_is_started_in(box: Box, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    foreign_code(elsewhere)
    with subprocess.Popen(
        [SENEX, "demo", "--plain", "--start", "2026-03-02T09:44:55-05:00", "--speed", "60"],
        env=box.environment(),
        cwd=elsewhere,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            lines = iter(process.stdout.readline, "")
            said = next((line for line in lines if "cycle" in line.lower()), None)
            process.send_signal(signal.SIGTERM)
            rest = process.stdout.read()
            errors = process.stderr.read()
            assert process.wait(30) == 0, errors
        finally:
            process.kill()
    assert said is not None, rest + errors
    assert not (elsewhere / TAKEN).exists()
