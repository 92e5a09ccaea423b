"""Builds the engine of each mode from its settings, its broker and its records.

Everything heavy (the SDK, the database, the calendar) is imported where it is used: on the engine's thread, after the
screen's first paint.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from core.domain.operation.mode import Mode
from core.engine.start_progress import BROKER, RECORDS, SETUP, StartProgress
from core.runtime.ids import RandomIds
from core.runtime.last_alive import FILE as LAST_ALIVE
from senex_tui.trader.locks import take_locks, this_trader
from senex_tui.trader.place import Place, place_of

if TYPE_CHECKING:
    from core.broker.multi_login import LoginPorts
    from core.broker.tastytrade import Login
    from core.config.credentials import Credentials
    from core.config.folders import Folders
    from core.config.loader import Loaded
    from core.config.mail import MailSettings
    from core.config.settings import Settings
    from core.engine.engine import Engine
    from core.engine.parts import WatchSettings
    from core.locks.folder_lock import FolderLock
    from core.notify.mailer import Mailer
    from core.runtime.clock import Clock
    from core.runtime.ids import Ids
    from senex_tui.run.demo import DemoWorld


@dataclass(frozen=True, slots=True)
class BrokerAccess:
    """The broker's address and the logins: the first one by its parts, and any others.

    `url` None is tastytrade itself.
    """

    url: str | None
    name: str
    secret: str = field(repr=False)
    refresh: str = field(repr=False)
    others: tuple[Credentials, ...] = ()


async def build_configured_engine(
    loaded: Loaded,
    folders: Folders,
    mode: Mode,
    logins: tuple[Credentials, ...],
    *,
    data_lock: FolderLock | None = None,
    watched: WatchSettings | None = None,
    starting: StartProgress | None = None,
) -> Engine:
    """The engine on the broker and records of the settings. Raises as `build_engine`."""
    access = _configured_access(loaded, logins)
    place = place_of(folders, mode, loaded.settings.database.url)
    return await build_engine(
        loaded.settings,
        folders,
        mode,
        access,
        place=place,
        data_lock=data_lock,
        watched=watched,
        starting=starting,
    )


def _configured_access(loaded: Loaded, logins: tuple[Credentials, ...]) -> BrokerAccess:
    if not logins:
        raise ValueError("the configured broker needs credentials")
    first, *others = logins
    return BrokerAccess(loaded.settings.broker.url, first.name, first.secret, first.refresh, tuple(others))


async def build_demo_engine(
    settings: Settings,
    folders: Folders,
    world: DemoWorld,
    data_lock: FolderLock | None = None,
    watched: WatchSettings | None = None,
    starting: StartProgress | None = None,
) -> Engine:
    """The engine of a demo on its own simulator, with records of its own."""
    from senex_tui.run.demo import DEMO_LOGIN, carry_pause

    url = await asyncio.to_thread(world.wait_ready)
    place = world.place(folders)
    access = BrokerAccess(url, "demo", *DEMO_LOGIN)
    engine = await build_engine(
        settings, folders, Mode.DEMO, access, place=place, data_lock=data_lock, watched=watched, starting=starting
    )
    if not world.was_opened:
        await carry_pause(place.records_file.parent, engine.parts.records)
        world.was_opened = True
    return engine


async def build_engine(
    settings: Settings,
    folders: Folders,
    mode: Mode,
    access: BrokerAccess,
    *,
    place: Place | None = None,
    data_lock: FolderLock | None = None,
    watched: WatchSettings | None = None,
    starting: StartProgress | None = None,
) -> Engine:
    """The engine of a mode, not yet running. Raises BrokerError, LockRefused, RecordsError or CalendarError.

    It takes the trader's locks and gives them back when it ends. The data folder's lock may be handed in instead.

    demo: orders are really sent, to a simulated broker; new accounts start enabled. dry-run: the real broker
    validates each order and none is sent. sandbox: validated and sent, at the broker's certification environment.
    live: validated and sent. New accounts start disabled, except in a demo (rules 9).

    `starting` is told of the steps, so that a start that fails says at which.
    """
    from core.broker.multi_login import LoginsBroker
    from core.broker.tastytrade import Login, TastytradeBroker
    from core.engine.engine import Engine
    from core.engine.parts import EngineParts
    from core.locks.folder_lock import broker_address
    from core.locks.records_file import RecordsFile
    from core.market.calendar import SessionCalendar
    from core.records.records import Records
    from core.runtime.clock import SystemClock
    from core.runtime.clock_file import note_clock
    from core.runtime.gc import tune_gc

    place = place or place_of(folders, mode)
    sandbox = mode is Mode.SANDBOX
    starting = starting or StartProgress(SystemClock())
    starting.begin(SETUP)
    mailer, phones = mailer_for(settings.mail, mode), phones_for(settings, mode)
    locks = await take_locks(place, broker_address(access.url, sandbox=sandbox), data_lock)
    records: Records | None = None
    try:
        login = Login(access.name, access.secret, access.refresh)
        ids = RandomIds()
        starting.then(SETUP, BROKER)
        asking = TastytradeBroker(login, SystemClock(), ids, base_url=access.url, is_test=sandbox)
        clock = choose_clock(settings, await asking.server_clock())
        starting.then(BROKER, RECORDS)
        note_clock(place.records_file.parent, clock)
        broker = LoginsBroker(
            [_ports(one, access.url, clock, ids, sandbox) for one in (login, *_others(access))], clock
        )
        demo = mode is Mode.DEMO
        records = await Records.open(place.url, holder=this_trader(place).to_text(), session=locks.session)
        if place.database is None:
            locks.watch(RecordsFile(place.records_file))
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
            sends=mode.sends,
            preflight=not demo,
            enable_new_accounts=demo,
            kill_file=folders.halt_file,
            stops_folder=place.stops_folder,
            last_alive=place.records_file.parent / LAST_ALIVE,
            real_time=isinstance(clock, SystemClock),
            mailer=mailer,
            phones=phones,
            locks=locks,
            settings_watch=watched,
        )
    except BaseException:
        if records is not None:
            await records.close()
        locks.release()
        raise
    tune_gc()
    engine = Engine(parts)
    engine.starting = starting
    return engine


def _others(access: BrokerAccess) -> list[Login]:
    from core.broker.tastytrade import Login

    return [Login(each.name, each.secret, each.refresh) for each in access.others]


def _ports(login: Login, url: str | None, clock: Clock, ids: Ids, sandbox: bool) -> LoginPorts:
    from core.broker.multi_login import LoginPorts
    from core.broker.tastytrade import TastytradeBroker

    broker = TastytradeBroker(login, clock, ids, base_url=url, is_test=sandbox)
    return LoginPorts(broker, broker.market_data, broker.alerts)


def mailer_for(settings: MailSettings, mode: Mode) -> Mailer | None:
    """The mailer of a mode's engine; None when mail is off.

    A demo knows no real credentials (rules 9): it reads no keyring, and it mails only to a server on this machine.
    Raises CredentialsError for a login without a password.
    """
    from core.config.mail_password import find_mail_password
    from core.notify.smtp import SmtpMailer
    from senex_tui.reports.mail import off_because

    if off_because(settings, mode):
        return None
    return SmtpMailer(settings, find_mail_password(settings, os.environ, environment_only=mode is Mode.DEMO))


def phones_for(settings: Settings, mode: Mode) -> tuple[Mailer, ...]:
    """The services of the phones that a mode's engine tells. A demo reads no keyring, and tells only what is on this
    machine. Raises CredentialsError where the settings name the keyring and it has no addresses."""
    from core.config.notify import find_addresses, is_local
    from core.notify.phone import PhoneSender

    demo = mode is Mode.DEMO
    found = find_addresses(settings.notify, environment_only=demo)
    return tuple(PhoneSender(address) for address in found if not demo or is_local(address))


def choose_clock(settings: Settings, server: tuple[datetime, float] | None) -> Clock:
    """Market time: the simulator's own where it offers one, else that of clock.start and clock.speed, else real time.

    `server` is what the broker said of its time: the instant and the speed.
    """
    from core.runtime.clock import ShiftedClock, SystemClock

    if server is not None:
        return ShiftedClock(*server)
    if settings.clock.start is not None or settings.clock.speed != 1:
        return ShiftedClock(settings.clock.start or SystemClock().now(), settings.clock.speed)
    return SystemClock()
