"""The cases of the proof: a path, a crash point, a broker fault, a listing lag; how each is run and judged."""

from __future__ import annotations

import asyncio
import shutil
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from core.simulator.exchange.faults import Fault, FaultKind, FaultMatch
from core.simulator.exchange.lifecycle import FillPlan
from tests.proofs.kill.broker_faults import LATE_S, MINUTE_S, BrokerFault
from tests.proofs.kill.broker_rig import BrokerRig, run
from tests.proofs.kill.crash_points import ANSWER_IN_HAND
from tests.proofs.kill.life import Account, Life, told
from tests.proofs.kill.rules import Found, never_sent, unfinished, violations

PathName = Literal["entry", "reconcile"]
SETTLES_S = 2.5


@dataclass(frozen=True)
class Case:
    """`point` is a named crash point, the number of a suspension, or None: nothing is killed."""

    path: PathName
    fault: BrokerFault
    lag_min: int
    point: str | int | None

    def __str__(self) -> str:
        killed = "not killed" if self.point is None else f"killed at {self.point}"
        return f"{self.path}, {killed}, {self.fault.name}, listings {self.lag_min} min behind"

    @property
    def seed(self) -> int:
        return zlib.crc32(str(self).encode())


@dataclass
class Verdict:
    """`killed_at` is where, None when the path ended before the point; it had so many `suspensions` then."""

    case: Case
    killed_at: str | None = None
    suspensions: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def row(self) -> str:
        if isinstance(self.case.point, str):
            return self.case.point
        return self.killed_at or "not killed"


async def judge(case: Case, rig: BrokerRig) -> Verdict:
    """Runs the case's lives one after the other on one records file, and looks for what must not be after each."""
    account = rig.free[case.fault.name].popleft()
    folder = rig.folder / account.number
    folder.mkdir()
    shutil.copy(rig.folder / "template.sqlite3", folder / "records.sqlite3")
    _arm(case, rig, account.number)
    verdict = Verdict(case)
    lives = _Lives(case, rig, account, folder, verdict)
    try:
        await lives.run()
    except AssertionError as failure:
        verdict.wrong.append(str(failure))
    rig.retire(account.number)
    if not verdict.wrong:
        shutil.rmtree(folder)
    return verdict


def _arm(case: Case, rig: BrokerRig, account: str) -> None:
    fault = case.fault.armed(account)
    if fault is not None:
        rig.arm(fault)
    if case.lag_min:
        lag, match = FaultKind.ORDERS_LISTING_LAG, FaultMatch(account=account)
        rig.arm(Fault(lag, count=None, seconds=case.lag_min * MINUTE_S, match=match))
    rig.fill(account, FillPlan.IMMEDIATE if case.seed % 2 else FillPlan.NEVER)


class _Lives:
    def __init__(self, case: Case, rig: BrokerRig, account: Account, folder: Path, verdict: Verdict) -> None:
        self._case = case
        self._rig = rig
        self._account = account
        self._folder = folder
        self._verdict = verdict
        self._before: Found | None = None
        self._count = 0

    async def run(self) -> None:
        case = self._case
        suspension = case.point if isinstance(case.point, int) else None
        named = case.point if isinstance(case.point, str) else None
        if case.path == "entry":
            life = self._life(enters=True, suspension=suspension, named=named)
            found = await self._live(life)
            self._note_kill(life)
        else:
            await self._live(self._life(enters=True, named=ANSWER_IN_HAND))
            life = self._life(enters=False, suspension=suspension, named=named, in_reconciling=True)
            found = await self._live(life)
            self._note_kill(life)
        unsent = never_sent(tuple(found.histories.values()))
        second = self._life(enters=True)
        found = await self._live(second)
        if self._under_way(found):
            await asyncio.sleep(LATE_S)
            found = await self._rig.found(self._account.number, self._folder)
        if unsent and told(second).entered == "entry_today":
            self._verdict.wrong.append("nothing had been sent, and yet the day was held")
        if unfinished(found):
            # Whatever is still under way at the broker, or missing from its listings, is in sight after this.
            await asyncio.sleep(case.lag_min * MINUTE_S + LATE_S)
            found = await self._live(self._life(enters=True))
        self._verdict.wrong += unfinished(found)

    def _under_way(self, found: Found) -> bool:
        """Whether an order that arrived is still to be accepted: the late one."""
        return self._case.fault.kind is FaultKind.REST_DELAY_BEFORE and found.posts > len(found.orders)

    def _life(self, **more: object) -> Life:
        self._count += 1
        clock, account = self._rig.clock, self._account
        life = Life(
            folder=self._folder,
            name=f"life-{self._count}",
            url=self._rig.url,
            account=account,
            now=clock.now(),
            at=clock.monotonic(),
            seed=self._case.seed + self._count,
            preflight=self._case.fault.preflight,
            enters=False,
            settles_s=SETTLES_S,
        )
        return replace(life, **more)  # type: ignore[arg-type]

    async def _live(self, life: Life) -> Found:
        killed = await run(life)
        if not killed:
            said = told(life)
            if said.failure:
                self._verdict.wrong.append(f"{life.name} failed: {said.failure}")
            elif said.entered.startswith(("barred", "no alerts")):
                self._verdict.wrong.append(f"{life.name} {said.entered}")
        found = await self._rig.found(self._account.number, self._folder)
        self._verdict.wrong += violations(found, self._before)
        self._before = found
        return found

    def _note_kill(self, life: Life) -> None:
        if life.place.exists():
            self._verdict.killed_at = life.place.read_text(encoding="utf-8")
        else:
            self._verdict.suspensions = told(life).suspensions
