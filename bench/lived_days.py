"""Measures how fast the sessions before a demo are lived (`senex demo --days 60`), the start of the process included.

The base is the limit of a minute for 60 sessions; half of it is the aim.
"""

from __future__ import annotations

import resource
import tempfile
import time
from datetime import date
from decimal import Decimal
from pathlib import Path

from bench.figure import Figure
from core.config.settings import Settings
from senex_tui.run.lived.before import traded_by
from senex_tui.run.lived.order import LivedOrder
from senex_tui.run.lived.process import live_in_child

SESSIONS = 60
LIMIT_S, AIM_S = 60.0, 30.0


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        before, began = _cpu_s(), time.perf_counter()
        live_in_child(_order(Path(folder)), lambda day: None)
        wall, cpu = time.perf_counter() - began, _cpu_s() - before
    return [
        Figure(
            f"{SESSIONS} sessions before a demo",
            f"{wall:.1f} s",
            f"{LIMIT_S:.0f} s",
            wall / LIMIT_S,
            f"<= {LIMIT_S:.0f} s, better {AIM_S:.0f} s",
            wall <= LIMIT_S,
        ),
        Figure("lived sessions a second of one core", f"{SESSIONS / cpu:.2f}", "1", SESSIONS / cpu),
    ]


def _order(folder: Path) -> LivedOrder:
    return LivedOrder(
        records=folder / "records.sqlite3",
        save_to=folder / "simulator.json",
        code="bench",
        settings=traded_by(Settings()),
        halt_file=folder / "HALT",
        seed=7,
        account="5WT00007",
        cash=Decimal("25000.00"),
        sessions=SESSIONS,
        opens_on=date(2026, 11, 30),
        position_limit=40,
    )


def _cpu_s() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime
