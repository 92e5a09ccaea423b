"""Measures watching through Redis at 1,000 quotes a second, on a real Valkey server from its wheel.

The figures: the time from a quote to a watcher's screen, the CPU that ten watchers cost the trader, and pricing from
Redis against pricing from memory.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.figure import Figure, percentile
from bench.watched_trader import KEYS
from core.domain.trident.pricing import Pricing, price_trident
from core.remote.link import RedisLink
from core.remote.published_store import PublishedQuoteStore
from core.remote.quote_hashes import QuoteReader, QuoteWriter
from core.runtime.clock import SystemClock
from tests.support.domain_builders import quotes_for, trident
from tests.support.valkey import Valkey

WINDOW_S = 12.0
SETTLE_S = 3.0
WATCHERS_START_S = 6.0
"""Seconds for the watchers' process to start and warm up, before the trader's CPU is measured."""
CADENCES_S = 0.1 + 0.1 + 0.25
"""The longest that a quote waits by design, in seconds: for the publisher, the watcher and its screen."""
AIM_CPU = 1.10
AIM_PRICING_MS = 1.0
PRICINGS = 1500


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="vk") as folder:
        server = Valkey(Path(folder))
        try:
            with _trader(server.url, Path(folder)) as cpu_s:
                time.sleep(SETTLE_S)
                alone = _cpu_percent(cpu_s)
                watchers = _watchers(server.url, Path(folder))
                time.sleep(WATCHERS_START_S)
                watched = _cpu_percent(cpu_s)
                output, _ = watchers.communicate(timeout=120)
            ages = [float(line) for line in output.split()]
            in_memory, in_redis = asyncio.run(_pricing(server.url))
        finally:
            server.kill()
    return [*_age_figures(ages), _cpu_figure(alone, watched), _pricing_figure(in_memory, in_redis)]


@contextmanager
def _trader(url: str, folder: Path) -> Iterator[Callable[[], float]]:
    """Runs the trader's process. Gives a function that returns the CPU seconds the process has used."""
    words = [sys.executable, "-m", "bench.watched_trader", url, str(folder)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the trader has no pipes")
        asked, told = process.stdin, process.stdout
        told.readline()

        def cpu_s() -> float:
            asked.write("\n")
            asked.flush()
            return float(told.readline())

        try:
            yield cpu_s
        finally:
            process.kill()


def _watchers(url: str, folder: Path) -> subprocess.Popen[str]:
    seconds = str(WINDOW_S + WATCHERS_START_S)
    words = [sys.executable, "-m", "bench.watching_screens", url, str(folder), seconds]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def _cpu_percent(cpu_s: Callable[[], float]) -> float:
    """The trader's CPU over the next WINDOW_S seconds, in % of a core."""
    began, used = time.monotonic(), cpu_s()
    time.sleep(WINDOW_S)
    return 100 * (cpu_s() - used) / (time.monotonic() - began)


def _age_figures(ages: list[float]) -> list[Figure]:
    figures = []
    for share in (0.5, 0.99):
        age = percentile(ages, share)
        name = f"quote to a watcher's screen, p{round(share * 100)} of {len(ages)}"
        base = f"cadences {CADENCES_S * 1000:.0f} ms"
        figures.append(Figure(name, f"{age * 1000:.0f} ms", base, age / CADENCES_S))
    return figures


def _cpu_figure(alone: float, watched: float) -> Figure:
    ratio = watched / alone
    return Figure(
        "trader's CPU with 10 watchers, 1,000 quotes/s",
        f"{watched:.1f} % of a core",
        f"no watcher {alone:.1f} %",
        ratio,
        f"<= {AIM_CPU:.2f}",
        ratio <= AIM_CPU,
    )


async def _pricing(url: str) -> tuple[float, float]:
    """The median seconds of pricing four legs, from memory and from Redis."""
    clock, store, link = SystemClock(), PublishedQuoteStore(), RedisLink(url)
    on = trident()
    legs = [leg.symbols.streamer for leg in on.legs]
    writer, reader = QuoteWriter(store, KEYS, "bench", clock), QuoteReader(link, KEYS, clock)
    store.put_quotes(list(quotes_for(on, now=clock.monotonic()).values()))
    await link.exchange(lambda pipeline: writer.queue(pipeline, {}))
    from_memory: list[float] = []
    from_redis: list[float] = []
    for _ in range(PRICINGS):
        began = time.perf_counter()
        here = price_trident(on, store.quotes(legs), clock.monotonic())
        between = time.perf_counter()
        there = price_trident(on, (await reader.read(legs)).quotes(legs), clock.monotonic())
        from_redis.append(time.perf_counter() - between)
        from_memory.append(between - began)
        if not isinstance(here, Pricing) or not isinstance(there, Pricing) or here.natural != there.natural:
            raise RuntimeError("memory and Redis do not price alike")
    await link.close()
    return percentile(from_memory, 0.5), percentile(from_redis, 0.5)


def _pricing_figure(in_memory: float, in_redis: float) -> Figure:
    more_ms = (in_redis - in_memory) * 1000
    return Figure(
        "pricing four legs from Redis, p50",
        f"{in_redis * 1000:.2f} ms",
        f"from memory {in_memory * 1000:.2f} ms",
        in_redis / in_memory,
        f"<= {AIM_PRICING_MS:g} ms more",
        more_ms <= AIM_PRICING_MS,
    )
