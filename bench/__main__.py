"""Runs every bench, or the named one, and prints one table. Nothing is asserted."""

from __future__ import annotations

import argparse
import multiprocessing

from bench.benches import BENCHES, run
from bench.figure import Figure, table


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=BENCHES, help="one bench; all of them without it")
    chosen = parser.parse_args().name
    figures: list[Figure] = []
    # A process for each: what one imports, keeps in memory or pins must not cost another.
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for name in BENCHES if chosen is None else (chosen,):
            print(f"measuring {name.replace('_', ' ')}", flush=True)
            figures.extend(pool.apply(run, (name,)))
    print(f"\n{table(figures)}")


if __name__ == "__main__":
    main()
