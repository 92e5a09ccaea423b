"""A simulated broker whose REST answers are all 150 ms late: `python -m bench.slow_simulator`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from decimal import Decimal

from aiohttp import web

from bench.server_child import READY
from bench.simulator import START
from core.runtime.clock import ShiftedClock
from core.simulator.exchange.accounts import AccountSetup
from core.simulator.wire.server import Simulator
from core.simulator.wire.settings import SimulatorSettings

ANSWER_S = 0.15
SINGLE_ACCOUNTS = ("5WT10000", "5WT10001", "5WT10002")
"""Accounts that each have a cycle alone."""
FIFTY_ACCOUNTS = tuple(f"5WT2{number:04d}" for number in range(50))
CASH = Decimal(100_000)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SlowSimulator(Simulator):
    """The simulated broker with delayed answers. Websockets are not delayed."""

    def _application(self) -> web.Application:
        app = super()._application()
        app.middlewares.append(delay_answer)
        return app


@web.middleware
async def delay_answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.headers.get("Upgrade", "").lower() != "websocket":
        await asyncio.sleep(ANSWER_S)
    return await handler(request)


async def main() -> None:
    """Serves until standard input ends."""
    accounts = tuple(AccountSetup(number, "Bench", "main", CASH) for number in (*SINGLE_ACCOUNTS, *FIFTY_ACCOUNTS))
    simulator = SlowSimulator(SimulatorSettings(start=START, accounts=accounts), ShiftedClock(START))
    print(f"{READY}{await simulator.start()}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await simulator.stop()


if __name__ == "__main__":
    asyncio.run(main())
