"""Driving the console in tests: an app over a stand-in for the engine, and its screen as text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from textual.pilot import Pilot
from textual.worker import Worker, WorkerCancelled, WorkerFailed

from core.snapshot import Snapshot
from senex_tui.console.actions.jump import Targets
from senex_tui.console.app import SenexApp
from senex_tui.console.demo_app import ConsoleOptions, DemoApp
from tests.support.console.scenes import FixedEngine, calm


@dataclass
class Ticker:
    """A monotonic clock that a test moves."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Driven:
    """A running console with its stand-in for the engine."""

    app: SenexApp
    engine: FixedEngine
    pilot: Pilot[None]
    ticker: Ticker
    bells: list[float] = field(default_factory=list)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def pull(self) -> None:
        self.app.pull()
        await self.pilot.pause()

    async def answered(self) -> None:
        """Waits until the records have answered every question."""
        async with asyncio.timeout(10):
            while asked := [worker for worker in self.app.workers if not worker.is_finished]:
                await asyncio.wait([asyncio.ensure_future(_ended(worker)) for worker in asked])
        await self.pilot.pause()

    async def shows(self, told: str) -> bool:
        """Whether the screen says it, as it stands or with its blanks run together, once its layout has settled."""
        for _ in range(200):
            if told in self.text or told in " ".join(self.text.split()):
                return True
            await self.pilot.pause(0.01)
        return False

    @property
    def text(self) -> str:
        """What the terminal would show, without trailing blanks."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips)

    @property
    def bottom(self) -> str:
        """The row of the keys, which answers a key that does nothing."""
        return self.text.splitlines()[-1].strip()

    @property
    def toasts(self) -> list[str]:
        return [notification.message for notification in self.app._notifications]


async def _ended(worker: Worker[object]) -> None:
    """A question that a newer one has replaced has ended too."""
    with suppress(WorkerFailed, WorkerCancelled):
        await worker.wait()


@asynccontextmanager
async def driven(
    snapshot: Snapshot | None = None,
    *,
    engine: FixedEngine | None = None,
    size: tuple[int, int] = (120, 40),
    stop_engine: Callable[[], Awaitable[None]] | None = None,
    state_folder: Path | None = None,
    targets: Targets | None = None,
) -> AsyncIterator[Driven]:
    """`targets` makes it the console of a demo, with the moments to jump to."""
    engine = engine or FixedEngine(snapshot or calm())
    ticker = Ticker()
    options: ConsoleOptions = {"stop_engine": stop_engine, "monotonic": ticker, "state_folder": state_folder}
    app = SenexApp(engine, **options) if targets is None else DemoApp(engine, targets, **options)
    bells: list[float] = []
    app.bell = lambda: bells.append(ticker.now)  # type: ignore[method-assign]
    async with app.run_test(size=size) as pilot:
        console = Driven(app, engine, pilot, ticker, bells)
        await pilot.pause()
        await console.pull()
        yield console
    # Textual reports some crashes only at the end: they must fail the test.
    assert app._exception is None
