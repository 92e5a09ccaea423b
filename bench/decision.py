"""Measures the time from the engine's decision to the order's arrival at the broker, against the SDK's `place_order`.

Each sample is a forced cycle of the whole engine over HTTP, for an account of its own. After each, the bare SDK places
the same order for another account. The difference is what rules 9 ask for before an order may be sent.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from tastytrade import Account, Session
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
from core.runtime.clock import ShiftedClock
from core.runtime.ids import RandomIds
from core.snapshot import Mode

TIMEOUT_S = 20.0
PERCENTILES = (0.5, 0.99)


def measure() -> list[Figure]:
    with ServerChild("bench.simulator") as simulator, tempfile.TemporaryDirectory() as folder:
        decided, placed = asyncio.run(_samples(simulator.port, Path(folder)))
        arrived: dict[str, float] = {}
        while len(arrived) < len(decided) + len(placed):
            account, second = simulator.output.readline().split()
            arrived[account] = float(second)
    ours = [arrived[account] - second for account, second in decided.items()]
    bare = list(placed.values())
    figures = []
    for share in PERCENTILES:
        our_s, bare_s = percentile(ours, share), percentile(bare, share)
        figures.append(
            Figure(
                f"decision to order at the broker, p{round(share * 100)} of {len(ours)}",
                f"{our_s * 1000:.1f} ms",
                f"bare place_order {bare_s * 1000:.1f} ms",
                our_s / bare_s,
            )
        )
    return figures


async def _samples(port: int, folder: Path) -> tuple[dict[str, float], dict[str, float]]:
    """The monotonic second of the decision for each of OURS, and the seconds of `place_order` for each of BARE."""
    engine = await engine_at(port, folder)
    running = asyncio.create_task(engine.run(scheduled=False))
    decided: dict[str, float] = {}
    placed: dict[str, float] = {}
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await engine.ready.wait()
            while not engine.feed.is_live(engine.parts.clock.monotonic()):  # noqa: ASYNC110 - no event says so
                await asyncio.sleep(0.1)
        async with bare_session(port) as session:
            await session.refresh()
            for ours, bare in zip(OURS, BARE, strict=True):
                result = await _cycle(engine, ours)
                if result.suggestion is None or result.entry is None:
                    raise RuntimeError(f"no order: {result.refusal.sentence() if result.refusal else result.outcome}")
                decided[ours] = result.suggestion.decided
                placed[bare] = await _place(session, bare, result.entry.request)
    finally:
        engine.stop()
        await running
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


async def _place(session: Session, number: str, request: OrderRequest) -> float:
    """The seconds that the SDK takes to place this order for an account."""
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
    started = time.monotonic()
    await account.place_order(session, order, dry_run=False)
    return time.monotonic() - started
