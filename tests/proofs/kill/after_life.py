"""Reads what a life of the engine left. Processes of their own do it, so that the broker's process stays quick."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

from core.records.records import Records
from tests.proofs.kill import shared_market
from tests.proofs.kill.engine_run import EngineRun
from tests.proofs.kill.forks import CHILDREN
from tests.proofs.kill.rules import Found, found_of
from tests.proofs.truth.life import lies_after_life, lies_of_life
from tests.proofs.truth.values import Facts


@cache
def checkers() -> ProcessPoolExecutor:
    """The processes that read, as many as there are cores. Each lives as long as this process."""
    return ProcessPoolExecutor(len(os.sched_getaffinity(0)), CHILDREN)


def read_found(folder: Path) -> Found:
    """What the records in the folder hold now."""

    async def read() -> Found:
        records = await Records.open(f"sqlite+aiosqlite:///{folder / 'records.sqlite3'}", trader=False)
        try:
            return await found_of(records)
        finally:
            await records.close()

    return asyncio.run(read())


def lies_in(run: EngineRun) -> list[str]:
    """What the run told wrongly, and what is told wrongly after it (rules 13.8)."""
    session = shared_market.calendar().today(run.now)
    facts = Facts(run.now, None if session is None else session.open, None if session is None else session.close)
    told = lies_of_life(run.told_file) + lies_after_life(run.records_file, facts)
    return [f"{run.name} {lie}" for lie in told]
