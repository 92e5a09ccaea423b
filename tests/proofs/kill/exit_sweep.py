"""Chooses the cases of the exit paths: every crash point of a path with one fault, or a seeded sample of all."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.proofs.kill.exit_case import ExitCase, ExitVerdict, run_quietly
from tests.proofs.kill.exit_faults import EXIT_COLUMNS, EXIT_FAULTS, EXIT_LAGS_MIN, ExitFault, ExitPath
from tests.proofs.kill.exit_points import EXIT_POINTS
from tests.proofs.kill.exit_templates import make_templates
from tests.proofs.kill.forks import CHILDREN
from tests.proofs.kill.sweep import EVERYTHING, Part

LIKELY_SUSPENSIONS: dict[ExitPath, int] = {
    "target": 60,
    "target fill": 28,
    "cancel and prove": 225,
    "time close": 300,
    "transactions": 28,
}

ExitNote = Callable[[ExitVerdict], None]


@contextmanager
def workers(templates: Path) -> Iterator[ProcessPoolExecutor]:
    """As many processes as there are cores, and the worlds in which the paths begin."""
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), CHILDREN) as pool:
        pool.submit(make_templates, templates).result()
        yield pool


def every_exit_point(
    path: ExitPath,
    fault: ExitFault,
    pool: ProcessPoolExecutor,
    templates: Path,
    note: ExitNote,
    part: Part = EVERYTHING,
) -> None:
    """Runs every named point with every listing lag, then every suspension of the path, each with the next lag in
    turn."""
    turn, lags = EXIT_FAULTS.index(fault), EXIT_LAGS_MIN
    whole = [ExitCase(path, fault, lag, None) for lag in lags]
    named = [
        ExitCase(path, fault, minutes, point)
        for row, point in enumerate(EXIT_POINTS[path])
        for lag, minutes in enumerate(lags)
        if part.has(row + turn, lag)
    ]
    counted = max(verdict.suspensions for verdict in _all(whole, pool, templates, note))
    _all(named, pool, templates, note)
    numbers = [number for number in range(1, counted + 1) if part.has(number, turn)]
    suspensions = [ExitCase(path, fault, lags[(n // part.of + turn) % len(lags)], n) for n in numbers]
    _all(suspensions, pool, templates, note)


def exit_sample(seed: int, size: int) -> list[ExitCase]:
    """`size` cases: all paths in turn, the faults and the crash points drawn from the seed."""
    draw, paths = random.Random(seed), tuple(EXIT_POINTS)
    cases = []
    for number in range(size):
        path = paths[number % len(paths)]
        point: int | str = draw.choice((draw.randint(1, LIKELY_SUSPENSIONS[path]), draw.choice(EXIT_POINTS[path])))
        cases.append(ExitCase(path, draw.choice(EXIT_COLUMNS[path]), draw.choice(EXIT_LAGS_MIN), point))
    return cases


def _all(cases: Iterable[ExitCase], pool: ProcessPoolExecutor, templates: Path, note: ExitNote) -> list[ExitVerdict]:
    verdicts = []
    for verdict in pool.map(partial(run_quietly, templates=templates), cases):
        note(verdict)
        verdicts.append(verdict)
    return verdicts
