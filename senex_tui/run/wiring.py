"""One readable function per mode: what the engine is built from, and who runs it.

Everything heavy (the SDK, the database, the calendar) is imported where it is used: on the engine's thread, after the
screen's first paint.
"""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from core.runtime.ids import RandomIds
from core.snapshot import Mode
from senex_tui.trader.locks import lock_data, require_free, take_locks, this_trader
from senex_tui.trader.place import Place, place_of

if TYPE_CHECKING:
    from core.broker.multi_login import LoginPorts
    from core.broker.tastytrade import Login
    from core.config.credentials import Credentials
    from core.config.folders import Folders
    from core.config.loader import Loaded
    from core.config.settings import Settings
    from core.domain.operation.events import Event
    from core.engine.engine import Engine
    from core.engine.host import EngineHost
    from core.engine.parts import WatchSettings
    from core.engine.settings_watch import SettingsWatch
    from core.locks.folder_lock import FolderLock
    from core.runtime.bus import Bus
    from core.runtime.clock import Clock
    from core.runtime.ids import Ids
    from senex_tui.run.demo import DemoWorld
    from senex_tui.run.once import OnceResult


@dataclass(frozen=True, slots=True)
class DemoSimulator:
    """The simulated market a demo opens on; `start` None is 15 wall seconds before the 09:45 slot."""

    speed: float = 1.0
    start: datetime | None = None
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Wire:
    """Where the engine finds its broker, and with which secrets: a first login, and any others."""

    url: str | None
    name: str
    secret: str = field(repr=False)
    refresh: str = field(repr=False)
    others: tuple[Credentials, ...] = ()


def run_console(
    loaded: Loaded, folders: Folders, mode: Mode, logins: tuple[Credentials, ...], simulator: DemoSimulator | None
) -> int:
    """Opens the console over an engine on its own thread; the engine ends when the console does.

    Raises SettingsError for keys that cannot be mapped, and LockRefused for a second trader: before anything is opened
    or, for an account, once the screen was left.
    """
    from core.locks.folder_lock import LockRefused
    from senex_tui.console.view_settings import settled_view

    view = settled_view(loaded, folders.state)
    from senex_tui.console.app import SenexApp
    from senex_tui.support.crash_report import tell_crash
    from senex_tui.support.terminal import not_kept_running

    with _hosted(loaded, folders, mode, logins, simulator) as hosted:
        app = SenexApp(
            hosted.host,
            stop_engine=hosted.host.stop,
            view_settings=view,
            tell_crash=lambda failure: tell_crash("the console was", failure),
            first_words=not_kept_running(os.environ) if mode is Mode.LIVE else "",
            state_folder=folders.state,
        )
        app.run(mouse=app.looks.mouse)
    for failure in hosted.failures:
        if isinstance(failure, LockRefused):
            raise failure
    return app.return_code or 0


def run_plain(
    loaded: Loaded, folders: Folders, mode: Mode, logins: tuple[Credentials, ...], simulator: DemoSimulator | None
) -> int:
    """The same engine without a screen: one line an event on standard output, until a signal ends it in order.

    Raises what ended the engine, when it was not asked to end.
    """
    from senex_tui.run.plain import PlainPrinter, print_until_ended

    printer = PlainPrinter()
    with _hosted(loaded, folders, mode, logins, simulator, printer.heard) as hosted:
        code = print_until_ended(hosted.host, printer)
    for failure in hosted.failures:
        raise failure
    return code


@dataclass(frozen=True, slots=True)
class _Hosted:
    """An engine on its thread, and what ended it if it failed."""

    host: EngineHost
    failures: list[BaseException]


