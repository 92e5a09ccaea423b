"""Writes the pictures of docs/images: the screen of a real `senex demo --days 60`, driven by its keys.

Each tour below is one such demo, opened as the command opens it but without a terminal; faults are asked of its
simulated broker. The 60 sessions are lived once, for all of them. They are looked at before they are kept.
`python .ci/pictures.py [TOUR ...]` makes only those named, in about half a minute each.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from drawing import write_png
from textual.app import App
from textual.pilot import Pilot

from core.domain.operation.commands import CommandKind
from core.simulator.exchange.faults import FaultKind
from senex_tui.cli.main import main as senex
from senex_tui.console.app import SenexApp
from senex_tui.run.demo import DemoWorld

IMAGES = Path(__file__).parent.parent / "docs" / "images"
OPENS = "2026-11-30T09:44:15-05:00"
"""The morning on which every demo opens. Its first slot comes 45 seconds later."""
ACCOUNT = "5WT00007"
"""That of a demo with a past, by its seed."""
USUAL = (120, 40)
WITHIN_S = 240.0


class Tour:
    """What the pictures of one demo need: its keys, its pictures, and its simulated broker."""

    def __init__(self, pilot: Pilot[Any], broker: str) -> None:
        self.pilot, self.broker = pilot, broker
        self.app: SenexApp = pilot.app  # type: ignore[assignment]

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause(0.6)

    async def shoot(self, name: str, size: tuple[int, int] = USUAL) -> None:
        """Writes the screen as it is, in a terminal of this size."""
        await self.pilot.resize_terminal(*size)
        await self.pilot.pause(1.0)
        target = IMAGES / f"{name}.png"
        write_png(self.app.export_screenshot(title="senex"), target, size[0])
        sys.stdout.write(f"{target.name} {target.stat().st_size // 1000} KB\n")
        await self.pilot.resize_terminal(*USUAL)
        await self.pilot.pause(0.5)

    async def page(self, key: str, name: str, *keys: str, size: tuple[int, int] = USUAL) -> None:
        """Opens a page, presses keys there, writes it, and goes back to the dashboard."""
        await self.press(key, *keys)
        await self.shoot(name, size)
        while len(self.app.screen_stack) > 1:
            await self.press("ctrl+g" if self.app.is_asking else "q")

    async def until(self, *words: str) -> None:
        """Waits until the screen has one of these words."""
        deadline = time.monotonic() + WITHIN_S
        while not any(word in self.app.export_screenshot() for word in words):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{words} do not come on the screen")
            await self.pilot.pause(0.4)

    async def fault(self, kind: FaultKind, seconds: float = 0, **match: str) -> None:
        """Has the simulated broker do this wrong, for so long or once."""
        lasting = {"seconds": seconds} if seconds else {}
        body = json.dumps({"kind": kind.value, "match": match, **lasting}).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "senex-pictures/1.0"}
        asked = urllib.request.Request(f"{self.broker}/simulator/faults", body, headers)
        await asyncio.to_thread(lambda: urllib.request.urlopen(asked, timeout=10).close())


async def day(tour: Tour) -> None:
    """A morning: before the slot, its cycle, the fill, and every page."""
    await tour.until("enters")
    await tour.shoot("tour-morning")
    await tour.page("question_mark", "help")
    await tour.until("▶")
    await tour.shoot("tour-cycle")
    await tour.until("FILLED")
    await tour.pilot.pause(20)
    await tour.shoot("dashboard")
    await tour.shoot("dashboard-80x24", (80, 24))
    await tour.shoot("dashboard-60x20", (60, 20))
    await tour.page("o", "orders")
    await tour.page("t", "tridents")
    await tour.page("h", "history")
    await tour.page("h", "story", "enter")
    await tour.page("a", "alerts")
    await tour.page("A", "accounts")
    await tour.page("A", "account", "enter")
    await tour.page("m", "money", size=(160, 50))
    await tour.page("H", "health")
    await tour.press("w")
    await tour.until("would")
    await tour.shoot("preview", (140, 40))
    await tour.press("q")
    await tour.page("s", "settings")
    await tour.page("f", "force")
    await tour.press("J")
    await tour.shoot("tour-jump")
    await tour.press("s")


async def hours(tour: Tour) -> None:
    """Two hours later: the four pictures of a trident, each in the whole screen."""
    await tour.until("FILLED")
    await tour.until("11:4")
    await tour.shoot("dashboard-200x55", (200, 55))
    await tour.press("7", "z")
    for picture in ("day", "credit", "payoff", "score"):
        await tour.shoot(f"picture-{picture}")
        await tour.press("v")
    tour.app.exit()


async def next_day(tour: Tour) -> None:
    """The morning after, to which the demo has jumped."""
    await tour.until("enters")
    await tour.shoot("tour-next-day")
    tour.app.exit()


async def trouble(tour: Tour) -> None:
    """An attempt that is tried again, then a feed that goes silent."""
    await tour.until("enters")
    await tour.until("09:44:5")
    await tour.fault(FaultKind.MARKET_CROSSED, symbol=".*", seconds=24)
    await tour.until("RETRY")
    await tour.shoot("retrying")
    await tour.until("FILLED", "WORKING")
    await tour.fault(FaultKind.DXLINK_SILENCE, seconds=90)
    await tour.until("STALE")
    await tour.pilot.pause(5)
    await tour.shoot("stale")
    tour.app.exit()


async def lost(tour: Tour) -> None:
    """The answer to an order is lost."""
    await tour.until("enters")
    await tour.fault(FaultKind.REST_DROP_REQUEST, method="POST", path=f"/accounts/{ACCOUNT}/orders")
    await tour.until("UNKNOWN")
    await tour.pilot.pause(3)
    await tour.shoot("unknown")
    tour.app.exit()


async def halted(tour: Tour) -> None:
    """Everything is halted by its operator."""
    await tour.until("enters")
    tour.app.client.send(CommandKind.HALT, note="the broker's site shows an order that I do not know")
    await tour.until("HALTED")
    await tour.pilot.pause(2)
    await tour.shoot("halted")
    tour.app.exit()


def _look(name: str) -> Callable[[Tour], Awaitable[None]]:
    async def looked(tour: Tour) -> None:
        await tour.until("enters")
        await tour.shoot(name)
        tour.app.exit()

    return looked


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo: what is done in each of its consoles, one after each jump, and how it is opened."""

    consoles: tuple[Callable[[Tour], Awaitable[None]], ...]
    options: tuple[str, ...] = ()
    environ: tuple[tuple[str, str], ...] = ()


