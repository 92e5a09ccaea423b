"""Runs all cases without pytest: `python -m tests.proofs.kill [--path entry] [--part 1/4] [--at-once 16]`.

Prints a line per case and the table at the end. The parts are disjoint; together they are all cases. Two columns run
side by side, so that the machine is not idle while the last cases of one of them wait.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.proofs.kill.broker_faults import BrokerFault
from tests.proofs.kill.case import PathName, Verdict
from tests.proofs.kill.sweep import AT_ONCE, COLUMNS, Note, Part, every_point
from tests.proofs.kill.table import Table

COLUMNS_AT_ONCE = 2


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.proofs.kill")
    options.add_argument("--path", choices=list(COLUMNS))
    options.add_argument("--part", default="1/1")
    options.add_argument("--at-once", type=int, default=AT_ONCE, help=f"cases at the same time (now {AT_ONCE})")
    chosen = options.parse_args()
    number, _, of = chosen.part.partition("/")
    part = Part(int(number) - 1, int(of))
    table, began = Table(), time.monotonic()

    def note(verdict: Verdict) -> None:
        table.add(verdict)
        sys.stdout.write(f"{verdict.case} | {verdict.row} | {'; '.join(verdict.wrong) or 'ok'}\n")
        sys.stdout.flush()

    paths: list[PathName] = [chosen.path] if chosen.path else list(COLUMNS)
    columns = [(path, fault) for path in paths for fault in COLUMNS[path]]
    asyncio.run(_run(columns, part, chosen.at_once, note))
    sys.stdout.write(f"\n{time.monotonic() - began:.0f} s\n")
    sys.stdout.write(f"\n{table.markdown()}\n\n{table.cases} cases, {table.bad} with violations\n")
    return 1 if table.bad else 0


async def _run(columns: Sequence[tuple[PathName, BrokerFault]], part: Part, at_once: int, note: Note) -> None:
    turns, places = asyncio.Semaphore(at_once), asyncio.Semaphore(COLUMNS_AT_ONCE)

    async def column(path: PathName, fault: BrokerFault) -> None:
        async with places:
            with tempfile.TemporaryDirectory() as folder:
                await every_point(path, fault, Path(folder), note, part, turns)

    async with asyncio.TaskGroup() as group:
        for path, fault in columns:
            group.create_task(column(path, fault))


if __name__ == "__main__":
    sys.exit(main())
