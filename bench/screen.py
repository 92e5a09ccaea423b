"""Measures CPU and terminal bytes of the console at 200 quotes a second and 120x40, against an app of one line."""

from __future__ import annotations

import os
import select
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.figure import Figure
from bench.pty_child import PtyChild

RUNS = 3
AIM_CPU = 12.0
AIM_BYTES = 20_000
TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """The load of a screen: `cpu` in % of one core, with the thread of ChangingEngine; `rate` in bytes per second."""

    cpu: float
    rate: float


def measure() -> list[Figure]:
    ours: list[Load] = []
    base: list[Load] = []
    for _ in range(RUNS):
        base.append(load_of("minimal"))
        ours.append(load_of("console"))
    cpu, base_cpu = (statistics.median(load.cpu for load in loads) for loads in (ours, base))
    rate, base_rate = (statistics.median(load.rate for load in loads) for loads in (ours, base))
    return [
        Figure(
            "CPU at 200 quotes/s, 120x40",
            f"{cpu:.1f} % of a core",
            f"one line {base_cpu:.1f} %",
            cpu / base_cpu,
            f"<= {AIM_CPU:g} %",
            cpu <= AIM_CPU,
        ),
        Figure(
            "bytes to the terminal at 200 quotes/s",
            f"{rate / 1000:.1f} KB/s",
            f"one line {base_rate / 1000:.1f} KB/s",
            rate / base_rate,
            f"<= {AIM_BYTES / 1000:g} KB/s",
            rate <= AIM_BYTES,
        ),
    ]


def load_of(kind: str) -> Load:
    """The load of one screen between its two reports."""
    reports, told = os.pipe()
    try:
        argv = [sys.executable, "-m", "bench.screen_app", kind, str(told)]
        with tempfile.TemporaryDirectory() as home, PtyChild(argv, Path(home), pass_fds=(told,)) as child:
            (started, cpu_before), _ = _next_report(child, reports)
            (ended, cpu_after), written = _next_report(child, reports)
    finally:
        os.close(reports)
        os.close(told)
    seconds = ended - started
    return Load(100 * (cpu_after - cpu_before) / seconds, written / seconds)


def _next_report(child: PtyChild, reports: int) -> tuple[tuple[float, float], int]:
    """The next report as (monotonic second, CPU seconds), and the bytes written to the terminal until it came."""
    written = 0
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        ready, _, _ = select.select([child.terminal, reports], [], [], 1.0)
        if reports in ready:
            return (time.monotonic(), float(os.read(reports, 100))), written
        if ready:
            written += len(child.read(0))
    raise RuntimeError("the screen reported nothing")
