"""A simulated broker that prints when each order arrives: `python -m bench.simulator`.

Each line holds the account and the monotonic second of the arrival.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal

from aiohttp import web

from bench.server_child import READY
from core.runtime.clock import ShiftedClock
from core.simulator.exchange.accounts import AccountSetup
from core.simulator.wire.server import Simulator
from core.simulator.wire.settings import SimulatorSettings

START = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
"""11:00 at the exchange in a full session, when quotes change little."""
SAMPLES = 40
OURS = tuple(f"5WT1{number:04d}" for number in range(SAMPLES))
BARE = tuple(f"5WT2{number:04d}" for number in range(SAMPLES))
CASH = Decimal(100_000)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ArrivalTimingSimulator(Simulator):
    """The simulated broker, with a line printed for each order request."""

    def _application(self) -> web.Application:
        app = super()._application()
        app.middlewares.append(print_arrival)
        return app


@web.middleware
async def print_arrival(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Prints the arrival of an order, before its body is read."""
    arrived = time.monotonic()
    parts = request.path.split("/")
    if request.method == "POST" and parts[1] == "accounts" and parts[-1] == "orders":
        print(f"{parts[2]} {arrived!r}", flush=True)
    return await handler(request)


async def main() -> None:
    """Serves until standard input ends."""
    accounts = tuple(AccountSetup(number, "Bench", "main", CASH) for number in (*OURS, *BARE))
    simulator = ArrivalTimingSimulator(SimulatorSettings(start=START, accounts=accounts), ShiftedClock(START))
    print(f"{READY}{await simulator.start()}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await simulator.stop()


if __name__ == "__main__":
    asyncio.run(main())
