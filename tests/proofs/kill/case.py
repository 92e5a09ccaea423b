"""The cases of the proof, and how one is run. A case is a path, a crash point, a broker fault and a listing lag."""

from __future__ import annotations

import asyncio
import shutil
import zlib
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from core.simulator.exchange.faults import Fault, FaultKind, FaultMatch
from core.simulator.exchange.lifecycle import FillPlan
from tests.proofs.kill import shared_market
from tests.proofs.kill.after_life import checkers, lies_in, read_found
from tests.proofs.kill.broker import ProofBroker, run_in_child
from tests.proofs.kill.broker_faults import LATE_S, MINUTE_S, BrokerFault
from tests.proofs.kill.crash_points import ANSWER_IN_HAND
from tests.proofs.kill.engine_run import Account, EngineRun, Watched, read_report
from tests.proofs.kill.rules import Found, never_sent, unfinished, violations

PathName = Watched
SETTLES_S = 2.5
NEXT_SESSION = timedelta(days=1)


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
    works = case.path == "late cancel" or case.seed % 2 == 0
    broker.fill(account, FillPlan.NEVER if works else FillPlan.IMMEDIATE)


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
        self._lost = False

    async def run(self) -> None:
        case = self._case
        suspension = case.point if isinstance(case.point, int) else None
        named = case.point if isinstance(case.point, str) else None
        killed_at = {"suspension": suspension, "named": named, "watched": case.path}
        match case.path:
            case "entry":
                run = self._next_run(enters=True, **killed_at)
            case "reconcile":
                await self._run(self._next_run(enters=True, named=ANSWER_IN_HAND))
                run = self._next_run(enters=False, **killed_at)
            case "late cancel":
                await self._run(self._next_run(enters=True))
                run = self._next_run(enters=False, **killed_at)
            case "adopt":
                await self._run(self._next_run(enters=True))
                self._lose_records()
                run = self._next_run(enters=False, adopts=self._order(), **killed_at)
        found = await self._run(run)
        self._note_kill(run)
        if run.adopts and run.place.exists():  # the operator says it again
            found = await self._run(self._next_run(enters=False, watched="adopt", adopts=self._order()))
        unsent = never_sent(found) and not self._lost
        second = self._next_run(enters=True)
        found = await self._run(second)
        if self._under_way(found):
            await asyncio.sleep(LATE_S)
            found = await self._found()
        if unsent and read_report(second).entered == "entry_today":
            self._verdict.wrong.append("nothing had been sent, and yet the day was held")
        if unfinished(found):
            # After this wait the broker has accepted every order, and its listings show all of them.
            await asyncio.sleep(case.lag_min * MINUTE_S + LATE_S)
            found = await self._run(self._next_run(enters=True))
        self._verdict.wrong += unfinished(found)
        await self._run(self._next_run(enters=False, now=self._broker.clock.now() + NEXT_SESSION))

    def _lose_records(self) -> None:
        """The records file is gone, and a new one is in its place."""
        for file in self._folder.glob("records.sqlite3*"):
            file.unlink()
        shutil.copy(self._broker.folder / "template.sqlite3", self._folder / "records.sqlite3")
        self._before, self._lost = None, True

    def _order(self) -> str:
        """The id of the account's order at the broker; empty when it has none that trades."""
        alive = [o for o in self._broker.orders(self._account.number) if not o.terminal or o.status == "Filled"]
        return str(alive[0].id) if alive else ""

    async def _found(self) -> Found:
        return await self._beside_the_broker(checkers().submit(read_found, self._folder))

    async def _beside_the_broker(self, read: Future[Found]) -> Found:
        """What the records hold, and what the broker has now."""
        orders, posts = self._broker.orders(self._account.number), self._broker.posts[self._account.number]
        found = await asyncio.wrap_future(read)
        return replace(found, orders=orders, posts=posts, contradicts=self._case.fault.contradicts, lost=self._lost)

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
            elif said.entered.startswith("no alerts") or (said.entered.startswith("barred") and not self._may_bar(run)):
                self._verdict.wrong.append(f"{run.name} {said.entered}")
        told = checkers().submit(lies_in, run)
        found = await self._found()
        self._verdict.wrong += violations(found, self._before)
        self._verdict.wrong += await asyncio.wrap_future(told)
        self._before = found
        return found

    def _may_bar(self, run: EngineRun) -> bool:
        """Whether the account may be barred: by an incident, or on the next session by what is left of this one."""
        return self._case.fault.contradicts or run.now.date() > shared_market.START.date()

    def _note_kill(self, run: EngineRun) -> None:
        if run.place.exists():
            self._verdict.killed_at = run.place.read_text(encoding="utf-8")
        else:
            self._verdict.suspensions = read_report(run).suspensions
