"""Runs an engine on a thread of its own: under a console, or printing plain lines, or after standing by.

Everything heavy (the SDK, the database, the calendar) is imported where it is used: on the engine's thread, after the
screen's first paint.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.domain.operation.mode import Mode
from core.runtime.ids import RandomIds
from core.runtime.user import system_user
from senex_tui.trader.locks import lock_data, require_free
from senex_tui.trader.place import Place, place_of

if TYPE_CHECKING:
    from datetime import datetime

    from core.config.credentials import Credentials
    from core.config.folders import Folders
    from core.config.loader import Loaded
    from core.domain.operation.events import Event
    from core.engine.engine import Engine
    from core.engine.host import EngineHost
    from core.engine.settings_watch import SettingsWatch
    from core.market.calendar import SessionCalendar
    from core.runtime.bus import Bus
    from core.runtime.clock import Clock
    from core.snapshot import Snapshot
    from core.snapshot.health import HealthRow
    from senex_tui.console.actions.jump import JumpTarget
    from senex_tui.console.app import SenexApp
    from senex_tui.console.demo_app import ConsoleOptions
    from senex_tui.console.view_settings import ViewSettings
    from senex_tui.run.demo import DemoSimulator, DemoWorld


def run_console(
    loaded: Loaded, folders: Folders, mode: Mode, logins: tuple[Credentials, ...], simulator: DemoSimulator | None
) -> int:
    """Opens the console over an engine on its own thread and returns the exit code. The engine ends with the console.

    Raises SettingsError for keys that cannot be mapped, and LockRefused when another trader has the records or an
    account: for the records before anything is opened, for an account once the screen was left.
    """
    from core.locks.folder_lock import LockRefused
    from senex_tui.console.view_settings import settled_view
    from senex_tui.run.demo import DemoWorld
    from senex_tui.run.interrupts import HeldInterrupts
    from senex_tui.support.opening_frame import opening_frame
    from senex_tui.support.outlet import print_line

    view = settled_view(loaded, folders.state)
    look = view.applied()

    def open_screen() -> None:
        opening_frame.show(mode.value, look.theme, look.colours, os.environ)

    world = None if simulator is None else DemoWorld(simulator)
    words = ""
    with opening_frame, HeldInterrupts() as interrupts:
        while True:
            with _hosted(loaded, folders, mode, logins, world, locked=open_screen) as hosted:
                app = _console(hosted, world, loaded, mode, folders, view, words)
                if world is not None:
                    interrupts.hold()  # the console may end in a jump
                app.run(mouse=app.display_settings.mouse)
                jump_to = None if app.return_code or hosted.failures else _jump_of(app)
                hosted.saves_world = jump_to is not None
            for failure in hosted.failures:
                if isinstance(failure, LockRefused):
                    raise failure
            if jump_to is None or world is None:
                from senex_tui.run.parting import command_typed, parting_line

                last = hosted.host.snapshot()
                print_line(parting_line(last, command_typed(), broker_ends=world is not None))
                return app.return_code or 0
            from senex_tui.run.jump import jump

            words = jump(world, world.place(folders), loaded.settings, jump_to, interrupts)


def _console(
    hosted: _Hosted,
    world: DemoWorld | None,
    loaded: Loaded,
    mode: Mode,
    folders: Folders,
    view: ViewSettings,
    first_words: str,
) -> SenexApp:
    """The console over the engine: with the keys of a demo where it has a world of its own."""
    from senex_tui.console.app import SenexApp
    from senex_tui.support.crash_report import tell_crash
    from senex_tui.support.terminal import not_kept_running

    def look_at_machine() -> tuple[HealthRow, ...]:
        from senex_tui.doctor.beside_console import rows_of_machine

        place = place_of(folders, mode, loaded.settings.database.url) if world is None else world.place(folders)
        return rows_of_machine(loaded, folders, place, own_simulator=world is not None)

    options: ConsoleOptions = {
        "stop_engine": hosted.host.stop,
        "engine": hosted.host,
        "view_settings": view,
        "tell_crash": lambda failure: tell_crash("the console was", failure),
        "first_words": not_kept_running(os.environ) if mode is Mode.LIVE else first_words,
        "state_folder": folders.state,
        "look_at_machine": look_at_machine,
    }
    if world is None:
        return SenexApp(hosted.host, **options)
    from senex_tui.console.demo_app import DemoApp

    def moments(snapshot: Snapshot) -> tuple[JumpTarget, ...]:
        from senex_tui.run.jump import targets

        return targets(snapshot, hosted.calendar(), world.speed)

    return DemoApp(hosted.host, moments, **options)


def _jump_of(app: SenexApp) -> datetime | None:
    """The moment to which the operator of a demo wants to jump."""
    from senex_tui.console.demo_app import DemoApp

    chosen = app.jumps_to if isinstance(app, DemoApp) else None
    return None if chosen is None else chosen.at


def run_plain(
    loaded: Loaded, folders: Folders, mode: Mode, logins: tuple[Credentials, ...], simulator: DemoSimulator | None
) -> int:
    """Prints one line an event until a signal ends the engine in order; returns the exit code.

    Raises what ended the engine when it failed.
    """
    from senex_tui.run.demo import DemoWorld
    from senex_tui.run.plain import PlainPrinter, print_until_ended

    printer = PlainPrinter()
    world = None if simulator is None else DemoWorld(simulator)
    with _hosted(loaded, folders, mode, logins, world, printer.heard) as hosted:
        code = print_until_ended(hosted.host, printer, broker_ends=world is not None)
    for failure in hosted.failures:
        raise failure
    return code


def run_trader(loaded: Loaded, folders: Folders, mode: Mode, logins: tuple[Credentials, ...], *, headless: bool) -> int:
    """`senex run`: stands by while another trader has the records, then trades; returns the exit code.

    Raises what keeps the engine from starting, or what ended it.
    """
    from core.locks.folder_lock import LockRefused
    from senex_tui.trader.standby import ENDED_STANDING_BY, wait_until_free

    place = place_of(folders, mode, loaded.settings.database.url)
    while True:
        if not wait_until_free(lambda: require_free(place)):
            return ENDED_STANDING_BY
        try:
            return (run_plain if headless else run_console)(loaded, folders, mode, logins, None)
        except LockRefused as refused:
            # Free records mean that the lock is an account's, of a trader with other records: waiting would not end.
            if asyncio.run(_is_free(place)):
                raise refused from None


async def _is_free(place: Place) -> bool:
    from core.locks.folder_lock import LockRefused

    try:
        await require_free(place)
    except LockRefused:
        return False
    return True


@dataclass(slots=True)
class _Hosted:
    """An engine on its thread. `failures` is filled when it fails, `engines` when it is built. With `saves_world` the
    demo's simulator is saved when the engine has ended, for another to go on from."""

    host: EngineHost
    failures: list[BaseException]
    engines: list[Engine]
    saves_world: bool = False

    def calendar(self) -> SessionCalendar | None:
        """The engine's calendar; None until the engine is built."""
        return self.engines[0].parts.calendar if self.engines else None