@contextmanager
def _hosted(
    loaded: Loaded,
    folders: Folders,
    mode: Mode,
    logins: tuple[Credentials, ...],
    simulator: DemoSimulator | None,
    listener: Callable[[Event], None] | None = None,
) -> Iterator[_Hosted]:
    """A started engine, its market and the recording of its day; on the way out they end in order.

    Raises LockRefused before anything is opened.
    """
    from core.engine.host import EngineHost
    from core.recording import DAYS
    from core.recording.thread import Recording
    from senex_tui.run.demo import DemoWorld
    from senex_tui.support.refusals import explain

    world = None if simulator is None else DemoWorld(simulator)
    place = _place(loaded.settings, folders, mode, world)
    beside = place.records_file.parent
    data_lock = None if place.database is not None else lock_data(place)
    if data_lock is None:
        asyncio.run(require_free(place))  # told before the screen is opened; the engine takes the lock itself
        beside.mkdir(mode=0o700, parents=True, exist_ok=True)
    if world is not None:
        world.start()
    failures: list[BaseException] = []

    def watched(bus: Bus, clock: Clock) -> SettingsWatch:
        from core.engine.settings_watch import SettingsWatch

        own = world is not None
        return SettingsWatch(loaded, lambda: _loaded_again(folders, own_simulator=own), bus, clock)

    async def open_engine() -> Engine:
        if world is None:
            engine = await build_configured_engine(loaded, folders, mode, logins, data_lock=data_lock, watched=watched)
        else:
            engine = await build_demo_engine(loaded.settings, folders, world, data_lock, watched)
        if listener is not None:
            engine.bus.listen(listener)
        return engine

    def explained(failure: BaseException) -> str:
        failures.append(failure)
        return explain(failure)

    host = EngineHost(open_engine, mode, f"{getpass.getuser()} at the console", RandomIds(), explained)
    earlier = [] if world is None else sorted(folders.records(mode.value).parent.glob(f"worlds/*/{DAYS}"))
    recording = Recording(
        host.snapshot,
        beside / DAYS,
        loaded.settings.record.keep_days,
        lambda text: host.warn("recording", text),
        earlier,
    )
    host.start()
    recording.start()
    try:
        yield _Hosted(host, failures)
    finally:
        host.stop_and_wait()
        recording.stop()
        if world is not None:
            world.stop()
        if data_lock is not None:
            data_lock.release()


def run_once(
    loaded: Loaded, folders: Folders, mode: Mode, logins: tuple[Credentials, ...], account: str | None, wait: float
) -> OnceResult:
    """One forced cycle without a screen. Raises what keeps the engine from starting."""
    from senex_tui.run.once import force_once

    async def main() -> OnceResult:
        engine = await build_configured_engine(loaded, folders, mode, logins, only_account=account)
        return await force_once(engine, account, wait)

    return asyncio.run(main())


def run_trader(loaded: Loaded, folders: Folders, mode: Mode, logins: tuple[Credentials, ...], *, headless: bool) -> int:
    """`senex run`: stands by while another trader has the records, then trades. Raises what keeps it from starting, or
    ended it."""
    from core.locks.folder_lock import LockRefused
    from senex_tui.trader.standby import ENDED_STANDING_BY, wait_until_free

    place = _place(loaded.settings, folders, mode, None)
    while True:
        if not wait_until_free(lambda: require_free(place)):
            return ENDED_STANDING_BY
        try:
            return (run_plain if headless else run_console)(loaded, folders, mode, logins, None)
        except LockRefused as refused:
            if asyncio.run(_is_free(place)):  # an account's, of other records: waiting here ends nothing
                raise refused from None


async def _is_free(place: Place) -> bool:
    from core.locks.folder_lock import LockRefused

    try:
        await require_free(place)
    except LockRefused:
        return False
    return True


async def build_configured_engine(
    loaded: Loaded,
    folders: Folders,
    mode: Mode,
    logins: tuple[Credentials, ...],
    *,
    only_account: str | None = None,
    data_lock: FolderLock | None = None,
    watched: WatchSettings | None = None,
) -> Engine:
    """The engine on the configured broker and records. Raises as `build_engine`."""
    wire = _configured_wire(loaded, logins)
    place = _place(loaded.settings, folders, mode, None)
    return await build_engine(
        loaded.settings,
        folders,
        mode,
        wire,
        only_account=only_account,
        place=place,
        data_lock=data_lock,
        watched=watched,
    )


def _place(settings: Settings, folders: Folders, mode: Mode, world: DemoWorld | None) -> Place:
    """Where the records are; a demo's are always in a file of its own."""
    if world is None:
        return place_of(folders, mode, settings.database.url)
    return Place(mode, _world_records(folders, world), folders.halt_file)


def _loaded_again(folders: Folders, *, own_simulator: bool) -> Loaded:
    from core.config.folders import settings_path
    from core.config.loader import load_settings

    return load_settings(settings_path(folders, os.environ), os.environ, own_simulator=own_simulator)


def _configured_wire(loaded: Loaded, logins: tuple[Credentials, ...]) -> Wire:
    if not logins:
        raise ValueError("the configured broker needs credentials")
    first, *others = logins
    return Wire(loaded.settings.broker.url, first.name, first.secret, first.refresh, tuple(others))


def _world_records(folders: Folders, world: DemoWorld) -> Path:
    return folders.records(Mode.DEMO.value).parent / "worlds" / world.name / "records.sqlite3"


