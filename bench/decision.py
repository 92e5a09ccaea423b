"""Measures the time from the engine's decision to the order's arrival at the broker, against its floor.

Each sample is a forced cycle of the whole engine over HTTP, for an account of its own. After each, the bare SDK places
the same order for another account, behind what rules 9 ask for before an order may be sent: the durable commits of the
suggestion, of the intent and of the sending, and the last reads at the broker. That is the floor.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from tastytrade import Account, Session
from tastytrade.market_sessions import ExchangeType, get_market_sessions
from tastytrade.order import InstrumentType, Leg, LimitOrder, OrderAction, OrderTimeInForce

from bench.figure import Figure, percentile
from bench.sdk import REFRESH, SECRET, bare_session
from bench.server_child import ServerChild
from bench.simulator import BARE, OURS, START
from core.broker.tastytrade import Login, TastytradeBroker
from core.config.loader import Settings
from core.config.settings import TradingSettings
from core.cycle.account_cycle import AccountResult
from core.domain.operation.reasons import Refusal
from core.domain.orders.orders import OrderRequest
from core.domain.positions.tridents import ExitMode
from core.engine.engine import Engine
from core.engine.parts import EngineParts
from core.market.calendar import SessionCalendar
from core.records.records import Records
from core.runtime.clock import ShiftedClock, exchange_time
from core.runtime.ids import RandomIds
from core.snapshot import Mode

TIMEOUT_S = 20.0
PERCENTILES = (0.5, 0.99)
COMMITS = 3
FLOOR_AIM = 3.0
AIM_MS = 20.0


@dataclass(frozen=True, slots=True)
class Bare:
    """The seconds of `place_order` alone, and of the floor it is a part of."""

    place_s: float
    floor_s: float


def measure() -> list[Figure]:
    with ServerChild("bench.simulator") as simulator, tempfile.TemporaryDirectory() as folder:
        decided, placed = asyncio.run(_samples(simulator.port, Path(folder)))
        arrived: dict[str, float] = {}
        while len(arrived) < len(decided) + len(placed):
            account, second = simulator.output.readline().split()
            arrived[account] = float(second)
    ours = [arrived[account] - second for account, second in decided.items()]
    figures = []
    for share in PERCENTILES:
        our_s = percentile(ours, share)
        floor_s = percentile([bare.floor_s for bare in placed.values()], share)
        place_s = percentile([bare.place_s for bare in placed.values()], share)
        ratio = our_s / floor_s
        met = ratio <= FLOOR_AIM and (share != PERCENTILES[0] or our_s * 1000 <= AIM_MS)
        figures.append(
            Figure(
                f"decision to order at the broker, p{round(share * 100)} of {len(ours)}",
                f"{our_s * 1000:.1f} ms",
                f"floor {floor_s * 1000:.1f} ms, of it place_order {place_s * 1000:.1f} ms",
                ratio,
                f"<= {FLOOR_AIM:g} floors" + (f", {AIM_MS:g} ms" if share == PERCENTILES[0] else ""),
                met,
            )
        )
    return figures


async def _samples(port: int, folder: Path) -> tuple[dict[str, float], dict[str, Bare]]:
    """The monotonic second of the decision for each of OURS, and the bare way for each of BARE."""
    engine = await engine_at(port, folder)
    running = asyncio.create_task(engine.run(scheduled=False))
    decided: dict[str, float] = {}
    placed: dict[str, Bare] = {}
    file = sqlite3.connect(folder / "bare.sqlite3", isolation_level=None, check_same_thread=False)
    file.execute("PRAGMA journal_mode = WAL")
    file.execute("PRAGMA synchronous = FULL")
    file.execute("CREATE TABLE rows (words TEXT)")
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await engine.ready.wait()
            while not engine.feed.is_live(engine.parts.clock.monotonic()):  # noqa: ASYNC110 - no event says so
                await asyncio.sleep(0.1)
            await engine.gate.until_reconciled(TIMEOUT_S)
        async with bare_session(port) as session:
            await session.refresh()
            for ours, bare in zip(OURS, BARE, strict=True):
                result = await _cycle(engine, ours)
                if result.suggestion is None or result.entry is None:
                    raise RuntimeError(f"no order: {result.refusal.sentence() if result.refusal else result.outcome}")
                decided[ours] = result.suggestion.decided
                placed[bare] = await _place(session, file, bare, result.entry.request)
    finally:
        engine.stop()
        await running
        file.close()
    return decided, placed


async def engine_at(port: int, folder: Path, *, stabilization_s: float = 0.0, preflight: bool = False) -> Engine:
    """The demo's engine on the broker at this port. Quotes settle for `stabilization_s`; any score is enough."""
    url = f"http://127.0.0.1:{port}"
    login, ids = Login("bench", SECRET, REFRESH), RandomIds()
    server = await TastytradeBroker(login, ShiftedClock(START), ids, base_url=url).server_clock()
    if server is None:
        raise RuntimeError("the simulator does not tell its time")
    clock = ShiftedClock(*server)
    broker = TastytradeBroker(login, clock, ids, base_url=url)
    return Engine(
        EngineParts(
            mode=Mode.DEMO,
            settings=Settings(trading=TradingSettings(stabilization_seconds=stabilization_s, minimum_score=Decimal(0))),
            clock=clock,
            ids=ids,
            calendar=await asyncio.to_thread(SessionCalendar, clock.now()),
            broker=broker,
            market_data=broker.market_data,
            alerts=broker.alerts,
            records=await Records.open(f"sqlite+aiosqlite:///{folder / 'records.sqlite3'}"),
            sends=True,
            preflight=preflight,
            enable_new_accounts=False,
            kill_file=folder / "HALT",
            stops_folder=folder / "stops",
            exits=ExitMode.OFF,
        )
    )


async def _cycle(engine: Engine, account: str) -> AccountResult:
    """The result of one forced cycle for this account alone. Raises RuntimeError when the engine refuses it."""
    parts = engine.parts
    await parts.records.accounts.set_enabled(account, True, parts.clock.now())
    results = await engine.force("bench")
    await parts.records.accounts.set_enabled(account, False, parts.clock.now())
    if isinstance(results, Refusal):
        raise RuntimeError(results.sentence())
    return results[0]


async def _place(session: Session, file: sqlite3.Connection, number: str, request: OrderRequest) -> Bare:
    """Commits, reads what the last guards read, and has the SDK place this order for an account."""
    order = LimitOrder(
        time_in_force=OrderTimeInForce.DAY,
        legs=[
            Leg(
                instrument_type=InstrumentType.EQUITY_OPTION,
                symbol=leg.symbol,
                action=OrderAction(leg.action.value),
                quantity=leg.quantity,
            )
            for leg in request.legs
        ],
        price=request.credit,
    )
    account = Account.model_construct(account_number=number)
    today = exchange_time(START).date()
    words = request.identifier * 40  # about what the row of a suggestion has
    started = time.monotonic()
    for _ in range(COMMITS):
        await asyncio.to_thread(file.execute, "INSERT INTO rows VALUES (?)", (words,))
    await asyncio.gather(
        get_market_sessions(session, [ExchangeType.NYSE]),
        account.get_live_orders(session),
        account.get_order_history(session, start_date=today, page_offset=0),
    )
    read = time.monotonic()
    await account.place_order(session, order, dry_run=False)
    ended = time.monotonic()
    return Bare(ended - read, ended - started)
