"""make soak DAYS=10000 [SEED=n]: simulated days in virtual time, SPEC 13 asserted after every step."""

from __future__ import annotations

import argparse
import logging
import platform
import sys
import time
import warnings

from tests.days.day import MEMORY, live
from tests.days.plan import draw
from tests.days.soak import Totals, seeds_for, shrink

REPORT_EVERY_S = 30.0
SHRINK_AT_MOST = 3


def main() -> int:
    """Ends with 1 when a violation was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.days", description=__doc__)
    parser.add_argument("days", type=int, help="how many days at least")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.basicConfig(handlers=[logging.NullHandler()])  # what engines log of their troubles is no news here
    totals = Totals()
    where = MEMORY if MEMORY.is_dir() else "the temporary folder"
    _tell(f"simulated days from SEED={asked.seed}; SQLite files on {where}, every commit real (WAL, synchronous FULL)")
    wall, cpu, told = time.perf_counter(), time.process_time(), time.perf_counter()
    broken = 0
    for seed in seeds_for(asked.days, asked.seed):
        lived = live(seed)
        totals.add(lived)
        if lived.violations:
            broken += 1
            totals.violations += [f"SEED={seed}: {text}" for text in lived.violations]
            for line in shrink(draw(seed)).lines() if broken <= SHRINK_AT_MOST else lived.violations[:1]:
                _tell(f"VIOLATION {line}")
        if time.perf_counter() - told > REPORT_EVERY_S:
            told = time.perf_counter()
            _tell(f"  {totals.days} days, {totals.days / (told - wall):.2f} a second, seed {seed}")
    for line in totals.lines():
        _tell(line)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    _tell(
        f"{totals.days / wall:.2f} days per second, {totals.days / cpu:.2f} per second of CPU, one process ({machine})"
    )
    return 1 if totals.violations else 0


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
