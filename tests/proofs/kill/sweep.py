"""Chooses the cases: every crash point of a path with one fault, or a seeded sample of all cases."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.proofs.kill.broker import ProofBroker, proof_broker
from tests.proofs.kill.broker_faults import FAULTS, LAGS_MIN, BrokerFault
from tests.proofs.kill.case import Case, PathName, Verdict, run_case
from tests.proofs.kill.crash_points import ADOPT_POINTS, CANCEL_POINTS, ENTRY_POINTS, RECONCILE_POINTS

AT_ONCE = 4 * len(os.sched_getaffinity(0))
"""How many cases run at the same time: a case works about a third of its time, and waits for the rest of it."""
LIKELY_SUSPENSIONS: dict[PathName, int] = {"entry": 140, "reconcile": 300, "late cancel": 40, "adopt": 120}
POINTS: dict[PathName, tuple[str, ...]] = {
    "entry": ENTRY_POINTS,
    "reconcile": RECONCILE_POINTS,
    "late cancel": CANCEL_POINTS,
    "adopt": ADOPT_POINTS,
}
PLAIN = tuple(fault for fault in FAULTS if fault.name in ("accepted", "response lost", "5xx after accept"))
"""The faults after which an order is there as it was asked for: it can be cancelled late, and adopted."""
COLUMNS: dict[PathName, tuple[BrokerFault, ...]] = {
    "entry": FAULTS,
    "reconcile": FAULTS,
    "late cancel": PLAIN,
    "adopt": PLAIN,
}
"""The faults that each path is run with."""

Note = Callable[[Verdict], None]


@dataclass(frozen=True)
class Part:
    """One of `of` disjoint parts that together are all cases; each part has cases of every row and every lag."""

    number: int = 0
    of: int = 1

    def has(self, row: int, lag: int) -> bool:
        return (row + lag) % self.of == self.number


EVERYTHING = Part()


async def every_point(
    path: PathName,
    fault: BrokerFault,
    folder: Path,
    note: Note,
    part: Part = EVERYTHING,
    turns: asyncio.Semaphore | None = None,
) -> None:
    """Runs every named point with every listing lag, then every suspension, each with the next lag in turn. `turns`
    bounds how many cases run at once, also with those of other columns."""
    turn, turns = FAULTS.index(fault), turns or asyncio.Semaphore(AT_ONCE)

    async def all_of(name: str, cases: Sequence[Case]) -> list[Verdict]:
        (folder / name).mkdir()
        async with proof_broker(folder / name, [fault], len(cases)) as broker:
            return await _all(cases, broker, note, turns)

    whole = Case(path, fault, LAGS_MIN[part.number % len(LAGS_MIN)], None)
    named = [
        Case(path, fault, minutes, point)
        for row, point in enumerate(POINTS[path])
        for lag, minutes in enumerate(LAGS_MIN)
        if part.has(row + turn, lag)
    ]
    counted = max(verdict.suspensions for verdict in await all_of("named", [whole, *named]))

    def suspension(number: int) -> Case:
        return Case(path, fault, LAGS_MIN[(number // part.of + turn) % len(LAGS_MIN)], number)

    await all_of("suspensions", [suspension(n) for n in range(1, counted + 1) if part.has(n, turn)])
    last, number = part.number, counted  # the first part looks for more suspensions than any case had before
    while last == 0 and number < 2 * counted:
        number += 1
        (verdict,) = await all_of(f"suspension {number}", [suspension(number)])
        last = verdict.suspensions


async def sample(seed: int, size: int, folder: Path, note: Note) -> None:
    """Runs `size` cases: all paths in turn, the faults and the crash points drawn from the seed."""
    draw, paths = random.Random(seed), tuple(POINTS)
    cases = []
    for number in range(size):
        path = paths[number % len(paths)]
        fault = draw.choice(COLUMNS[path])
        suspension = draw.randint(1, LIKELY_SUSPENSIONS[path])
        point = draw.choice((suspension, suspension, draw.choice(POINTS[path])))
        cases.append(Case(path, fault, draw.choice(LAGS_MIN), point))
    async with proof_broker(folder, FAULTS, size) as broker:
        await _all(cases, broker, note, asyncio.Semaphore(AT_ONCE))


async def _all(cases: Sequence[Case], broker: ProofBroker, note: Note, turns: asyncio.Semaphore) -> list[Verdict]:
    async def one(case: Case) -> Verdict:
        async with turns:
            verdict = await run_case(case, broker)
        note(verdict)
        return verdict

    return list(await asyncio.gather(*(one(case) for case in cases)))
