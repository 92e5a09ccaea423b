"""A screen to be measured, `python -m bench.screen_app console|minimal DESCRIPTOR`: runs until ended, and writes the
CPU seconds it has used by now to the descriptor, one line at the start and at the end of the window."""

from __future__ import annotations

import os
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
    """What the base needs of an engine."""

    def snapshot(self) -> Snapshot: ...


class OneQuoteApp(App[None]):
    """The base: the newest price of the same engine on one line, pulled as often as the console pulls."""

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
    """Two readings of this process's CPU time, a window apart."""
    time.sleep(WARM_UP_S)
    for wait in (WINDOW_S, 0.0):
        os.write(descriptor, f"{time.process_time()}\n".encode())
        time.sleep(wait)


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