@contextmanager
def _hosted(
    loaded: Loaded,
    folders: Folders,
    mode: Mode,
    logins: tuple[Credentials, ...],
    world: DemoWorld | None,
    listener: Callable[[Event], None] | None = None,
    locked: Callable[[], None] = lambda: None,
) -> Iterator[_Hosted]:
    """Starts the engine, the demo's simulator and the recording of the day; on the way out they end in order.

    `listener` hears every event, on the engine's loop. Raises LockRefused before anything is opened, and before
    `locked` is called: nothing heavy is loaded till then.
    """
    place = place_of(folders, mode, loaded.settings.database.url) if world is None else world.place(folders)
    beside = place.records_file.parent
    data_lock = None if place.database is not None else lock_data(place)
    if data_lock is None:
        asyncio.run(require_free(place))  # refused before the screen opens; the engine takes the lock itself
        beside.mkdir(mode=0o700, parents=True, exist_ok=True)
    locked()
    from core.engine.host import EngineHost
    from core.recording import DAYS
    from core.recording.thread import Recording
    from senex_tui.run.wiring import build_configured_engine, build_demo_engine
    from senex_tui.support.refusals import explain

    if world is not None:
        world.settle_in(beside)
        world.start()
    failures: list[BaseException] = []
    engines: list[Engine] = []

    def watched(bus: Bus, clock: Clock) -> SettingsWatch:
        from core.engine.settings_watch import SettingsWatch

        own = world is not None
        return SettingsWatch(loaded, lambda: _loaded_again(folders, own_simulator=own), bus, clock)

    async def open_engine() -> Engine:
        if world is None:
            engine = await build_configured_engine(
                loaded, folders, mode, logins, data_lock=data_lock, watched=watched, starting=host.starting
            )
        else:
            engine = await build_demo_engine(loaded.settings, folders, world, data_lock, watched, host.starting)
        if listener is not None:
            engine.bus.listen(listener)
        engines.append(engine)
        return engine

    def explained(failure: BaseException) -> str:
        failures.append(failure)
        return explain(failure)

    host = EngineHost(open_engine, mode, f"{system_user()} at the console", RandomIds(), explained)
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
    hosted = _Hosted(host, failures, engines)
    try:
        yield hosted
    finally:
        host.stop_and_wait()
        recording.stop()
        try:
            if world is not None and hosted.saves_world:
                world.save()
        finally:
            if world is not None:
                world.stop()
            if data_lock is not None:
                data_lock.release()


def _loaded_again(folders: Folders, *, own_simulator: bool) -> Loaded:
    from core.config.folders import settings_path
    from core.config.loader import load_settings

    return load_settings(settings_path(folders, os.environ), os.environ, own_simulator=own_simulator)
