"""Runs the real engine once in a process of its own: start, one entry, settlement, orderly end.

A kill switch may end the process early, at a chosen suspension or named point.
"""

from __future__ import annotations

import asyncio
import json
import os
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Literal

from core.broker.port import StreamState
from core.broker.tastytrade import Login, TastytradeBroker
from core.broker.tastytrade.timings import Timings
from core.config.settings import Settings, TradingSettings
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.reasons import Reason, Refusal
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry
from core.domain.orders.settling import SettleTimes
from core.domain.positions.tridents import ExitMode
from core.engine.engine import Engine
from core.engine.parts import EngineParts
from core.records.records import Records
from core.runtime.clock import ShiftedClock
from core.runtime.ids import SeededIds
from core.runtime.intervals import Intervals
from core.snapshot import Mode
from tests.proofs.kill import shared_market
from tests.proofs.kill.acts import adopt, cancel_late
from tests.proofs.kill.broker_faults import ANSWER_S, MINUTE_S
from tests.proofs.kill.crash_points import place_named_points
from tests.proofs.kill.decision import decide
from tests.proofs.kill.kill_at import KillSwitch
from tests.proofs.truth.life import keep_told

Watched = Literal["entry", "reconcile", "late cancel", "adopt"]
CLEAN_WITHIN_S = 20.0
TURN_S = 0.02
SETTLE = SettleTimes(settle_s=2 * MINUTE_S, between_reads_s=MINUTE_S / 2, hidden_s=45 * MINUTE_S)
INTERVALS = Intervals(
    orders_s=60, settlement_s=3600, health_s=3600, broker_s=3600, commands_s=60, locks_s=60, snapshot_s=60.0
)


@dataclass(frozen=True)
class Account:
    """One broker account, with a login that reaches only this account."""

    number: str
    login: str
    secret: str
    refresh: str


@dataclass(frozen=True)
class EngineRun:
    """The task of one process. `now` is the market time at the monotonic second `at`. `suspension` or `named` says
    where the process is killed, in the work that is `watched`: while it enters, reconciles the records with the broker,
    cancels late, or adopts the order `adopts`.
    """

    folder: Path
    name: str
    url: str
    account: Account
    now: datetime
    at: float
    seed: int
    preflight: bool
    enters: bool
    settles_s: float
    suspension: int | None = None
    named: str | None = None
    watched: Watched = "entry"
    adopts: str = ""

    @property
    def place(self) -> Path:
        """The file the process writes just before it is killed: where it was."""
        return self.folder / f"{self.name}.killed"

    @property
    def records_file(self) -> Path:
        return self.folder / "records.sqlite3"

    @property
    def told_file(self) -> Path:
        """The file in which a process that was not killed keeps what its console showed at its end."""
        return self.folder / f"{self.name}.told"

    @property
    def report_file(self) -> Path:
        """The file a process that was not killed writes at its end."""
        return self.folder / f"{self.name}.report"


@dataclass(frozen=True)
class Report:
    """What a process that was not killed reports: how many suspensions it passed, what the desk answered, and the
    traceback if it failed."""

    suspensions: int
    entered: str
    failure: str


def read_report(run: EngineRun) -> Report:
    return Report(**json.loads(run.report_file.read_text(encoding="utf-8")))


def run_engine(run: EngineRun) -> None:
    """The whole work of the child process; never returns."""
    switch = KillSwitch(run.place, run.suspension, run.named)
    entered = failure = ""
    try:
        entered = asyncio.run(_run(run, switch))
    except BaseException:
        failure = traceback.format_exc()
    run.report_file.write_text(json.dumps(vars(Report(switch.counted, entered, failure))), encoding="utf-8")
    os._exit(0)  # nothing is left to put in order, and the interpreter's own end takes longer than the run


