"""Measures the time from process start to the first text on the screen: `senex demo` against a one-widget app."""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
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


def measure() -> list[Figure]:
    ours: list[float] = []
    base: list[float] = []
    for run in range(RUNS + 1):
        for seconds, argv in (
            (base, [sys.executable, "-m", "bench.minimal_app"]),
            (ours, [str(BIN / "senex"), "demo"]),
        ):
            took = first_words_s(argv)
            if run:  # the first of each only fills the file cache
                seconds.append(took)
    our_s, base_s = statistics.median(ours), statistics.median(base)
    ratio = our_s / base_s
    return [
        Figure(
            "first paint, process start to first words",
            f"{our_s * 1000:.0f} ms",
            f"one widget {base_s * 1000:.0f} ms",
            ratio,
            f"<= {AIM}",
            ratio <= AIM,
        )
    ]


def first_words_s(argv: Sequence[str]) -> float:
    """Seconds from process start until a character other than a blank is on the alternate screen."""
    with tempfile.TemporaryDirectory() as home, PtyChild(argv, Path(home)) as child:
        seen = b""
        while time.monotonic() - child.started < TIMEOUT_S:
            try:
                seen += child.read(1.0)
            except EOFError:
                break
            if has_words(seen):
                return time.monotonic() - child.started
        raise RuntimeError(f"{argv[0]} painted nothing; it wrote {seen[-200:]!r}")


def has_words(output: bytes) -> bool:
    """Whether this terminal output puts a visible character on the alternate screen."""
    _, entered, painted = output.partition(ALTERNATE_SCREEN)
    return bool(entered) and bool(UNFINISHED.sub(b"", SEQUENCES.sub(b"", painted)).strip())