async def build_demo_engine(
    settings: Settings,
    folders: Folders,
    world: DemoWorld,
    data_lock: FolderLock | None = None,
    watched: WatchSettings | None = None,
) -> Engine:
    """The engine of a demo on its own simulator, with records of its own."""
    from senex_tui.run.demo import DEMO_LOGIN, carry_pause

    url = await asyncio.to_thread(world.wait_ready)
    place = _place(settings, folders, Mode.DEMO, world)
    wire = Wire(url, "demo", *DEMO_LOGIN)
    engine = await build_engine(settings, folders, Mode.DEMO, wire, place=place, data_lock=data_lock, watched=watched)
    await carry_pause(place.records_file.parent, engine.parts.records)
    return engine


async def build_engine(
    settings: Settings,
    folders: Folders,
    mode: Mode,
    wire: Wire,
    *,
    only_account: str | None = None,
    place: Place | None = None,
    data_lock: FolderLock | None = None,
    watched: WatchSettings | None = None,
) -> Engine:
    """The engine of a mode, not yet running. Raises BrokerError, LockRefused, RecordsError or CalendarError.

    It has the trader's locks, the data folder's taken here unless it is handed in, and gives them back when it ends.

    demo: orders are really sent, to a simulated broker; new accounts start enabled. dry-run: the real broker
    validates each order and none is sent. sandbox: validated and sent, at the broker's certification environment.
    live: validated and sent. New accounts start disabled, but for a demo's (SPEC 9).
    """
    from core.broker.multi_login import LoginsBroker
    from core.broker.tastytrade import Login, TastytradeBroker
    from core.engine.engine import Engine
    from core.engine.parts import EngineParts
    from core.locks.folder_lock import broker_address
    from core.market.calendar import SessionCalendar
    from core.records.records import Records
    from core.runtime.clock import SystemClock
    from core.runtime.clock_file import note_clock
    from core.runtime.gc import tune_gc
    from senex_tui.reports.mail import mailer_for

    place = place or place_of(folders, mode)
    sandbox = mode is Mode.SANDBOX
    locks = await take_locks(place, broker_address(wire.url, sandbox=sandbox), data_lock)
    records: Records | None = None
    try:
        login = Login(wire.name, wire.secret, wire.refresh)
        ids = RandomIds()
        asking = TastytradeBroker(login, SystemClock(), ids, base_url=wire.url, is_test=sandbox)
        clock = choose_clock(settings, await asking.server_clock())
        note_clock(place.records_file.parent, clock)
        broker = LoginsBroker([_ports(one, wire.url, clock, ids, sandbox) for one in (login, *_others(wire))], clock)
        demo = mode is Mode.DEMO
        records = await Records.open(place.url, holder=this_trader(place).to_text(), session=locks.session)
        parts = EngineParts(
            mode=mode,
            settings=settings,
            clock=clock,
            ids=ids,
            calendar=await asyncio.to_thread(SessionCalendar, clock.now()),
            broker=broker,
            market_data=broker.market_data,
            alerts=broker.alerts,
            records=records,
            sends=mode in (Mode.DEMO, Mode.SANDBOX, Mode.LIVE),
            preflight=not demo,
            enable_new_accounts=demo,
            kill_file=folders.halt_file,
            real_time=isinstance(clock, SystemClock),
            mailer=mailer_for(settings.mail, mode),
            locks=locks,
            settings_watch=watched,
        )
    except BaseException:
        if records is not None:
            await records.close()
        locks.release()
        raise
    tune_gc()
    return Engine(parts, only_account)


def _others(wire: Wire) -> list[Login]:
    from core.broker.tastytrade import Login

    return [Login(each.name, each.secret, each.refresh) for each in wire.others]


def _ports(login: Login, url: str | None, clock: Clock, ids: Ids, sandbox: bool) -> LoginPorts:
    from core.broker.multi_login import LoginPorts
    from core.broker.tastytrade import TastytradeBroker

    broker = TastytradeBroker(login, clock, ids, base_url=url, is_test=sandbox)
    return LoginPorts(broker, broker.market_data, broker.alerts)


def choose_clock(settings: Settings, server: tuple[datetime, float] | None) -> Clock:
    """The simulator's own time where it offers one, else `clock.start` and `clock.speed`, else the machine's."""
    from core.runtime.clock import ShiftedClock, SystemClock

    if server is not None:
        return ShiftedClock(*server)
    if settings.clock.start is not None or settings.clock.speed != 1:
        return ShiftedClock(settings.clock.start or SystemClock().now(), settings.clock.speed)
    return SystemClock()
