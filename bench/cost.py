"""Measures the console as an operator uses it over SSH, in tmux at 120x40: CPU, bytes, key latency and memory.

The engine and the SDK run in the console's process. The base is an app of one line over the same engine, in the same
run. Both have a simulated broker of their own that sends 200 quotes a second.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import week
from bench.counted_console import QUESTION_TEXT, ZOOM_TEXT
from bench.figure import Figure, percentile
from bench.server_child import ServerChild
from bench.tmux_console import FOCUS_IN, FOCUS_OUT, Load, TmuxConsole

RUNS = 3
SETTLE_S = 3.0
WINDOW_S = 6.0
BUSY, CLOSED = "2026-11-23T11:01:00-05:00", "2026-11-23T21:01:00-05:00"
"""Starts of the simulated market: in a full session between two slots, and in the night after it."""
SAMPLES = 14
"""How often each key is timed in each run."""
BETWEEN_KEYS_S = 0.25
MESSAGES_KEY = b"5"
CONSOLE, ONE_LINE = "console", "one-line"
AIMS = {"busy": (15, 12), "blurred": (6, 3), "closed": (2, 1)}
"""The aims of each state: % of a core, and KB/s to the client. In `blurred` the terminal has lost the focus."""
KEY_AIM_MS, DIALOG_AIM_MS = 50, 110


@dataclass(slots=True)
class Measured:
    """The measurements of all runs of one kind of app. The times are from key to paint and from key to dialog."""

    loads: dict[str, list[Load]] = field(default_factory=lambda: {name: [] for name in AIMS})
    key_ms: list[float] = field(default_factory=list)
    dialog_ms: list[float] = field(default_factory=list)


def measure() -> list[Figure]:
    ours, base = Measured(), Measured()
    for _ in range(RUNS):
        for kind, measured in ((ONE_LINE, base), (CONSOLE, ours)):
            run(kind, measured)
    figures = [figure for name in AIMS for figure in _load_figures(name, ours, base)]
    quotes = statistics.median(load.quotes for load in ours.loads["busy"])
    print(f"the engine was handed {quotes:.0f} quotes a second")
    figures.append(_key_figure("key to paint, p95", ours.key_ms, base.key_ms, KEY_AIM_MS))
    figures.append(_key_figure("key to dialog, p95", ours.dialog_ms, base.dialog_ms, DIALOG_AIM_MS))
    return [*figures, *week.measure()]


def run(
    kind: str, into: Measured, *, window_s: float = WINDOW_S, settle_s: float = SETTLE_S, samples: int = SAMPLES
) -> None:
    """Measures one app in a busy market, then one in a closed market."""
    with opened(kind, BUSY) as console:
        if kind == CONSOLE:
            force_entry(console)
        console.drain(settle_s)
        into.loads["busy"].append(console.load(window_s))
        time_keys(console, into, samples)
        console.press(FOCUS_OUT)
        console.drain(settle_s / 2)
        into.loads["blurred"].append(console.load(window_s))
        console.press(FOCUS_IN)
    with opened(kind, CLOSED) as console:
        console.drain(4 * settle_s)  # in this time the age of the first quotes stops changing on the screen
        into.loads["closed"].append(console.load(window_s))


@contextmanager
def opened(kind: str, start: str) -> Iterator[TmuxConsole]:
    """An app of this kind in tmux, ready, on a busy broker whose market begins at `start`."""
    with (
        ServerChild("bench.busy_simulator", start) as broker,
        tempfile.TemporaryDirectory() as home,
        TmuxConsole(kind, broker.port, Path(home)) as console,
    ):
        console.wait_for("● ON" if kind == CONSOLE else "QQQ")
        if kind == CONSOLE:
            console.wait_for("feed ok")
        yield console


def force_entry(console: TmuxConsole) -> None:
    """Forces a cycle that sends an order. From then on the four legs have quotes too."""
    console.press(b"f")
    console.wait_for(QUESTION_TEXT)
    console.press(b"y")
    console.wait_for("; took ")
    console.press(MESSAGES_KEY)


def time_keys(console: TmuxConsole, into: Measured, samples: int) -> None:
    """Times the zoom key, and the key that asks before a forced cycle. Pauses vary, to keep out of step with paints."""
    for number in range(samples):
        into.key_ms.append(console.paint_ms(b"z", ZOOM_TEXT.encode()))
        _pause(console, number)
    for number in range(samples):
        into.dialog_ms.append(console.paint_ms(b"f", QUESTION_TEXT.encode()))
        _pause(console, number)
        console.press(b"n")
        console.wait_gone(QUESTION_TEXT)
        _pause(console, number)


def _pause(console: TmuxConsole, number: int) -> None:
    console.drain(BETWEEN_KEYS_S * (1 + (number * 7 % 16) / 16))


def _load_figures(name: str, ours: Measured, base: Measured) -> Iterator[Figure]:
    words = {"busy": "at 200 quotes/s", "blurred": "at 200 quotes/s, blurred", "closed": "market closed"}[name]
    cpu_aim, rate_aim = AIMS[name]
    cpu, base_cpu = (statistics.median(load.cpu for load in each.loads[name]) for each in (ours, base))
    rate, base_rate = (statistics.median(load.rate for load in each.loads[name]) / 1000 for each in (ours, base))
    yield Figure(
        f"console {words}: CPU",
        f"{cpu:.1f} % of a core",
        f"one line {base_cpu:.1f} %",
        cpu / base_cpu,
        f"<= {cpu_aim} %",
        cpu <= cpu_aim,
    )
    yield Figure(
        f"console {words}: to the client",
        f"{rate:.2f} KB/s",
        f"one line {base_rate:.2f} KB/s",
        rate / base_rate if base_rate else float("inf"),
        f"<= {rate_aim} KB/s",
        rate <= rate_aim,
    )


def _key_figure(name: str, ours: list[float], base: list[float], aim_ms: int) -> Figure:
    took, base_took = percentile(ours, 0.95), percentile(base, 0.95)
    return Figure(
        f"{name} of {len(ours)}",
        f"{took:.0f} ms",
        f"one line {base_took:.0f} ms",
        took / base_took,
        f"<= {aim_ms} ms",
        took <= aim_ms,
    )
