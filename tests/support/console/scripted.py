"""The console over a stand-in for the engine, in a real terminal.

Run it as `python -m tests.support.console.scripted SCENE RECORD [ascii] [busy] [slow] [watch] [stops]`.

Every command and the end of the engine are written to the record file; a pause is answered with PAUSED. `busy`: a price
changes at each pull, 10 times a second; `slow`: the engine takes 4 seconds to end; `watch`: the console of a watcher,
which has no engine; `stops`: with a pause comes ctrl+z, just while a line enters the queue of the terminal's writer.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from textual._context import active_app

from senex_tui.support.terminal import prepare_environment

prepare_environment(os.environ)

from core.domain.operation.commands import CommandKind, CommandState  # noqa: E402
from core.remote.watch_client import WatchState  # noqa: E402
from core.snapshot import Automation, Snapshot, Watching  # noqa: E402
from senex_tui.console.app import SenexApp  # noqa: E402
from senex_tui.console.view_settings import DisplaySettings, ViewSettings  # noqa: E402
from senex_tui.console.watch_app import WatchApp  # noqa: E402
from tests.support.console.scenes import SCENES, FixedEngine  # noqa: E402


class ScriptedEngine(FixedEngine):
    state = WatchState(0.1, 10.0)

    def __init__(self, scene: str, record: Path, *, busy: bool, slow: bool) -> None:
        super().__init__(SCENES[scene]())
        self.record = record
        self.busy = busy
        self.ends_in_s = 4.0 if slow else 0.0
        self.running = True

    def snapshot(self) -> Snapshot:
        shown = super().snapshot()
        if not self.busy:
            return shown
        moved = Decimal(self.snapshots % 100) / 100
        quotes = tuple(replace(quote, price=quote.price and quote.price + moved) for quote in shown.quotes)
        return replace(shown, quotes=quotes)

    def send(self, kind: CommandKind, *, target: str = "", note: str = "") -> str:
        number = super().send(kind, target=target, note=note)
        with self.record.open("a") as file:
            file.write(f"{kind.value}\n")
        if kind is CommandKind.PAUSE:
            self.status(automation=Automation.PAUSED)
            self.settle(CommandState.DONE, "paused by operator")
        return number

    def ask_to_stop(self) -> None:
        self.running = False

    async def stop(self) -> None:
        await asyncio.sleep(self.ends_in_s)
        self.running = False
        with self.record.open("a") as file:
            file.write("stopped\n")


class StoppedEngine(ScriptedEngine):
    def send(self, kind: CommandKind, *, target: str = "", note: str = "") -> str:
        writer = active_app.get()._driver._writer_thread  # type: ignore[union-attr]
        with writer._queue.mutex:
            signal.raise_signal(signal.SIGTSTP)
        return super().send(kind, target=target, note=note)


def main(scene: str, record: str, *words: str) -> None:
    logging.basicConfig(filename=f"{record}.log", level=logging.INFO)  # never on the screen, as in the product
    made = StoppedEngine if "stops" in words else ScriptedEngine
    engine = made(scene, Path(record), busy="busy" in words, slow="slow" in words)
    view = ViewSettings(None, DisplaySettings(ascii="ascii" in words, refresh_hz=10 if "busy" in words else 4))
    if "watch" in words:
        WatchApp(engine, Watching.READ_ONLY, view_settings=view).run(mouse=False)  # type: ignore[arg-type]
    else:
        SenexApp(engine, stop_engine=engine.stop, engine=engine, view_settings=view).run(mouse=False)
    sys.stdout.write("back at the shell\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
