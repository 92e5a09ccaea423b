"""Runs all cases without pytest: `python -m tests.proofs.kill [--path entry] [--part 1/4]`.

Prints a line per case and the table at the end. The parts are disjoint; together they are all cases.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.proofs.kill.case import Verdict
from tests.proofs.kill.sweep import COLUMNS, Part, every_point
from tests.proofs.kill.table import Table


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.proofs.kill")
    options.add_argument("--path", choices=list(COLUMNS))
    options.add_argument("--part", default="1/1")
    chosen = options.parse_args()
    number, _, of = chosen.part.partition("/")
    part = Part(int(number) - 1, int(of))
    table, began = Table(), time.monotonic()
    for path in [chosen.path] if chosen.path else list(COLUMNS):
        for fault in COLUMNS[path]:

            def note(verdict: Verdict) -> None:
                table.add(verdict)
                sys.stdout.write(f"{verdict.case} | {verdict.row} | {'; '.join(verdict.wrong) or 'ok'}\n")
                sys.stdout.flush()

            with tempfile.TemporaryDirectory() as folder:
                asyncio.run(every_point(path, fault, Path(folder), note, part))
    sys.stdout.write(f"\n{time.monotonic() - began:.0f} s\n")
    sys.stdout.write(f"\n{table.markdown()}\n\n{table.cases} cases, {table.bad} with violations\n")
    return 1 if table.bad else 0


if __name__ == "__main__":
    sys.exit(main())
