"""Runs all cases without pytest: `python -m tests.proofs.kill [--path entry] [--part 1/4] [--at-once 16]`.

Prints a line per case and the table at the end. The parts are disjoint; together they are all cases. Two columns run
side by side, so that the machine is not idle while the last cases of one of them wait. The exit paths follow; their
time is virtual, and a process for each core runs their cases.
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
from tests.proofs.kill.exit_case import ExitVerdict
from tests.proofs.kill.exit_faults import EXIT_COLUMNS
from tests.proofs.kill.exit_sweep import ExitNote, every_exit_point, workers
from tests.proofs.kill.sweep import AT_ONCE, COLUMNS, Note, Part, every_point
from tests.proofs.kill.table import Table

COLUMNS_AT_ONCE = 2


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.proofs.kill")
    options.add_argument("--path", choices=[*COLUMNS, *EXIT_COLUMNS])
    options.add_argument("--part", default="1/1")
    options.add_argument("--at-once", type=int, default=AT_ONCE, help=f"cases at the same time (now {AT_ONCE})")
    chosen = options.parse_args()
    number, _, of = chosen.part.partition("/")
    part = Part(int(number) - 1, int(of))
    table, began, judged = Table(), time.monotonic(), 0

    def note(verdict: Verdict | ExitVerdict) -> None:
        nonlocal judged
        judged += verdict.judged if isinstance(verdict, ExitVerdict) else 0
        table.add(verdict)
        sys.stdout.write(f"{verdict.case} | {verdict.row} | {'; '.join(verdict.wrong) or 'ok'}\n")
        sys.stdout.flush()

    columns = [(path, fault) for path, faults in COLUMNS.items() for fault in faults if chosen.path in (None, path)]
    asyncio.run(_run(columns, part, chosen.at_once, note))
    _run_exits(chosen.path, part, note)
    sys.stdout.write(f"\n{time.monotonic() - began:.0f} s\n")
    sys.stdout.write(f"\n{table.markdown()}\n\n{table.cases} cases, {table.bad} with violations\n")
    if judged:
        sys.stdout.write(f"the invariants of exits were judged {judged} times\n")
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


def _run_exits(chosen: str | None, part: Part, note: ExitNote) -> None:
    paths = [path for path in EXIT_COLUMNS if chosen in (None, path)]
    if not paths:
        return
    with tempfile.TemporaryDirectory() as folder, workers(Path(folder)) as pool:
        for path in paths:
            for fault in EXIT_COLUMNS[path]:
                every_exit_point(path, fault, pool, Path(folder), note, part)


if __name__ == "__main__":
    sys.exit(main())
