"""One life of the engine in a process of its own, perhaps cut short: real start, one entry, settling, orderly end."""

from __future__ import annotations

import asyncio
import json
import os
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic

from core.broker.port import StreamState
from core.broker.tastytrade import Login, TastytradeBroker
from core.broker.tastytrade.timings import Timings
from core.config.settings import Settings, TradingSettings
from core.domain.operation.reasons import Reason, Refusal
from core.domain.orders.order_states import EntryState
from core.domain.orders.orders import Entry
from core.engine.engine import Engine
from core.engine.parts import EngineParts
from core.orders.desk import OrderDesk
from core.orders.settlement import SettleTimes
from core.records.records import Records
from core.runtime.clock import ShiftedClock
from core.runtime.ids import SeededIds
from core.runtime.intervals import Intervals
from core.snapshot import Mode
from tests.proofs.kill import warm
from tests.proofs.kill.broker_faults import ANSWER_S, MINUTE_S
from tests.proofs.kill.crash_points import place_named_points
from tests.proofs.kill.decision import decide
from tests.proofs.kill.kill_at import KillSwitch

CLEAN_WITHIN_S = 20.0
TURN_S = 0.02
SETTLE = SettleTimes(settle_s=2 * MINUTE_S, between_reads_s=MINUTE_S / 2)
INTERVALS = Intervals(
    orders_s=60, settlement_s=3600, health_s=3600, broker_s=3600, commands_s=60, locks_s=60, snapshot_s=60.0
)


@dataclass(frozen=True)
class Account:
    """An account, alone in its login."""

    number: str
    login: str
    secret: str
    refresh: str


@dataclass(frozen=True)
class Life:
    """`now` is market time at the monotonic second `at`. `suspension` or `named` says where it ends early: in the
    entry, or with `in_reconciling` on the way from the records to what the broker shows."""

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
    in_reconciling: bool = False

    @property
    def place(self) -> Path:
        return self.folder / f"{self.name}.killed"

    @property
    def told(self) -> Path:
        return self.folder / f"{self.name}.told"


@dataclass(frozen=True)
class Told:
    """What a life that came to its end says: how many suspensions it passed, what the desk answered, what failed."""

    suspensions: int
    entered: str
    failure: str


def told(life: Life) -> Told:
    return Told(**json.loads(life.told.read_text(encoding="utf-8")))


def live(life: Life) -> None:
    """The child's whole work."""
    switch = KillSwitch(life.place, life.suspension, life.named)
    entered = failure = ""
    try:
        entered = asyncio.run(_live(life, switch))
    except BaseException:
        failure = traceback.format_exc()
    life.told.write_text(json.dumps(vars(Told(switch.counted, entered, failure))), encoding="utf-8")
    os._exit(0)  # nothing is left to put in order, and the interpreter's own end takes longer than the life


async def _live(life: Life, switch: KillSwitch) -> str:
    engine = await _engine(life)
    switch.install()
    place_named_points(switch, engine)
    # The decision is handed in: no quotes, no chains, no candles are needed.
    setattr(engine.feed, "run", asyncio.Event().wait)  # noqa: B010 - methods of this one instance
    setattr(engine.study, "prepare", _nothing_to_prepare)  # noqa: B010
    desk: OrderDesk = engine.runner.parts.desk
    enter, settle = desk.enter, engine.settlement.check
    if life.in_reconciling:
        reconciler = engine.reconciliation.reconciler
        setattr(engine.watch, "recover", switch.watching(engine.watch.recover))  # noqa: B010 - of this instance
        setattr(reconciler, "reconcile", switch.watching(reconciler.reconcile))  # noqa: B010
        settle = switch.watching(settle)
    else:
        enter = switch.watching(enter)
    running = asyncio.create_task(engine.run(scheduled=False), name="engine")
    await _until_ready(engine, running)
    entered = await _until_clean(engine, life)
    if life.enters and not entered:
        entered = await _try_to_enter(engine, life, enter)
    until = monotonic() + life.settles_s
    if await _unsettled(engine):
        await asyncio.sleep(SETTLE.settle_s)
    while monotonic() < until and await _unsettled(engine):
        await settle()
        await asyncio.sleep(SETTLE.between_reads_s)
    if entered in (Reason.ENTRY_TODAY.code, Reason.OUTCOME_UNKNOWN.code):
        # What was settled meanwhile must not have freed the day.
        await _try_to_enter(engine, life, desk.enter)
    await engine.watch.poll()
    engine.stop()
    await running
    return entered


async def _try_to_enter(engine: Engine, life: Life, enter: Callable[..., Awaitable[object]]) -> str:
    """What the desk answered: a reason's code, or the state of the entry."""
    decision, attempts = await decide(engine, warm.market(), warm.chain(), life.account.number, life.account.login)
    answer = await enter(decision, attempts)
    if isinstance(answer, Refusal):
        return answer.reason.code
    assert isinstance(answer, Entry)
    return answer.state.value


async def _engine(life: Life) -> Engine:
    clock, ids = ShiftedClock(life.now), SeededIds(life.seed)
    clock._origin = life.at
    login = Login(life.account.login, life.account.secret, life.account.refresh)
    broker = TastytradeBroker(login, clock, ids, base_url=life.url, timings=Timings(connect=5.0, answer=ANSWER_S))
    return Engine(
        EngineParts(
            mode=Mode.DEMO,
            settings=Settings(trading=TradingSettings(underlyings=("QQQ",), stabilization_seconds=0.0)),
            clock=clock,
            ids=ids,
            calendar=warm.calendar(),
            broker=broker,
            market_data=broker.market_data,
            alerts=broker.alerts,
            records=await Records.open(f"sqlite+aiosqlite:///{life.folder / 'records.sqlite3'}"),
            sends=True,
            preflight=life.preflight,
            enable_new_accounts=True,
            kill_file=life.folder / "HALT",
            intervals=INTERVALS,
            settle=SETTLE,
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


async def _until_clean(engine: Engine, life: Life) -> str:
    """Waits until reconciled with the alerts connected; what bars the account all the same, or nothing."""
    until = monotonic() + CLEAN_WITHIN_S
    barred: Refusal | None = None
    while monotonic() < until:
        barred = engine.gate.account_refusal(life.account.number, life.account.login)
        if barred is None and engine.watch.alerts.state is StreamState.CONNECTED:
            return ""
        await asyncio.sleep(TURN_S / 4)
    return "no alerts" if barred is None else f"barred: {barred.sentence()}"


async def _unsettled(engine: Engine) -> bool:
    open_now = await engine.parts.records.entries.open()
    return any(e.state in (EntryState.UNKNOWN, EntryState.SENT) for e in open_now)
