"""Measures the start of `senex demo` against that of a one-widget app, in alternating runs.

From process start to the first words on the screen, which are those of the opening frame, and to those of the whole
dashboard. The CPU is that of the process, with all its threads: other load on the machine changes it less.
"""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.figure import Figure
from bench.pty_child import PtyChild

RUNS = 7
AIM = 1.4
TIMEOUT_S = 30.0
ALTERNATE_SCREEN = b"\x1b[?1049h"
# CSI, OSC and DCS sequences and two-character escapes. None of them puts a character on the screen.
SEQUENCES = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]P_^][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-Z\\^-~]")
UNFINISHED = re.compile(rb"\x1b[^\x07]*\Z")

BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Start:
    """Wall and CPU seconds from process start until something was on the screen."""

    wall_s: float
    cpu_s: float


def measure() -> list[Figure]:
    ours: list[Start] = []
    whole: list[Start] = []
    base: list[Start] = []
    for run in range(RUNS + 1):
        for starts, argv, seen in (
            (base, [sys.executable, "-m", "bench.minimal_app"], has_words),
            (ours, [str(BIN / "senex"), "demo"], has_words),
            (whole, [str(BIN / "senex"), "demo"], has_dashboard),
        ):
            start = until(argv, seen)
            if run:  # the first of each only fills the file cache
                starts.append(start)
    return [
        *_figures("first paint, process start to first words", ours, base, AIM),
        *_figures("process start to the whole dashboard", whole, base, None),
    ]


def _figures(name: str, ours: list[Start], base: list[Start], aim: float | None) -> list[Figure]:
    """The medians of the wall seconds, and of the CPU seconds."""
    figures = []
    for kind, our, one in (
        ("", [start.wall_s for start in ours], [start.wall_s for start in base]),
        (", CPU", [start.cpu_s for start in ours], [start.cpu_s for start in base]),
    ):
        our_s, base_s = statistics.median(our), statistics.median(one)
        ratio = our_s / base_s
        words = f"{our_s * 1000:.0f} ms", f"one widget {base_s * 1000:.0f} ms"
        figures.append(
            Figure(f"{name}{kind}", *words, ratio)
            if aim is None
            else Figure(f"{name}{kind}", *words, ratio, f"<= {aim}", ratio <= aim)
        )
    return figures


def until(argv: Sequence[str], is_seen: Callable[[bytes], bool]) -> Start:
    """Starts the command on a terminal and reads what it writes until `is_seen` is true of it."""
    with tempfile.TemporaryDirectory() as home, PtyChild(argv, Path(home)) as child:
        seen = b""
        while time.monotonic() - child.started < TIMEOUT_S:
            try:
                seen += child.read(1.0)
            except EOFError:
                break
            if is_seen(seen):
                return Start(time.monotonic() - child.started, child.cpu_s())
        raise RuntimeError(f"{argv[0]} painted nothing; it wrote {seen[-200:]!r}")


def has_words(output: bytes) -> bool:
    """Whether this terminal output puts a visible character on the alternate screen."""
    _, entered, painted = output.partition(ALTERNATE_SCREEN)
    return bool(entered) and bool(UNFINISHED.sub(b"", SEQUENCES.sub(b"", painted)).strip())


def has_dashboard(output: bytes) -> bool:
    """Whether this terminal output has words of the dashboard's panels and of its last row."""
    words = SEQUENCES.sub(b"", output)
    return b"waiting for the engine" in words and b"quit" in words.lower()
