"""Measures the figures of money over five years, against those of one month: read, and put together by
day, week and month, and for the page of the console and its CSV; and how long these keep the engine's loop.

An account opens a trident in each session, of which the units end after some days. The rows are made from a seed.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from functools import partial
from pathlib import Path

from bench.figure import Figure
from core.domain.positions.units import Ended, UnitName, UnitState
from core.domain.reporting.money import MoneyFigures, Period, money_of
from core.records.records import Records
from core.records.store.json_text import instant_text
from core.runtime.clock import EXCHANGE_ZONE
from core.views.money import money_page
from senex_tui.reports.pnl import csv_of

YEARS = 5
SESSIONS_A_YEAR = 252
SEED = 7
REPEATS = 5
AIM_MS = 150.0
AIM_STEP_MS = 20.0
"""The longest step of the loop meanwhile, in time that its own thread takes: what quotes wait for."""
Question = Callable[[Records], Awaitable[MoneyFigures]]
_ACCOUNT = "5WT00001"
_LAST_DAY = date(2026, 3, 2)
_TRIDENT = (
    "id account underlying root expiration body width credit credit_estimated opened_at filled_at rules ticks phase"
)
_TRIDENT += " split hands_off hands_off_why ended_at max_risk"
_UNIT = (
    "trident_id unit short_symbol long_symbol credit estimated state how ended_at session_day earned_day paid received"
)
_UNIT += " settlement fees opening_fees fees_estimated realized"
_DAY = "account session_day open_risk capital unrealized_mid unrealized_natural realized fees at"


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "month.sqlite3", Path(folder) / "years.sqlite3"
        asyncio.run(_make_records(small, 21))
        asyncio.run(_make_records(large, YEARS * SESSIONS_A_YEAR))
        figures = []
        questions: list[tuple[str, Question]] = [(f"by {by.value}", partial(_report, by)) for by in Period]
        for name, question in (*questions, ("on its page", _page)):
            base, ours = (asyncio.run(_timed(path, question)) for path in (small, large))
            figures.append(
                Figure(
                    f"{YEARS} years of money {name}",
                    f"{ours * 1000:.1f} ms",
                    f"one month {base * 1000:.1f} ms",
                    ours / base,
                    f"below {AIM_MS:.0f} ms",
                    ours * 1000 < AIM_MS,
                )
            )
        for name, asks in (("page", _page), ("CSV", _csv)):
            base, ours = (asyncio.run(_longest_step(path, asks)) for path in (small, large))
            figures.append(
                Figure(
                    f"the loop's longest step for the {name} of {YEARS} years",
                    f"{ours * 1000:.1f} ms",
                    f"one month {base * 1000:.1f} ms",
                    ours / base,
                    f"below {AIM_STEP_MS:.0f} ms",
                    ours * 1000 < AIM_STEP_MS,
                )
            )
        return figures


async def _report(by: Period, records: Records) -> MoneyFigures:
    found = await records.money.recorded()
    days = await records.pnl_rows.days(date.min, date.max)
    return money_of(found.units, found.tridents, days, by, slippages=found.slippages)


async def _page(records: Records) -> MoneyFigures:
    found = await money_page(records, "")
    if found is None:
        raise RuntimeError("the page has nothing to show")
    return found.view.figures


async def _csv(records: Records) -> str:
    return await csv_of(records, "demo", "")


async def _longest_step(path: Path, asks: Callable[[Records], Awaitable[object]]) -> float:
    """Seconds of the loop's own thread between two turns of the loop, at most, while the records are asked. Of several
    times the smallest: another process on the machine makes no step longer, but a cold start does."""
    records = await Records.open(f"sqlite+aiosqlite:///{path}", trader=False)
    try:
        longest = []
        for _ in range(REPEATS):
            asked = asyncio.ensure_future(asks(records))
            steps, before = [0.0], time.thread_time()
            while not asked.done():
                await asyncio.sleep(0)
                now = time.thread_time()
                steps.append(now - before)
                before = now
            await asked
            longest.append(max(steps))
        return min(longest)
    finally:
        await records.close()


async def _timed(path: Path, question: Question) -> float:
    records = await Records.open(f"sqlite+aiosqlite:///{path}", trader=False)
    try:
        times = []
        for _ in range(REPEATS):
            started = time.perf_counter()
            figures = await question(records)
            times.append(time.perf_counter() - started)
            if not figures.total.ended:
                raise RuntimeError("no trident has ended")
        return min(times)
    finally:
        await records.close()


async def _make_records(path: Path, sessions: int) -> None:
    """Makes records of this many sessions at `path`."""
    await (await Records.open(f"sqlite+aiosqlite:///{path}")).close()
    chance = random.Random(SEED)
    days = [_LAST_DAY - timedelta(days=back) for back in range(sessions * 7 // 5 + 7)]
    days = sorted(day for day in days if day.weekday() < 5)[-sessions:]
    with sqlite3.connect(path) as store:
        store.execute("PRAGMA synchronous = OFF")
        for number, day in enumerate(days):
            _add(store, "tridents", _TRIDENT, [_trident(number, day)])
            _add(store, "units", _UNIT, [_unit(number, day, name, chance) for name in UnitName])
            _add(store, "account_days", _DAY, [_account_day(day, chance)])


def _add(store: sqlite3.Connection, table: str, columns: str, rows: list[tuple[object, ...]]) -> None:
    names = columns.split()
    store.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", rows)


def _at(day: date, hour: int) -> str:
    return instant_text(datetime.combine(day, time_of_day(hour), EXCHANGE_ZONE))


def _trident(number: int, day: date) -> tuple[object, ...]:
    expiration, opened = (day + timedelta(days=45)).isoformat(), _at(day, 10)
    ended = _at(day + timedelta(days=38), 11)
    shape = ("QQQ", "QQQ", expiration, "622", "3", "4.10", 0)
    return (f"t{number}", _ACCOUNT, *shape, opened, opened, "{}", "{}", "ended", 0, "", "", ended, "190.00")


def _unit(number: int, day: date, name: UnitName, chance: random.Random) -> tuple[object, ...]:
    ended = day + timedelta(days=chance.randrange(1, 38))
    how = chance.choice([Ended.TARGET, Ended.TARGET, Ended.TIME, Ended.HAND])
    paid = Decimal(chance.randrange(2_000, 25_000)) / 100
    right = "C" if name is UnitName.CALL else "P"
    symbols = (f"QQQ   {day:%y%m%d}{right}00622000", f"QQQ   {day:%y%m%d}{right}00619000")
    realized = Decimal("120.00") - paid - Decimal("2.48")
    money = (str(paid), "120.00", "0", "2.48", "2.24", 0, str(realized))
    days = (ended.isoformat(), ended.isoformat())
    return (
        f"t{number}",
        name.value,
        *symbols,
        "1.20",
        0,
        UnitState.CLOSED.value,
        how.value,
        _at(ended, 11),
        *days,
        *money,
    )


def _account_day(day: date, chance: random.Random) -> tuple[object, ...]:
    risk = str(Decimal(chance.randrange(0, 500_000)) / 100)
    return (_ACCOUNT, day.isoformat(), risk, "25000.00", "12.00", "-3.00", "44.10", "7.46", _at(day, 17))