async def _run(run: EngineRun, switch: KillSwitch) -> str:
    engine = await _engine(run)
    switch.install()
    place_named_points(switch, engine)
    # The decision is made by the test, so the engine needs no quotes, chains or candles.
    setattr(engine.feed, "run", asyncio.Event().wait)  # noqa: B010 - methods of this one instance
    setattr(engine.study, "prepare", _nothing_to_prepare)  # noqa: B010
    desk = engine.desk
    enter, settle = desk.enter, engine.settlement.check
    if run.watched == "reconcile":
        reconciler = engine.reconciliation.reconciler
        setattr(engine.tracker, "recover", switch.watching(engine.tracker.recover))  # noqa: B010 - of this instance
        setattr(reconciler, "reconcile", switch.watching(reconciler.reconcile))  # noqa: B010
        settle = switch.watching(settle)
    elif run.watched == "entry":
        enter = switch.watching(enter)
    running = asyncio.create_task(engine.run(scheduled=False), name="engine")
    await _until_ready(engine, running)
    if run.adopts:
        await engine.gate.until_reconciled(CLEAN_WITHIN_S)
        await switch.watching(adopt)(engine, run.adopts)
    entered = await _until_clean(engine, run)
    if run.watched == "late cancel":
        await switch.watching(cancel_late)(engine)
    if run.enters and not entered:
        entered = await _try_to_enter(engine, run, enter)
    until = monotonic() + run.settles_s
    if await _unsettled(engine):
        await asyncio.sleep(SETTLE.settle_s)
    while monotonic() < until and await _unsettled(engine):
        await settle()
        await asyncio.sleep(SETTLE.between_reads_s)
    if entered in (Reason.ENTRY_TODAY.code, Reason.OUTCOME_UNKNOWN.code):
        # Settlement must not have allowed a second entry of the day.
        await _try_to_enter(engine, run, desk.enter)
    await engine.polls.poll()
    await keep_told(engine, run.records_file, run.told_file)
    engine.stop()
    await running
    return entered


async def _try_to_enter(engine: Engine, run: EngineRun, enter: Callable[..., Awaitable[object]]) -> str:
    """Returns what the desk answered: the code of a refusal's reason, or the state of the entry."""
    decision, attempts = await decide(
        engine, shared_market.market(), shared_market.chain(), run.account.number, run.account.login
    )
    answer = await enter(decision, attempts)
    if isinstance(answer, Refusal):
        return answer.reason.code
    assert isinstance(answer, Entry)
    return answer.state.value


async def _engine(run: EngineRun) -> Engine:
    clock, ids = ShiftedClock(run.now + timedelta(seconds=monotonic() - run.at)), SeededIds(run.seed)
    login = Login(run.account.login, run.account.secret, run.account.refresh)
    broker = TastytradeBroker(login, clock, ids, base_url=run.url, timings=Timings(order=ANSWER_S))
    return Engine(
        EngineParts(
            mode=Mode.DEMO,
            settings=Settings(trading=TradingSettings(underlyings=("QQQ",), stabilization_seconds=0.0)),
            clock=clock,
            ids=ids,
            calendar=shared_market.calendar(),
            broker=broker,
            market_data=broker.market_data,
            alerts=broker.alerts,
            records=await Records.open(f"sqlite+aiosqlite:///{run.records_file}"),
            sends=True,
            preflight=run.preflight,
            enable_new_accounts=True,
            kill_file=run.folder / "HALT",
            stops_folder=run.folder / "stops",
            intervals=INTERVALS,
            settle=SETTLE,
            exits=ExitMode.OFF,
        )
    )


async def _nothing_to_prepare(*_: object) -> tuple[Refusal, ...]:
    return ()


async def _until_ready(engine: Engine, running: asyncio.Task[None]) -> None:
    ready = asyncio.create_task(engine.ready.wait())
    await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    if running.done():
        await running


async def _until_clean(engine: Engine, run: EngineRun) -> str:
    """Waits until the account may enter and the alerts are connected; returns why not when that takes too long, or when
    waiting would not change it."""
    until = monotonic() + CLEAN_WITHIN_S
    barred: Refusal | None = None
    while monotonic() < until:
        barred = engine.gate.account_refusal(run.account.number, run.account.login)
        if engine.tracker.alerts.state is StreamState.CONNECTED and (
            barred is None or await _stays_barred(engine, run.account.number)
        ):
            break
        await asyncio.sleep(TURN_S / 2)
    if barred is not None:
        return f"barred: {barred.sentence()}"
    return "" if engine.tracker.alerts.state is StreamState.CONNECTED else "no alerts"


async def _stays_barred(engine: Engine, account: str) -> bool:
    """Whether the account is barred, after it was compared with the broker, by what only an operator ends, or by an
    entry of an earlier day that the broker still has open."""
    if engine.gate.not_reconciled(account):
        return False
    kinds = {breaker.kind for breaker in engine.breakers.open_now if breaker.subject == account}
    if any(not kind.resets_itself for kind in kinds):
        return True
    return BreakerKind.EARLIER_ENTRY in kinds and bool(await engine.parts.records.entries.open())


async def _unsettled(engine: Engine) -> bool:
    open_now = await engine.parts.records.entries.open()
    return any(e.state in (OrderState.UNKNOWN, OrderState.SENT) for e in open_now)
