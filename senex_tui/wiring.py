"""One readable function per mode: what the engine is built from, and who runs it.

Everything heavy (the SDK, the database, the calendar) is imported where it is used: on the engine's thread, after the
screen's first paint.
"""

from __future__ import annotations

import asyncio
import getpass
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from core.ids import RandomIds
from core.snapshot import Mode

if TYPE_CHECKING:
    from core.clock import Clock
    from core.config import Loaded
    from core.credentials import Credentials
    from core.engine import Engine
    from core.folders import Folders
    from core.settings import Settings
    from senex_tui.demo import DemoWorld
    from senex_tui.once import OnceResult


@dataclass(frozen=True, slots=True)
class DemoSimulator:
    """The simulated market a demo opens on; `start` None is 15 wall seconds before the 09:45 slot."""

    speed: float = 1.0
    start: datetime | None = None
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Wire:
    """Where the engine finds its broker, and with which secrets."""

    url: str | None
    name: str
    secret: str
    refresh: str


def run_console(
    loaded: Loaded, folders: Folders, mode: Mode, credentials: Credentials | None, simulator: DemoSimulator | None
) -> int:
    """Opens the console over an engine on its own thread; the engine ends when the console does."""
    from core.host import EngineHost
    from senex_tui.app import SenexApp
    from senex_tui.demo import DemoWorld
    from senex_tui.refusals import explain
    from senex_tui.terminal import prepare_environment

    prepare_environment(os.environ)
    world = None if simulator is None else DemoWorld(simulator)
    if world is not None:
        world.start()

    async def open_engine() -> Engine:
        if world is None:
            return await build_engine(loaded.settings, folders, mode, _configured_wire(loaded, credentials))
        return await build_demo_engine(loaded.settings, folders, world)

    host = EngineHost(open_engine, mode, f"{getpass.getuser()} at the console", RandomIds(), explain)
    host.start()
    app = SenexApp(host, stop_engine=host.stop)
    try:
        app.run(mouse=loaded.settings.console.mouse)
    finally:
        if not app.engine_stopped:
            host.stop_and_wait()
        if world is not None:
            world.stop()
    return app.return_code or 0


def run_once(
    loaded: Loaded, folders: Folders, mode: Mode, credentials: Credentials, account: str | None, wait: float
) -> OnceResult:
    """One forced cycle without a screen. Raises what keeps the engine from starting."""
    from senex_tui.once import force_once

    async def main() -> OnceResult:
        engine = await build_engine(
            loaded.settings, folders, mode, _configured_wire(loaded, credentials), only_account=account
        )
        return await force_once(engine, account, wait)

    return asyncio.run(main())


def _configured_wire(loaded: Loaded, credentials: Credentials | None) -> Wire:
    if credentials is None:
        raise ValueError("the configured broker needs credentials")
    return Wire(loaded.settings.broker.url, "primary", credentials.secret, credentials.refresh)


async def build_demo_engine(settings: Settings, folders: Folders, world: DemoWorld) -> Engine:
    """The engine of a demo on its own simulator, with records of its own."""
    from senex_tui.demo import DEMO_LOGIN, carry_pause

    url = await asyncio.to_thread(world.wait_ready)
    path = folders.records(Mode.DEMO.value).parent / "worlds" / world.account / "records.sqlite3"
    engine = await build_engine(settings, folders, Mode.DEMO, Wire(url, "demo", *DEMO_LOGIN), records_file=path)
    await carry_pause(path.parent, engine.parts.records)
    return engine


async def build_engine(
    settings: Settings,
    folders: Folders,
    mode: Mode,
    wire: Wire,
    *,
    only_account: str | None = None,
    records_file: Path | None = None,
) -> Engine:
    """The engine of a mode, not yet running. Raises BrokerError, RecordsError or CalendarError.

    demo: orders are really sent, to a simulated broker; new accounts start enabled. dry-run: the real broker
    validates each order and none is sent; new accounts start disabled (SPEC 9).
    """
    from core.broker.tastytrade import Login, TastytradeBroker
    from core.calendar import SessionCalendar
    from core.clock import SystemClock
    from core.engine import Engine, EngineParts
    from core.records.records import Records

    login = Login(wire.name, wire.secret, wire.refresh)
    ids = RandomIds()
    asking = TastytradeBroker(login, SystemClock(), ids, base_url=wire.url)
    clock = choose_clock(settings, await asking.server_clock())
    broker = TastytradeBroker(login, clock, ids, base_url=wire.url)
    demo = mode is Mode.DEMO
    path = records_file or folders.records(mode.value)
    records = await Records.open(f"sqlite+aiosqlite:///{path}")
    return Engine(
        EngineParts(
            mode=mode,
            settings=settings,
            clock=clock,
            ids=ids,
            calendar=await asyncio.to_thread(SessionCalendar, clock.now()),
            broker=broker,
            market_data=broker.market_data,
            alerts=broker.alerts,
            records=records,
            sends=demo,
            preflight=not demo,
            enable_new_accounts=demo,
            kill_file=folders.halt_file,
        ),
        only_account,
    )


def choose_clock(settings: Settings, server: tuple[datetime, float] | None) -> Clock:
    """The simulator's own time where it offers one, else `clock.start` and `clock.speed`, else the machine's."""
    from core.clock import ShiftedClock, SystemClock

    if server is not None:
        return ShiftedClock(*server)
    if settings.clock.start is not None or settings.clock.speed != 1:
        return ShiftedClock(settings.clock.start or SystemClock().now(), settings.clock.speed)
    return SystemClock()
