"""Ten watchers of the bench's trader, one with a screen: `python -m bench.watching_screens URL FOLDER SECONDS`.

It prints the age of each price on the screen when it was painted, in seconds.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from bench.watched_trader import KEYS, RECORDS
from core.domain.market.sessions import SlotTimes
from core.records.records import Records
from core.remote.kept_day import KeptDay
from core.remote.watch_client import WatchClient
from core.runtime.clock import SystemClock
from core.runtime.ids import RandomIds
from core.snapshot import Snapshot, Watching
from senex_tui.console.watch_app import WatchApp

WATCHERS = 10
WARM_UP_S = 2.0


class MeasuredScreen(WatchApp):
    """A watcher's screen that records, after each paint, the age of the price it shows."""

    def __init__(self, client: WatchClient) -> None:
        super().__init__(client, Watching.READ_ONLY)
        self.ages: list[float] = []
        self._last = 0.0

    def _show(self, snapshot: Snapshot) -> None:
        super()._show(snapshot)
        price = next((float(q.price) for q in snapshot.quotes if q.symbol == "QQQ" and q.price is not None), 0.0)
        if price != self._last:
            self._last = price
            self.call_after_refresh(lambda: self.ages.append(time.monotonic() - price))


async def nobody_trades() -> bool:
    return False


def client_of(url: str, folder: Path) -> WatchClient:
    async def open_records() -> Records:
        return await Records.open(f"sqlite+aiosqlite:///{folder / RECORDS}", trader=False)

    return WatchClient(
        url=url,
        keys=KEYS,
        open_records=open_records,
        kept_day=KeptDay(SlotTimes(), nobody_trades, folder / "HALT", sends=True),
        watching=Watching.READ_ONLY,
        who="bench",
        ids=RandomIds(),
        market=SystemClock(),
        wall=SystemClock(),
    )


async def main(url: str, folder: Path, seconds: float) -> list[float]:
    clients = [client_of(url, folder) for _ in range(WATCHERS)]
    for client in clients:
        client.start()
    app = MeasuredScreen(clients[0])
    async with app.run_test(size=(120, 40)):
        await asyncio.sleep(WARM_UP_S)
        app.ages.clear()
        await asyncio.sleep(seconds)
        ages = list(app.ages)
    for client in clients:
        await client.stop()
    return ages


if __name__ == "__main__":
    for age in asyncio.run(main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))):
        print(age)
