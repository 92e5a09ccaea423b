"""Lives simulated months with exits on, in virtual time, with the invariants of exits judged every night.

`python -m tests.proofs.months --months 12 --seeds 20`
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections import Counter
from functools import partial
from multiprocessing import get_context

from tests.proofs.days.__main__ import load, quiet
from tests.proofs.months.month import MonthResult, run_months
from tests.proofs.months.plan import SESSIONS_A_MONTH, draw_months


def main() -> int:
    """Returns 1 when a violation was found, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.proofs.months", description=__doc__)
    parser.add_argument("--months", type=int, default=12, help="of 21 sessions, of each seed")
    parser.add_argument("--seeds", type=int, default=20, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many seeds run side by side")
    parser.add_argument("--calm", action="store_true", help="without troubles")
    asked = parser.parse_args()
    quiet()
    load()
    began = time.perf_counter()
    ended: Counter[str] = Counter()
    sessions = violations = judged = last_hours = 0
    run = partial(_run, sessions=asked.months * SESSIONS_A_MONTH, calm=asked.calm)
    with get_context("fork").Pool(asked.processes, quiet, maxtasksperchild=1) as pool:
        for result in pool.imap(run, range(asked.seed, asked.seed + asked.seeds)):
            sessions += result.days.days
            violations += len(result.days.violations)
            judged += result.judged
            last_hours += result.last_hours
            ended += result.ended
            for line in _lines(result):
                sys.stdout.write(line + "\n")
            sys.stdout.flush()
        pool.close()
        pool.join()
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = spent.ru_utime + spent.ru_stime
    sys.stdout.write(
        f"{asked.seeds} seeds, {sessions} sessions; units ended: {_words(ended)}\n"
        f"judged each night and {judged} times after a commit; {last_hours} tridents through their last hour\n"
        f"violations {violations}; {time.perf_counter() - began:.0f} s, {cpu / max(1, sessions):.2f} s of one core a "
        "session\n"
    )
    return 1 if violations else 0


def _run(seed: int, *, sessions: int, calm: bool) -> MonthResult:
    return run_months(draw_months(seed, sessions, calm=calm))


def _lines(result: MonthResult) -> list[str]:
    days = result.days
    fills = "fill at the price asked" if days.plan.fills_as_asked else "follow the market"
    lines = [
        f"SEED={days.plan.seed}: {days.days} sessions, {days.processes} engines, {days.steps} steps, "
        f"closes {fills}, from {days.plan.exit_dte} days before expiration, troubles {_words(days.troubles)}",
        f"  judged {result.judged} times after a commit; {result.last_hours} tridents through their last hour",
        f"  tridents {_words(result.tridents)}; units ended {_words(result.ended)}; realized {result.realized} $",
    ]
    return lines + [f"  VIOLATION {text}" for text in days.violations]


def _words(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common()) or "none"


if __name__ == "__main__":
    sys.exit(main())
