"""The names of the benches, and how to run one."""

from __future__ import annotations

import importlib

from bench.figure import Figure

BENCHES = (
    "first_paint",
    "screen",
    "cost",
    "feed",
    "decision",
    "accounts",
    "ten_years",
    "watch",
    "lived_days",
    "resting_orders",
    "money",
    "exits",
    "time_exits",
)


def run(name: str) -> list[Figure]:
    """The figures of one bench. It takes half a minute to a minute; `cost` takes about six minutes."""
    figures: list[Figure] = importlib.import_module(f"bench.{name}").measure()
    return figures
