"""What a run prints at its end: how to run a failed test again, and which areas took the most time."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

import pytest

AREA_PARTS = 3
"""An area is a folder of this depth, such as tests/core/orders."""
AREAS_SHOWN = 10
MOST_FAILURES = 20


def commands_to_repeat(failed: Iterable[str], seed: int) -> list[str]:
    """One command a failed test, by its node id; a test that failed twice has one."""
    return [f".venv/bin/python -m pytest --randomly-seed={seed} {shlex.quote(name)}" for name in dict.fromkeys(failed)]


def area_lines(reports: Sequence[pytest.TestReport]) -> list[str]:
    """The areas that took the most time, waits included, with their number of tests."""
    took_s: Counter[str] = Counter()
    tests: dict[str, set[str]] = {}
    for report in reports:
        folder = PurePosixPath(report.nodeid.partition("::")[0]).parent
        area = "/".join(folder.parts[:AREA_PARTS])
        took_s[area] += report.duration
        tests.setdefault(area, set()).add(report.nodeid)
    return [
        f"{seconds:7.1f} s  {len(tests[area]):5} tests  {area}" for area, seconds in took_s.most_common(AREAS_SHOWN)
    ]
