"""Runs a simulated broker as a child process, with `python -m core.simulator.wire.child JSON`.

The JSON object holds `seed`, `speed`, `start` (an ISO instant with its zone, or null for 15 wall seconds before the
next first slot, at 09:45) and `account` (the number of the only account). With `state`, the path of a state file that
`code` wrote, the broker in it goes on; `save_to` is where POST /simulator/save writes one. The process ends when its
standard input ends, and with it when the parent ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path

from core.domain.market.sessions import EXCHANGE_ZONE, SlotTimes
from core.market.calendar import SessionCalendar
from core.runtime.clock import SystemClock, exchange_time
from core.simulator.exchange.saved import StateRefused, read_state
from core.simulator.wire.server import run
from core.simulator.wire.settings import DEFAULT_ACCOUNT, SaveTo, SimulatorSettings

WALL_SECONDS_BEFORE_SLOT = 15.0


def settings_from(order: dict[str, object], now: datetime) -> SimulatorSettings:
    """The settings from the JSON object. `now` is real time.

    Raises KeyError or ValueError for an invalid object, OSError and StateRefused for the state.
    """
    speed = float(str(order["speed"]))
    start, code = order["start"], str(order.get("code", ""))
    state, save_to = order.get("state"), order.get("save_to")
    return SimulatorSettings(
        seed=int(str(order["seed"])),
        speed=speed,
        start=demo_start(now, speed) if start is None else datetime.fromisoformat(str(start)),
        accounts=(replace(DEFAULT_ACCOUNT, number=str(order["account"])),),
        state=None if state is None else read_state(Path(str(state)), code),
        save_to=None if save_to is None else SaveTo(Path(str(save_to)), code),
        ends_with_stdin=True,
    )


def demo_start(now: datetime, speed: float) -> datetime:
    """15 wall seconds before the first slot of today's session, or of the next session on a day without one."""
    calendar = SessionCalendar(now)
    day = exchange_time(now).date()
    session = calendar.on(day) or calendar.next_after(day)
    first: time = SlotTimes().first
    slot = datetime.combine(session.day, first, EXCHANGE_ZONE)
    return slot - timedelta(seconds=WALL_SECONDS_BEFORE_SLOT * speed)


def main() -> None:
    """Exits with a sentence for a state that cannot be used."""
    try:
        settings = settings_from(json.loads(sys.argv[1]), SystemClock().now())
    except StateRefused as refused:
        sys.exit(f"the state of the simulated broker {refused}")
    asyncio.run(run(settings))


if __name__ == "__main__":
    main()
