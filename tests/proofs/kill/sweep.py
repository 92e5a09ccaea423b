"""Which cases are run: every point of a path with one fault, or a seeded sample over everything."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.proofs.kill.broker_faults import FAULTS, LAGS_MIN, BrokerFault
from tests.proofs.kill.broker_rig import BrokerRig, broker_rig
from tests.proofs.kill.crash_points import ENTRY_POINTS, RECONCILE_POINTS
from tests.proofs.kill.proof import Case, PathName, Verdict, judge

AT_ONCE = 6
"""Cases under way at the same time: most of one is waiting."""
MOST_ACCOUNTS = 1500
LIKELY_SUSPENSIONS: dict[PathName, int] = {"entry": 140, "reconcile": 300}
POINTS: dict[PathName, tuple[str, ...]] = {"entry": ENTRY_POINTS, "reconcile": RECONCILE_POINTS}

Note = Callable[[Verdict], None]


@dataclass(frozen=True)
class Part:
    """One of several parts that together are everything; each goes through every row and every lag."""

    number: int = 0
    of: int = 1

    def has(self, row: int, lag: int) -> bool:
        return (row + lag) % self.of == self.number


EVERYTHING = Part()


async def every_point(path: PathName, fault: BrokerFault, folder: Path, note: Note, part: Part = EVERYTHING) -> None:
    """Every named point with every listing lag, then every suspension, the lags in turn, until one is not reached."""
    turn = FAULTS.index(fault)
    async with broker_rig(folder, [fault], MOST_ACCOUNTS) as rig:
        whole = await _all([Case(path, fault, LAGS_MIN[part.number % len(LAGS_MIN)], None)], rig, note)
        named = [
            Case(path, fault, minutes, point)
            for row, point in enumerate(POINTS[path])
            for lag, minutes in enumerate(LAGS_MIN)
            if part.has(row + turn, lag)
        ]
        counted = max(verdict.suspensions for verdict in whole + await _all(named, rig, note))

        def suspension(number: int) -> Case:
            return Case(path, fault, LAGS_MIN[(number // part.of + turn) % len(LAGS_MIN)], number)

        await _all([suspension(n) for n in range(1, counted + 1) if part.has(n, turn)], rig, note)
        last, number = part.number, counted  # the first part looks for more suspensions than any case had before
        while last == 0 and number < 2 * counted:
            number += 1
            (verdict,) = await _all([suspension(number)], rig, note)
            last = verdict.suspensions


async def sample(seed: int, size: int, folder: Path, note: Note) -> None:
    """The same cases for the same seed: every fault on both paths in turn, the points drawn."""
    draw = random.Random(seed)
    cases = []
    for number in range(size):
        path: PathName = "entry" if number % 2 else "reconcile"
        fault = FAULTS[number // 2 % len(FAULTS)]
        suspension = draw.randint(1, LIKELY_SUSPENSIONS[path])
        point = draw.choice((suspension, suspension, draw.choice(POINTS[path])))
        cases.append(Case(path, fault, draw.choice(LAGS_MIN), point))
    async with broker_rig(folder, FAULTS, size) as rig:
        await _all(cases, rig, note)


async def _all(cases: Sequence[Case], rig: BrokerRig, note: Note) -> list[Verdict]:
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(case: Case) -> Verdict:
        async with turn:
            verdict = await judge(case, rig)
        note(verdict)
        return verdict

    return list(await asyncio.gather(*(one(case) for case in cases)))
