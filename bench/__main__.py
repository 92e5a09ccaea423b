"""Runs every bench, or the named one, and prints one table. An aim that is missed is said, and fails nothing."""

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
    # A process for each: what one imports, keeps in memory or pins must not cost another.
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for name in BENCHES if chosen is None else (chosen,):
            print(f"measuring {name.replace('_', ' ')}", flush=True)
            try:
                figures.extend(pool.apply(run, (name,)))
            except Exception as error:  # the other benches still have something to say
                failed = True
                traceback.print_exception(error)
    print(f"\n{table(figures)}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
