"""A screen to be measured: `python -m bench.screen_app console|minimal DESCRIPTOR`.

It writes the CPU seconds it has used to the file descriptor, one line at the start and one at the end of a window of
10 seconds. Then it ends.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import Protocol

from textual.app import App, ComposeResult
from textual.widgets import Static

from bench.changing_engine import ChangingEngine
from core.snapshot import Snapshot

WARM_UP_S = 4.0
WINDOW_S = 10.0
PULL_S = 0.25


class SnapshotSource(Protocol):
    """The part of an engine that the app of one line needs."""

    def snapshot(self) -> Snapshot: ...


class OneQuoteApp(App[None]):
    """The base: shows the newest price on one line, and takes snapshots as often as the console does."""

    def __init__(self, engine: SnapshotSource) -> None:
        super().__init__()
        self._engine = engine

    def compose(self) -> ComposeResult:
        yield Static("waiting")

    def on_mount(self) -> None:
        self.set_interval(PULL_S, self._pull)

    def _pull(self) -> None:
        quote = self._engine.snapshot().quotes[0]
        self.query_one(Static).update(f"{quote.symbol} {quote.price}", layout=False)


def report(descriptor: int) -> None:
    """Writes the CPU seconds of this process twice, a window apart, and then ends it."""
    time.sleep(WARM_UP_S)
    for wait in (WINDOW_S, 0.0):
        os.write(descriptor, f"{time.process_time()}\n".encode())
        time.sleep(wait)
    os.kill(os.getpid(), signal.SIGTERM)


def main(kind: str, descriptor: int) -> None:
    engine = ChangingEngine()
    engine.start()
    threading.Thread(target=report, args=(descriptor,), daemon=True).start()
    if kind == "minimal":
        OneQuoteApp(engine).run()
        return
    from senex_tui.console.app import SenexApp

    SenexApp(engine).run(mouse=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
