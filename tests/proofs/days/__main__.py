"""Runs simulated days in virtual time, with rules 13 checked after every step.

`make soak DAYS=10000 [SEED=n]` runs worlds of 1 to 3 days, with SESSIONS=60 worlds of so many sessions.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import resource
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from multiprocessing import get_context

from core.records.store import database
from core.simulator.market.sessions import sessions_of
from tests.proofs.days.day import MEMORY, SeedResult, run_plan
from tests.proofs.days.plan import YEARS, Plan, draw, draw_many
from tests.proofs.days.soak import Totals, seeds_for, shrink
from tests.support import compiled_once

REPORT_EVERY_S = 30.0
SHRINK_AT_MOST = 3
SEEDS_PER_PROCESS = 40
"""How many seeds a worker process runs before it is replaced, which frees its memory."""


def main() -> int:
    """Returns 1 when a violation was found, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.proofs.days", description=__doc__)
    parser.add_argument("days", type=int, help="how many days at least")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many seeds run side by side")
    parser.add_argument("--sessions", type=int, default=0, help="how many sessions each world has; 1 to 3 without")
    parser.add_argument("--calm", action="store_true", help="without faults, for the figures of speed")
    asked = parser.parse_args()
    plan = partial(_plan, sessions=asked.sessions, calm=asked.calm)
    quiet()
    totals = Totals()
    where = MEMORY if MEMORY.is_dir() else "the temporary folder"
    _tell(f"simulated days from SEED={asked.seed}; SQLite files on {where}, every commit real (WAL, synchronous FULL)")
    load()
    wall = told = time.perf_counter()
    broken = 0
    with get_context("fork").Pool(asked.processes, quiet, maxtasksperchild=SEEDS_PER_PROCESS) as pool:
        for result in pool.imap(partial(_run, plan), seeds_for(asked.days, asked.seed, asked.sessions)):
            seed = result.plan.seed
            totals.add(result)
            if result.violations:
                broken += 1
                totals.violations += [f"SEED={seed}: {text}" for text in result.violations]
                for line in shrink(plan(seed)).lines() if broken <= SHRINK_AT_MOST else result.violations[:1]:
                    _tell(f"VIOLATION {line}")
            if time.perf_counter() - told > REPORT_EVERY_S:
                told = time.perf_counter()
                _tell(f"  {totals.days} days, {totals.days / (told - wall):.2f} a second, seed {seed}")
        wall = time.perf_counter() - wall
        pool.close()
        pool.join()
    for line in totals.lines():
        _tell(line)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    machine = f"{asked.processes} processes on {os.cpu_count()} cores, {platform.machine()}"
    _tell(
        f"{totals.days / wall:.2f} days per second, {totals.days / (spent.ru_utime + spent.ru_stime):.2f} per second "
        f"of one core's time ({machine}, Python {platform.python_version()})"
    )
    return 1 if totals.violations else 0


def _plan(seed: int, *, sessions: int, calm: bool) -> Plan:
    if sessions:
        return draw_many(seed, sessions, calm=calm)
    return replace(draw(seed), troubles=(), clock_off_s=0.0) if calm else draw(seed)


def _run(plan: Callable[[int], Plan], seed: int) -> SeedResult:
    return run_plan(plan(seed))


def load() -> None:
    """Reads what all worlds share before their processes are forked: the calendars of their years, and the SQL of the
    statements, compiled once for all files."""
    setattr(database, "create_async_engine", compiled_once.engine)  # noqa: B010 - in this process and its forks
    for year in range(min(YEARS) - 2, max(YEARS) + 2):  # a market knows more than a year of sessions before its start
        sessions_of(year)


def quiet() -> None:
    """Silences what engines log of the injected faults."""
    warnings.simplefilter("ignore")
    logging.basicConfig(handlers=[logging.NullHandler()])


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
