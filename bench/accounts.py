"""Measures a cycle of fifty accounts against a cycle of one, at a broker that takes 150 ms for every answer.

The whole engine runs a forced cycle over HTTP, with the broker's dry run of each order. The time runs from the start
of the cycle to the acknowledgement of the last account's order.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.decision import TIMEOUT_S, engine_at
from bench.figure import Figure
from bench.server_child import ServerChild
from bench.slow_simulator import FIFTY_ACCOUNTS, SINGLE_ACCOUNTS
from core.domain.operation.outcomes import Outcome
from core.domain.operation.reasons import Refusal
from core.engine.engine import Engine

AIM = 2.0


def measure() -> list[Figure]:
    with ServerChild("bench.slow_simulator") as simulator, tempfile.TemporaryDirectory() as folder:
        alone, together = asyncio.run(_samples(simulator.port, Path(folder)))
    one = statistics.median(alone)
    ratio, name = together / one, f"a cycle of {len(FIFTY_ACCOUNTS)} accounts"
    return [Figure(name, f"{together:.2f} s", f"one account {one:.2f} s", ratio, f"<= {AIM:g}", ratio <= AIM)]


async def _samples(port: int, folder: Path) -> tuple[list[float], float]:
    """The seconds of each cycle of one account, and of the one cycle of fifty accounts."""
    engine = await engine_at(port, folder, stabilization_s=3.0, preflight=True)
    running = asyncio.create_task(engine.run(scheduled=False))
    try:
        async with asyncio.timeout(3 * TIMEOUT_S):
            await engine.ready.wait()
            while not engine.feed.is_live(engine.parts.clock.monotonic()) or engine.gate.refusal():  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        alone = [await _cycle(engine, (number,)) for number in SINGLE_ACCOUNTS]
        return alone, await _cycle(engine, FIFTY_ACCOUNTS)
    finally:
        engine.stop()
        await running


async def _cycle(engine: Engine, numbers: Sequence[str]) -> float:
    """The seconds of one forced cycle of these accounts. Raises RuntimeError when one of them sends no order."""
    parts = engine.parts
    for number in numbers:
        await parts.records.accounts.set_enabled(number, True, parts.clock.now())
    started = time.monotonic()
    results = await engine.force("the bench")
    took = time.monotonic() - started
    if isinstance(results, Refusal):
        raise RuntimeError(results.sentence())
    for result in results:
        if result.outcome is not Outcome.SUCCEEDED:
            raise RuntimeError(f"no order: {result.refusal.sentence() if result.refusal else result.outcome}")
    for number in numbers:
        await parts.records.accounts.set_enabled(number, False, parts.clock.now())
    return took
