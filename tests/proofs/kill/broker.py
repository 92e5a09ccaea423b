"""The simulated broker of the proof. It runs on the test's own loop, so the test reads its orders directly."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from core.records.records import Records
from core.runtime.clock import ShiftedClock
from core.simulator.exchange.accounts import AccountSetup
from core.simulator.exchange.armed_faults import ArmedFault
from core.simulator.exchange.faults import Fault, FaultKind
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.orders import OrderRefused, SimOrder
from core.simulator.wire.server import Simulator
from core.simulator.wire.settings import Login, SimulatorSettings
from tests.proofs.kill.broker_faults import BrokerFault
from tests.proofs.kill.engine_run import Account, EngineRun, run_engine
from tests.proofs.kill.forks import CHILDREN
from tests.proofs.kill.shared_market import SEED, START

RUN_WITHIN_S = 60.0


@dataclass
class ProofBroker:
    """A running broker. `free` has the accounts no case has used yet, by the name of the fault they are for; `posts`
    counts the orders that arrived for each account."""

    simulator: Simulator
    clock: ShiftedClock
    url: str
    folder: Path
    free: dict[str, deque[Account]]
    posts: Counter[str]

    def arm(self, fault: Fault) -> None:
        self.simulator.faults.arm(fault, self.clock.now(), self.clock.monotonic())

    def orders(self, account: str) -> tuple[SimOrder, ...]:
        self.simulator.advance()
        return tuple(self.simulator.exchange.orders(account))

    def fill(self, account: str, plan: FillPlan) -> None:
        self.simulator.exchange.set_fill_plan(account, plan.value)

    def cancel_rest(self, account: str) -> None:
        """Cancels the account's working orders, so that the exchange spends no time on them."""
        for order in self.orders(account):
            try:
                self.simulator.exchange.cancel(account, order.id, self.clock.now())
            except OrderRefused:  # it ended by itself
                continue


@asynccontextmanager
async def proof_broker(folder: Path, faults: Sequence[BrokerFault], accounts_each: int) -> AsyncIterator[ProofBroker]:
    """A running broker with `accounts_each` accounts for each fault."""
    await (await Records.open(f"sqlite+aiosqlite:///{folder / 'template.sqlite3'}")).close()
    free: dict[str, deque[Account]] = {fault.name: deque() for fault in faults}
    setups, logins = [], []
    for number in range(len(faults) * accounts_each):
        fault = faults[number % len(faults)]
        account = Account(f"5WT{number:05d}", f"login-{number}", f"secret-{number}", f"refresh-{number}")
        free[fault.name].append(account)
        logins.append(Login(account.secret, account.refresh, account.login))
        setups.append(AccountSetup(account.number, "Kill", account.login, fault.cash))
    clock = ShiftedClock(START)
    simulator = Simulator(SimulatorSettings(seed=SEED, logins=tuple(logins), accounts=tuple(setups)), clock)
    posts = _count_posts(simulator)
    port = await simulator.start()
    try:
        yield ProofBroker(simulator, clock, f"http://127.0.0.1:{port}", folder, free, posts)
    finally:
        await simulator.stop()


def _count_posts(simulator: Simulator) -> Counter[str]:
    """Counts every order that arrives, also one that is lost then: each request first looks up its delay among the
    faults."""
    posts: Counter[str] = Counter()
    take = simulator.faults.take

    def counting(kind: FaultKind, monotonic: float, **at: Any) -> ArmedFault | None:
        path = str(at.get("path", ""))
        if kind is FaultKind.REST_DELAY_BEFORE and at.get("method") == "POST" and path.endswith("/orders"):
            posts[path.split("/")[2]] += 1
        return take(kind, monotonic, **at)

    setattr(simulator.faults, "take", counting)  # noqa: B010 - a method of this one instance
    return posts


async def run_in_child(run: EngineRun) -> bool:
    """Runs the engine in a child process; True when it was killed. Raises AssertionError when it does not end in time
    or ends with another exit code."""
    child: BaseProcess = CHILDREN.Process(target=run_engine, args=(run,), daemon=True)
    child.start()
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(child.sentinel, ended.set)
    try:
        async with asyncio.timeout(RUN_WITHIN_S):
            await ended.wait()
    except TimeoutError:
        child.kill()
        raise AssertionError(f"{run.folder} {run.name} still runs after {RUN_WITHIN_S:g} s") from None
    finally:
        loop.remove_reader(child.sentinel)
        child.join()
    killed = run.place.exists()
    assert child.exitcode == (-9 if killed else 0), f"{run.folder} {run.name} ended with {child.exitcode}"
    return killed
