"""Measures a trader with 1,500 resting closing orders: 50 accounts of one login, each with ten tridents or more.

One account lives some sessions with targets that hardly ever fill; records and broker are then copied. On the next
morning an engine is timed on them in virtual time. Counted are the requests that the broker gets, in its busiest
second, wherever that begins; that nothing is sent, and that all orders still rest, is asserted.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.exits_world import STARTS, Morning, busiest_second, live_accounts, morning, most_in_a_second
from bench.figure import Figure, percentile
from core.runtime.virtual_time import VirtualClock, run_virtual
from senex_tui.run.lived.order import LivedOrder

ACCOUNTS, TRIDENTS = 50, 10
SESSIONS, POSITION_LIMIT = 13, 40
"""On some of the sessions nothing is entered."""
MINUTES = 5
RECONCILED_AIM_S, STEP_AIM_MS = 60.0, 20.0


def measure(accounts: int = ACCOUNTS) -> list[Figure]:
    """The figures of so many accounts; the aims are those of 50."""
    with tempfile.TemporaryDirectory() as folder:
        order = live_accounts(Path(folder), accounts=accounts, sessions=SESSIONS, position_limit=POSITION_LIMIT)

        async def main(clock: VirtualClock) -> _Seen:
            return await _watched(order, accounts, clock)

        seen = run_virtual(main, STARTS)
    step = percentile(seen.steps_s, 0.99) * 1000
    return [
        Figure(
            f"{accounts} accounts with {seen.resting:,} exits reconciled",
            f"{seen.reconciled_s:.1f} s",
            f"{RECONCILED_AIM_S:.0f} s",
            seen.reconciled_s / RECONCILED_AIM_S,
            f"<= {RECONCILED_AIM_S:.0f} s",
            seen.reconciled_s <= RECONCILED_AIM_S,
        ),
        Figure(
            "a step of the loop beside them, p99",
            f"{step:.2f} ms",
            f"{STEP_AIM_MS:.0f} ms",
            step / STEP_AIM_MS,
            f"<= {STEP_AIM_MS:.0f} ms",
            step <= STEP_AIM_MS,
        ),
        busiest_second(seen.most, seen.mean),
    ]


@dataclass
class _Seen:
    """What the run came to. `most` and `mean` are requests a second over the watched minutes."""

    resting: int = 0
    reconciled_s: float = 0.0
    steps_s: list[float] = field(default_factory=list)
    most: int = 0
    mean: float = 0.0


async def _watched(order: LivedOrder, accounts: int, clock: VirtualClock) -> _Seen:
    seen = _Seen()
    async with morning(order, accounts, clock) as at_work:
        engine, broker = at_work.engine, at_work.broker
        while any(engine.gate.not_reconciled(number) for number in at_work.numbers):
            await clock.sleep(0.1)
        seen.reconciled_s = clock.monotonic() - at_work.began_s
        await clock.sleep(3 * 60)  # the open, and the first reads of all
        asked, posted = len(broker.asked), len(broker.posted)
        with _timed(seen.steps_s):
            await clock.sleep(60 * MINUTES)
        watched = broker.asked[asked:]
        seen.most, seen.mean = most_in_a_second(watched), len(watched) / (60 * MINUTES)
        assert len(broker.posted) == posted, "nothing is sent"
        seen.resting = await _resting(at_work, clock)
        assert seen.resting >= accounts * TRIDENTS * 3, f"only {seen.resting} rest"
    return seen


async def _resting(at_work: Morning, clock: VirtualClock) -> int:
    """How many closing orders rest at the broker: as many as are on record, of accounts that are all followed."""
    engine, now = at_work.engine, clock.now()
    live = [order for number in at_work.numbers for order in at_work.exchange.live_orders(number, now)]
    resting = sum(order.status == "Live" and order.time_in_force == "GTC" for order in live)
    wanted = await engine.parts.records.exits.open()
    assert resting == len(wanted), f"{resting} rest, {len(wanted)} should"
    for number in at_work.numbers:
        newest = engine.exits.reads.newest(number)
        assert len(engine.exits.turns.standings(number)) >= TRIDENTS, "all tridents of all accounts are followed"
        assert newest is not None, "each was read"
        assert clock.boottime() - newest.began_s <= 90, "each is read every minute"
    return resting


class _timed:
    """Takes the time of each step of the loop, as its thread used it: a busy machine makes no step longer."""

    def __init__(self, taken: list[float]) -> None:
        self._taken, self._run = taken, asyncio.Handle._run

    def __enter__(self) -> None:
        taken, run = self._taken, self._run

        def step(handle: asyncio.Handle) -> None:
            began = time.thread_time()
            run(handle)
            taken.append(time.thread_time() - began)

        setattr(asyncio.Handle, "_run", step)  # noqa: B010 - the loop calls it by this name

    def __exit__(self, *_: object) -> None:
        setattr(asyncio.Handle, "_run", self._run)  # noqa: B010 - the loop calls it by this name
