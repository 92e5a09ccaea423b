"""The cases of the proof, and how one is run. A case is a path, a crash point, a broker fault and a listing lag."""

from __future__ import annotations

import asyncio
import shutil
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from core.simulator.exchange.faults import Fault, FaultKind, FaultMatch
from core.simulator.exchange.lifecycle import FillPlan
from tests.proofs.kill import shared_market
from tests.proofs.kill.broker import ProofBroker, run_in_child
from tests.proofs.kill.broker_faults import LATE_S, MINUTE_S, BrokerFault
from tests.proofs.kill.crash_points import ANSWER_IN_HAND
from tests.proofs.kill.engine_run import Account, EngineRun, read_report
from tests.proofs.kill.rules import Found, never_sent, unfinished, violations
from tests.proofs.truth.life import lies_after_life, lies_of_life
from tests.proofs.truth.values import Facts

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
    """The outcome of a case. `killed_at` is the place of the kill, None when the path ended before it; `suspensions`
    counts those of a path that ended; `wrong` has a sentence for each violation."""

    case: Case
    killed_at: str | None = None
    suspensions: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def row(self) -> str:
        if isinstance(self.case.point, str):
            return self.case.point
        return self.killed_at or "not killed"


async def run_case(case: Case, broker: ProofBroker) -> Verdict:
    """Runs the engine several times on one records file, and checks the rules after each run."""
    account = broker.free[case.fault.name].popleft()
    folder = broker.folder / account.number
    folder.mkdir()
    shutil.copy(broker.folder / "template.sqlite3", folder / "records.sqlite3")
    _arm(case, broker, account.number)
    verdict = Verdict(case)
    runs = _CaseRuns(case, broker, account, folder, verdict)
    try:
        await runs.run()
    except AssertionError as failure:
        verdict.wrong.append(str(failure))
    broker.cancel_rest(account.number)
    if not verdict.wrong:
        shutil.rmtree(folder)
    return verdict


def _arm(case: Case, broker: ProofBroker, account: str) -> None:
    fault = case.fault.armed(account)
    if fault is not None:
        broker.arm(fault)
    if case.lag_min:
        lag, match = FaultKind.ORDERS_LISTING_LAG, FaultMatch(account=account)
        broker.arm(Fault(lag, count=None, seconds=case.lag_min * MINUTE_S, match=match))
    broker.fill(account, FillPlan.IMMEDIATE if case.seed % 2 else FillPlan.NEVER)


class _CaseRuns:
    """The runs of the engine that make up one case."""

    def __init__(self, case: Case, broker: ProofBroker, account: Account, folder: Path, verdict: Verdict) -> None:
        self._case = case
        self._broker = broker
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
            run = self._next_run(enters=True, suspension=suspension, named=named)
            found = await self._run(run)
            self._note_kill(run)
        else:
            await self._run(self._next_run(enters=True, named=ANSWER_IN_HAND))
            run = self._next_run(enters=False, suspension=suspension, named=named, in_reconciling=True)
            found = await self._run(run)
            self._note_kill(run)
        unsent = never_sent(tuple(found.histories.values()))
        second = self._next_run(enters=True)
        found = await self._run(second)
        if self._under_way(found):
            await asyncio.sleep(LATE_S)
            found = await self._broker.found(self._account.number, self._folder)
        if unsent and read_report(second).entered == "entry_today":
            self._verdict.wrong.append("nothing had been sent, and yet the day was held")
        if unfinished(found):
            # After this wait the broker has accepted every order, and its listings show all of them.
            await asyncio.sleep(case.lag_min * MINUTE_S + LATE_S)
            found = await self._run(self._next_run(enters=True))
        self._verdict.wrong += unfinished(found)

    def _under_way(self, found: Found) -> bool:
        """Whether an order has arrived that the broker accepts only later."""
        return self._case.fault.kind is FaultKind.REST_DELAY_BEFORE and found.posts > len(found.orders)

    def _next_run(self, **more: object) -> EngineRun:
        self._count += 1
        clock, account = self._broker.clock, self._account
        run = EngineRun(
            folder=self._folder,
            name=f"run-{self._count}",
            url=self._broker.url,
            account=account,
            now=clock.now(),
            at=clock.monotonic(),
            seed=self._case.seed + self._count,
            preflight=self._case.fault.preflight,
            enters=False,
            settles_s=SETTLES_S,
        )
        return replace(run, **more)  # type: ignore[arg-type]

    async def _run(self, run: EngineRun) -> Found:
        killed = await run_in_child(run)
        if not killed:
            said = read_report(run)
            if said.failure:
                self._verdict.wrong.append(f"{run.name} failed: {said.failure}")
            elif said.entered.startswith(("barred", "no alerts")):
                self._verdict.wrong.append(f"{run.name} {said.entered}")
        found = await self._broker.found(self._account.number, self._folder)
        self._verdict.wrong += violations(found, self._before)
        self._verdict.wrong += await asyncio.to_thread(_lies, run)
        self._before = found
        return found

    def _note_kill(self, run: EngineRun) -> None:
        if run.place.exists():
            self._verdict.killed_at = run.place.read_text(encoding="utf-8")
        else:
            self._verdict.suspensions = read_report(run).suspensions


def _lies(run: EngineRun) -> list[str]:
    """What the run told wrongly, and what is told wrongly after it (rules 13.8)."""
    session = shared_market.calendar().today(run.now)
    facts = Facts(run.now, None if session is None else session.open, None if session is None else session.close)
    told = lies_of_life(run.told_file) + lies_after_life(run.records_file, facts)
    return [f"{run.name} {lie}" for lie in told]
