"""A trader for the watch bench: `python -m bench.watched_trader URL FOLDER`.

It puts 1,000 quotes a second into the published store and changes its screen five times a second. For each line on
standard input it prints the CPU seconds it has used. The price of a quote is the monotonic second at which it was made:
its reader can tell its age.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from dataclasses import replace
from decimal import Decimal
from itertools import count
from pathlib import Path

from bench.server_child import READY
from core.domain.market.quotes import Quote
from core.domain.operation.events import Event, Severity
from core.records.records import Records
from core.remote.keys import RedisKeys
from core.remote.link import RedisLink
from core.remote.published_store import PublishedQuoteStore
from core.remote.publisher import Publisher, epoch_of
from core.runtime.clock import SystemClock
from tests.support.console.scenes import calm

KEYS = RedisKeys("bench", "demo")
QUOTES_PER_S = 1000
SCREENS_PER_S = 5
SYMBOLS = ("QQQ", "SPX", *(f".QQQ270115{right}{strike}" for right in "CP" for strike in range(620, 626)))
RECORDS = "records.sqlite3"


class Trader:
    """Stands in for the engine: a quote store, and a screen that is replaced as a whole when it changes."""

    def __init__(self) -> None:
        self.store = PublishedQuoteStore()
        self.shown = calm()

    async def quote(self) -> None:
        """Stores ten quotes at once every 10 ms, as a feed delivers them."""
        began = time.monotonic()
        for number in count(1):
            await asyncio.sleep(max(0.0, began + number / 100 - time.monotonic()))
            now = time.monotonic()
            price = Decimal(f"{now:.4f}")
            at_once = QUOTES_PER_S // 100
            symbols = (SYMBOLS[(number * at_once + each) % len(SYMBOLS)] for each in range(at_once))
            self.store.put_quotes([Quote(symbol, price, price, now, now) for symbol in symbols])
            if number % (100 // SCREENS_PER_S) == 0:
                self._show(number)

    def _show(self, number: int) -> None:
        first, *rest = self.shown.quotes
        moved = replace(first, price=Decimal(number), day_path=(*first.day_path[-119:], (number, float(number))))
        self.shown = replace(self.shown, quotes=(moved, *rest))


async def main(url: str, folder: Path) -> None:
    clock, trader = SystemClock(), Trader()
    records = await Records.open(f"sqlite+aiosqlite:///{folder / RECORDS}")
    await records.journal.append(Event(clock.now(), "engine.started", "started"))
    started = await records.journal.newest_of(("engine.started",))
    if started is None:
        raise RuntimeError("what was recorded is not there")

    def note(severity: Severity, source: str, text: str) -> None:
        print(f"{severity} {source} {text}", file=sys.stderr)

    publisher = Publisher(
        link=RedisLink(url),
        keys=KEYS,
        store=trader.store,
        snapshot=lambda: trader.shown,
        spread=lambda: None,
        clock=clock,
        epoch=epoch_of(records.epoch, started.at),
        note=note,
    )
    print(f"{READY}0", flush=True)
    await asyncio.gather(trader.quote(), publisher.run())


def report() -> None:
    """Prints the CPU seconds for each line of standard input, until it ends."""
    for _ in sys.stdin:
        print(time.process_time(), flush=True)


if __name__ == "__main__":
    threading.Thread(target=report, daemon=True).start()
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
