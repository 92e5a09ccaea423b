"""Which benches there are, and how one is run."""

from __future__ import annotations

import importlib

from bench.figure import Figure

BENCHES = ("first_paint", "screen", "cost", "feed", "decision", "accounts", "ten_years", "watch")


def run(name: str) -> list[Figure]:
    """The figures of one bench; takes from half a minute to a minute, `cost` some six."""
    figures: list[Figure] = importlib.import_module(f"bench.{name}").measure()
    return figures
