"""Measures the memory of the console over a trading week in virtual time, with engine and screen in one process."""

from __future__ import annotations

import json
import subprocess
import sys

from bench.figure import Figure

AIM = 1.05
TIMEOUT_S = 400


def measure() -> list[Figure]:
    """The resident memory of the process after the last day, against that after the first."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.week_console"], stdout=subprocess.PIPE, text=True, timeout=TIMEOUT_S, check=True
    )
    days: list[float] = json.loads(done.stdout.splitlines()[-1])
    ratio = days[-1] / days[0]
    return [
        Figure(
            f"resident memory after {len(days)} trading days",
            f"{days[-1]:.1f} MB",
            f"after the first {days[0]:.1f} MB",
            ratio,
            f"<= {AIM}",
            ratio <= AIM,
        )
    ]
