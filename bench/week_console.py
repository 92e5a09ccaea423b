"""A console over a week of trading days: `python -m bench.week_console` prints its megabytes after each day.

The engine runs in virtual time on a thread of its own. The screen has no terminal; it takes snapshots in real time,
while keys are pressed in turn and its snapshots are recorded.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import os
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import TypeVar

from core.domain.operation.commands import CommandKind
from core.recording.recorder import DayRecorder
from core.records.records import Records
from core.runtime.gc import tune_gc
from core.snapshot import Snapshot
from senex_tui.console.app import SenexApp
from senex_tui.console.view_settings import DisplaySettings, ViewSettings
from tests.support.world import World, in_world, seldom

DAYS = 5
PULLS_PER_S = 10
KEY_S = 0.4
SNAPSHOT_S = 10.0
"""Seconds of virtual time between two snapshots."""
SIZE = (120, 40)
KEYS_PRESSED = "123456z6ztqhqaq"
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

Found = TypeVar("Found")


class WeekEngine:
    """The engine of a simulated week, on a thread of its own. It is an `EngineClient` once `ready` is set."""

    def __init__(self, folder: Path, days: int) -> None:
        self._folder = folder
        self._days = days
        self.ready = threading.Event()
        self.megabytes: list[float] = []
        self.failure: BaseException | None = None
        self.thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def snapshot(self) -> Snapshot:
        shown = self._world.engine.builder.snapshot
        if shown is None:
            raise RuntimeError("the engine shows nothing yet")
        return shown

    def send(self, kind: CommandKind, *, target: str = "", note: str = "") -> str:
        raise RuntimeError("nothing is commanded in this week")

    def look_up(self, question: Callable[[Records], Awaitable[Found]]) -> Future[Found]:
        async def asked() -> Found:
            return await question(self._world.records)

        return asyncio.run_coroutine_threadsafe(asked(), self._loop)

    def _run(self) -> None:
        try:
            in_world(self._week, self._folder, poll_s=60)
        except BaseException as failure:
            self.failure = failure
        finally:
            self.ready.set()

    async def _week(self, world: World) -> None:
        world.intervals = replace(seldom(60), snapshot_s=SNAPSHOT_S)
        await world.start()
        self._world, self._loop = world, asyncio.get_running_loop()
        world.engine.builder.refresh()
        self.ready.set()
        while True:
            await world.until("16:30")
            clear_market_caches(world)
            gc.collect()
            self.megabytes.append(resident_mb())
            print(f"{world.day}: {self.megabytes[-1]:.1f} MB", file=sys.stderr, flush=True)
            if len(self.megabytes) == self._days:
                break
            await world.until("08:30", (world.day + timedelta(days=1)).isoformat())
        await world.stop()


def clear_market_caches(world: World) -> None:
    """Empties the caches of the simulated broker: a real broker takes no memory of this process."""
    world.broker.chains.clear()
    market, listing = world.market, world.market._listing
    for kept in (listing._chains, listing._strikes, listing._contracts, market._quoters, market._session_paths):
        kept.clear()
    for name, module in tuple(sys.modules.items()):
        if name.startswith("core.simulator."):
            for cached in vars(module).values():
                if hasattr(cached, "cache_clear"):
                    cached.cache_clear()


def resident_mb() -> float:
    """The resident memory of this process in MB, after it has returned free memory to the system."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES / 1e6


def screen_over(engine: WeekEngine, folder: Path) -> SenexApp:
    """The console's screen over this engine."""
    return SenexApp(
        engine, view_settings=ViewSettings(asked=DisplaySettings(refresh_hz=PULLS_PER_S)), state_folder=folder
    )


async def operate_screen(engine: WeekEngine, folder: Path) -> None:
    """Uses the console until the week is over. Raises the error that ended the engine early, if there was one."""
    recorder = DayRecorder(folder / "days", lambda text: None)
    async with screen_over(engine, folder).run_test(size=SIZE) as pilot:
        for key in cycle(KEYS_PRESSED):
            if not engine.thread.is_alive():
                break
            recorder.take(engine.snapshot())
            await pilot.press(key)
            await asyncio.sleep(KEY_S)
    recorder.close()
    if engine.failure is not None:
        raise engine.failure


def main(days: int = DAYS) -> None:
    tune_gc()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engine = WeekEngine(folder, days)
        engine.thread.start()
        engine.ready.wait()
        if engine.failure is not None:
            raise engine.failure
        asyncio.run(operate_screen(engine, folder))
    print(json.dumps(engine.megabytes))


if __name__ == "__main__":
    main()
