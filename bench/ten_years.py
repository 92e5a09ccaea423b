"""Measures reads of ten years of records, against the same reads of the records of one day.

The reads are those of a start, of the first history pages and of one explained cycle. The records are made from a seed:
50,000 cycles with the events of real ones. On some days the first cycle sends an order that fills, and the other cycles
of that day are skipped. On the other days cycles find no entry, some after retries.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bench.figure import Figure
from bench.ten_years_rows import SessionRows
from core.records.records import Records
from core.records.search.history import HistoryFilter, HistoryKind
from core.views.story import story_of_cycle

CYCLES = 50_000
PER_DAY = 21
SEED = 7
REPEATS = 5
OPEN_AIM_MS = 200.0
_LAST_DAY = date(2026, 3, 2)

Work = Callable[[Records, int], Awaitable[object]]


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "day.sqlite3", Path(folder) / "years.sqlite3"
        asyncio.run(_make_records(small, PER_DAY))
        events = asyncio.run(_make_records(large, CYCLES))
        size = large.stat().st_size / 1e6
        print(f"{CYCLES} cycles, {events} events, {size:.0f} MB", flush=True)
        figures = [_open_figure(small, large)]
        for name, work in _READS.items():
            base, ours = (asyncio.run(_timed(path, work)) for path in (small, large))
            figures.append(Figure(name, f"{ours * 1000:.1f} ms", f"one day {base * 1000:.1f} ms", ours / base))
        return figures


async def _make_records(path: Path, cycles: int) -> int:
    """Makes records of this many cycles at `path`. Returns the number of their events."""
    records = await Records.open(_url(path))
    await records.close()
    rows = SessionRows(random.Random(SEED))
    days = -(-cycles // PER_DAY)
    sessions = [_LAST_DAY - timedelta(days=back) for back in range(days * 7 // 5 + 7)]
    sessions = [day for day in sessions if day.weekday() < 5][:days]
    with sqlite3.connect(path) as store:
        store.execute("PRAGMA synchronous = OFF")
        number = 0
        for day in reversed(sessions):
            made = rows.of_day(day, number + 1, min(PER_DAY, cycles - number))
            for table, (columns, values) in made.items():
                marks = ", ".join("?" * len(columns))
                names = ", ".join(f'"{column}"' for column in columns)
                store.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)
            number = min(cycles, number + PER_DAY)
        events: int = store.execute("SELECT count(*) FROM events").fetchone()[0]
    return events


def _open_figure(small: Path, large: Path) -> Figure:
    """The time in which a trader opens the records and makes all reads of a start."""
    base, ours = (min(asyncio.run(_opened(path)) for _ in range(REPEATS)) for path in (small, large))
    return Figure(
        f"opening {CYCLES} cycles as a trader",
        f"{ours * 1000:.1f} ms",
        f"one day {base * 1000:.1f} ms",
        ours / base,
        f"below {OPEN_AIM_MS:.0f} ms",
        ours * 1000 < OPEN_AIM_MS,
    )


async def _opened(path: Path) -> float:
    started = time.perf_counter()
    records = await Records.open(_url(path))
    await _start(records, 0)
    took = time.perf_counter() - started
    await records.close()
    return took


async def _start(records: Records, _: int) -> None:
    """The reads of `Engine._start` and of the first snapshot."""
    now = datetime.combine(_LAST_DAY, datetime.min.time(), UTC)
    await records.breakers.open_now()
    await records.accounts.all()
    await records.cycles.interrupt_unfinished(now)
    await records.entries.open()
    await records.slots.last_day()
    await records.slots.of_day(_LAST_DAY)
    await records.cycles.newest()
    await records.trading.read()
    await records.journal.newest(50)
    await records.entries.of_day(_LAST_DAY)
    await records.entries.followed(_LAST_DAY - timedelta(days=7))
    await records.entries.waiting(_LAST_DAY)
    await records.entries.failed_sends(_LAST_DAY)
    await records.inbox.pending()


async def _timed(path: Path, work: Work) -> float:
    records = await Records.open(_url(path), trader=False)
    try:
        newest = await records.cycles.newest()
        times = []
        for _ in range(REPEATS):
            started = time.perf_counter()
            await work(records, newest)
            times.append(time.perf_counter() - started)
        return min(times)
    finally:
        await records.close()


def _page(kind: HistoryKind, wanted: HistoryFilter) -> Work:
    return lambda records, _: records.history.page(kind, wanted, 20)


async def _explain(records: Records, newest: int) -> None:
    file = await records.cycle_details.of_cycle(newest - PER_DAY + 1)
    if file is None or not story_of_cycle(file).lines:
        raise RuntimeError("the cycle has no story")


_READS: dict[str, Work] = {
    **{f"first page of {kind.value}": _page(kind, HistoryFilter()) for kind in HistoryKind},
    "first page of one month": _page(HistoryKind.CYCLES, HistoryFilter(date(2026, 1, 1), date(2026, 1, 31))),
    "cycles with a reason that is nowhere": _page(HistoryKind.CYCLES, HistoryFilter(reason="lock_lost")),
    "attempts with a reason that is nowhere": _page(HistoryKind.ATTEMPTS, HistoryFilter(reason="lock_lost")),
    "attempts with words that are nowhere": _page(HistoryKind.ATTEMPTS, HistoryFilter(text="no such words")),
    "cycles with words that are nowhere": _page(HistoryKind.CYCLES, HistoryFilter(text="no such words")),
    "one cycle explained": _explain,
}


def _url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"
