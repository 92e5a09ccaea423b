"""The jump of a demo: the time until a later moment is lived from the saved world, then the demo goes on there."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from core.domain.market.sessions import EXCHANGE_ZONE, SlotTimes
from core.domain.operation import times
from core.domain.operation.failures import failure_words
from core.locks.folder_lock import LockRefused
from core.runtime.clock import SystemClock, exchange_time
from senex_tui.console.actions.jump import KEYS, JumpTarget
from senex_tui.run.lived.before import WALL_SECONDS_BEFORE_SLOT, traded_by
from senex_tui.run.lived.kept import RECORDS, STATE
from senex_tui.run.lived.order import LivedOrder
from senex_tui.run.lived.process import live_in_child
from senex_tui.run.lived.progress import DaysProgress
from senex_tui.support.refusals import Refused
from senex_tui.trader.locks import lock_data

if TYPE_CHECKING:
    from core.config.settings import Settings
    from core.market.calendar import SessionCalendar
    from core.snapshot import Snapshot
    from senex_tui.run.demo import DemoWorld
    from senex_tui.run.interrupts import HeldInterrupts
    from senex_tui.trader.place import Place

NAMES = dict(zip(KEYS, ("session", "expiry", "exit"), strict=True))
ARRIVES = timedelta(minutes=10)
"""How long before the moment the lived time ends: the simulated broker goes on alone, and then the console opens."""
LEAST = timedelta(minutes=15)
"""A moment that is nearer than this is no jump."""


def next_exit_at(snapshot: Snapshot) -> datetime | None:
    """When the first time exit of what is held begins or goes on; None where none is to come."""
    due = (p.exits.next_exit_at for p in snapshot.positions.open if p.exits is not None)
    return min((at for at in due if at is not None), default=None)


def targets(snapshot: Snapshot, calendar: SessionCalendar | None, speed: float) -> tuple[JumpTarget, ...]:
    """The moments to jump to from what is shown: 15 wall seconds before the first slot of a session."""
    now = snapshot.status.now
    if calendar is None or now is None:
        return tuple(JumpTarget(key, name, None, "the engine is still starting") for key, name in NAMES.items())
    today = exchange_time(now).date()

    def opening(day: date) -> datetime:
        """Before the first slot of the last session up to this day, or of the next one that is far enough ahead."""
        session = calendar.on(day) or calendar.on(calendar.sessions_back(day, 1))
        at = _before_slot(day if session is None else session.day, speed)
        while at < now + LEAST:
            at = _before_slot(calendar.next_after(exchange_time(at).date()).day, speed)
        return at

    held = sorted({p.expiration for p in snapshot.positions.open if p.expiration >= today})
    expirations = [at for day in held if exchange_time(at := opening(day)).date() <= day]
    leaves = next_exit_at(snapshot)
    moments = {
        "s": (opening(today), ""),
        "e": (expirations[0] if expirations else None, "nothing that is held expires after today"),
        "x": (None if leaves is None else opening(exchange_time(leaves).date()), "no exit is planned"),
    }
    return tuple(JumpTarget(key, NAMES[key], *moment) for key, moment in moments.items())


def _before_slot(day: date, speed: float) -> datetime:
    slot = datetime.combine(day, SlotTimes().first, EXCHANGE_ZONE)
    return slot - timedelta(seconds=WALL_SECONDS_BEFORE_SLOT * speed)


def jump(world: DemoWorld, place: Place, settings: Settings, to: datetime, interrupts: HeldInterrupts) -> str:
    """Lives the time to this moment, and moves the world there. Its console, engine and simulator have ended.

    `interrupts` are held back: one gives up the days while they are lived, and cuts nothing in two.
    Returns why the world stays where it was, in words for the operator; empty when it is there.
    """
    making = place.records_file.parent / "jump"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    until, ascii_only = times.weekday(exchange_time(to).date()), settings.console.ascii
    progress = DaysProgress(f"until {until}", SystemClock(), ascii_only=ascii_only)
    progress.begin()
    try:
        lock = lock_data(place)  # commands still find a trader here
        try:
            with closing(sqlite3.connect(place.records_file)) as records:
                before = _version(records)
                with closing(sqlite3.connect(making / RECORDS)) as copy:
                    records.backup(copy)
                with interrupts.passing():
                    live_in_child(_order(world, place, settings, making, to), progress.show)
                if _version(records) != before or place.kept_stops():
                    return "the jump was given up: somebody gave a command meanwhile, and it comes first"
                with closing(sqlite3.connect(making / RECORDS)) as lived:
                    lived.backup(records)  # in one transaction: who reads them sees the days come at once
            world.move_to(making / STATE, to)
        finally:
            lock.release()
    except (Refused, LockRefused, OSError, sqlite3.Error) as error:
        return f"the jump was given up, and the demo is where it was: {failure_words(error)}"
    except KeyboardInterrupt:
        return "the jump was given up, and the demo is where it was"
    finally:
        progress.end()
        shutil.rmtree(making, ignore_errors=True)
    return ""


def _version(records: sqlite3.Connection) -> int:
    """A number that changes when another connection has written."""
    (version,) = records.execute("PRAGMA data_version").fetchone()
    return int(version)


def _order(world: DemoWorld, place: Place, settings: Settings, making: Path, to: datetime) -> LivedOrder:
    return LivedOrder(
        records=making / RECORDS,
        save_to=making / STATE,
        code=world.code,
        settings=traded_by(settings),
        halt_file=place.halt_file,
        seed=world.seed,
        account=world.account,
        state=world.state,
        until=to - ARRIVES,
    )