DEMOS = {
    "day": Demo((day, next_day)),
    "hours": Demo((hours,), ("--speed", "60")),
    "trouble": Demo((trouble,)),
    "lost": Demo((lost,)),
    "halted": Demo((halted,)),
    "light": Demo((_look("theme-light"),), environ=(("SENEX_CONSOLE__THEME", "senex-light"),)),
    "contrast": Demo((_look("theme-contrast"),), environ=(("SENEX_CONSOLE__THEME", "senex-contrast"),)),
    "ascii": Demo((_look("ascii"),), ("--ascii",)),
}


def opened(demo: Demo, folder: Path) -> None:
    """Runs the demo as `senex demo --days 60` does, with its screen drawn for nobody. Raises what a tour raises."""
    addresses: list[str] = []
    failures: list[BaseException] = []
    consoles: Iterator[Callable[[Tour], Awaitable[None]]] = iter(demo.consoles)
    wait_ready = DemoWorld.wait_ready

    def noted(world: DemoWorld) -> str:
        addresses.append(wait_ready(world))
        return addresses[-1]

    def unseen(app: SenexApp, **_: object) -> None:
        toured = next(consoles)

        async def driven(pilot: Pilot[Any]) -> None:
            try:
                await pilot.pause(2)
                while not addresses:
                    await pilot.pause(0.2)
                await toured(Tour(pilot, addresses[-1]))
            except BaseException as failure:
                failures.append(failure)
                app.exit()

        App.run(app, headless=True, size=USUAL, auto_pilot=driven)

    words = ["demo", "--days", "60", "--start", OPENS, "--data-dir", str(folder), *demo.options]
    environ = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring", "SENEX_CONFIG": str(folder / "none.toml")}
    with (
        patch.object(SenexApp, "run", unseen),
        patch.object(DemoWorld, "wait_ready", noted),
        patch("senex_tui.cli.main.settle_terminal", lambda: None),
        patch.dict("os.environ", {**environ, **dict(demo.environ)}),
        patch.object(sys, "argv", ["senex", *words]),
    ):
        try:
            senex()
        except SystemExit as ended:
            if ended.code:
                raise RuntimeError(f"the demo ended with {ended.code}") from None
    if failures:
        raise failures[0]


def main(names: list[str]) -> None:
    IMAGES.mkdir(exist_ok=True)
    folder = Path(tempfile.gettempdir()) / "senex"  # it is in the pictures
    folder.mkdir(mode=0o700)
    try:
        (folder / "none.toml").touch()
        for name in names or DEMOS:
            opened(DEMOS[name], folder)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
