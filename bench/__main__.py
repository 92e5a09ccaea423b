"""Runs all benches, or the named one, and prints one table. A missed aim is shown there, and is no failure."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import traceback

from bench.benches import BENCHES, run
from bench.figure import Figure, table


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=BENCHES, help="one bench; all of them without it")
    chosen = parser.parse_args().name
    figures: list[Figure] = []
    failed = False
    # Each bench gets a process of its own: its imports, memory and CPU pinning must not change the others' figures.
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for name in BENCHES if chosen is None else (chosen,):
            print(f"measuring {name.replace('_', ' ')}", flush=True)
            try:
                figures.extend(pool.apply(run, (name,)))
            except Exception as error:  # the other benches can still run
                failed = True
                traceback.print_exception(error)
    print(f"\n{table(figures)}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
