"""A simulator as a child process: `python -m core.simulator.wire.child JSON`, ended by the end of its standard input.

The JSON names `seed`, `speed`, `start` (ISO with zone, or null for 15 wall seconds before the next 09:45 slot) and
the number of the one `account`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from datetime import datetime, time, timedelta

from core.domain.market.sessions import EXCHANGE_ZONE, SlotTimes
from core.market.calendar import SessionCalendar
from core.runtime.clock import SystemClock, exchange_time
from core.simulator.wire.server import run
from core.simulator.wire.settings import DEFAULT_ACCOUNT, SimulatorSettings

WALL_SECONDS_BEFORE_SLOT = 15.0


def settings_from(order: dict[str, object], now: datetime) -> SimulatorSettings:
    """The settings of this child; `now` is real time. Raises ValueError or KeyError for a malformed order."""
    speed = float(str(order["speed"]))
    start = order["start"]
    return SimulatorSettings(
        seed=int(str(order["seed"])),
        speed=speed,
        start=demo_start(now, speed) if start is None else datetime.fromisoformat(str(start)),
        accounts=(replace(DEFAULT_ACCOUNT, number=str(order["account"])),),
        ends_with_stdin=True,
    )


def demo_start(now: datetime, speed: float) -> datetime:
    """15 wall seconds before the first slot of today's session, or of the next one on a day without."""
    calendar = SessionCalendar(now)
    day = exchange_time(now).date()
    session = calendar.on(day) or calendar.next_after(day)
    first: time = SlotTimes().first
    slot = datetime.combine(session.day, first, EXCHANGE_ZONE)
    return slot - timedelta(seconds=WALL_SECONDS_BEFORE_SLOT * speed)


if __name__ == "__main__":
    asyncio.run(run(settings_from(json.loads(sys.argv[1]), SystemClock().now())))
