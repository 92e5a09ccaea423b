"""A simulated broker that sends 200 extra quotes a second: `python -m bench.busy_simulator START`.

START is an ISO instant of market time with its zone. The extra quotes go through the client's subscribed symbols in
turn. Each differs from the market's quote by a cent or two. While the market is closed there are none.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from datetime import datetime
from itertools import count, islice

from bench.server_child import READY
from core.runtime.clock import ShiftedClock
from core.simulator.wire import dxlink
from core.simulator.wire.feed_channel import Channel
from core.simulator.wire.feed_events import FIELDS, Value, epoch_ms
from core.simulator.wire.server import Simulator
from core.simulator.wire.settings import SimulatorSettings

QUOTES_PER_S = 200
FRAMES_PER_S = 20
CLOSED_AFTER_MS = 5_000
"""A market whose quote is older than this is taken as closed."""
_NAMES = FIELDS["Quote"]
_BID_TIME, _BID, _ASK = (_NAMES.index(name) for name in ("bidTime", "bidPrice", "askPrice"))


class BusyConnection(dxlink.FeedConnection):
    """A feed connection with extra quotes."""

    async def _send_changes(self) -> None:
        busy = asyncio.create_task(self._send_extra_quotes())
        try:
            await super()._send_changes()
        finally:
            busy.cancel()

    async def _send_extra_quotes(self) -> None:
        clock = self.feed.clock
        due, numbers = clock.monotonic(), count()
        while True:
            due += 1 / FRAMES_PER_S
            await clock.sleep(max(0.0, due - clock.monotonic()))
            for channel in tuple(self._channels.values()):
                symbols = [symbol for kind, symbol in channel._subscriptions if kind == "Quote"]
                if not symbols:
                    continue
                batch: list[str] = []
                for number in islice(numbers, QUOTES_PER_S // FRAMES_PER_S):
                    batch += self._extra_quote(channel, symbols[number % len(symbols)], number)
                for frame in channel._frame("Quote", batch) if batch else ():
                    await self._send_text(frame)

    def _extra_quote(self, channel: Channel, symbol: str, number: int) -> Iterator[str]:
        now = self.feed.clock.now()
        values = self.feed.events.event("Quote", symbol, now)
        if values is None or epoch_ms(now) - _as_float(values[_BID_TIME]) > CLOSED_AFTER_MS:
            return
        cents = (number * 7919) % 5 - 2
        moved = list(values)
        for place in (_BID, _ASK):
            moved[place] = round(_as_float(values[place]) + cents / 100, 2)
        yield channel._encode("Quote", tuple(moved))


def _as_float(value: Value) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


async def main(start: datetime) -> None:
    """Serves until standard input ends."""
    setattr(dxlink, "FeedConnection", BusyConnection)  # noqa: B010 - the feed looks up this name
    simulator = Simulator(SimulatorSettings(start=start), ShiftedClock(start))
    print(f"{READY}{await simulator.start()}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await simulator.stop()


if __name__ == "__main__":
    asyncio.run(main(datetime.fromisoformat(sys.argv[1])))
