"""Imported once by the process the children are forked from, so that each child starts with everything loaded.

What the product works out once in a process is worked out here: the schema's revisions, the shapes of the snapshot,
the SQL of the statements.
"""

from __future__ import annotations

import asyncio
import gc
import tempfile
from pathlib import Path

import aiosqlite
import anyio._backends._asyncio
import tastytrade.paper

from core.records.records import Records
from core.records.store import database
from core.snapshot import Mode, without_engine_yet
from core.snapshot.codec import decode, encode
from tests.proofs.kill import after_life, case, engine_run, shared_market
from tests.proofs.truth.life import lies_after_life
from tests.proofs.truth.values import Facts
from tests.support import compiled_once
from tests.support.world import World, calendar_around, in_world

__all__ = ["after_life", "aiosqlite", "anyio", "case", "engine_run", "tastytrade"]


def _rehearse(folder: Path) -> None:
    """Runs a slot in virtual time, opens records, and has the shell tell of them."""

    async def a_slot(world: World) -> None:
        await world.start()
        await world.until("09:46")
        await world.stop()

    async def opened() -> None:
        await (await Records.open(f"sqlite+aiosqlite:///{folder / 'records.sqlite3'}")).close()

    (folder / "world").mkdir()
    in_world(a_slot, folder / "world")
    asyncio.run(opened())
    lies_after_life(folder / "records.sqlite3", Facts(shared_market.START, None, None))
    decode(encode(without_engine_yet(Mode.DEMO, "")))


setattr(database, "create_async_engine", compiled_once.engine)  # noqa: B010 - in this process and its forks
calendar_around(shared_market.START.year)
shared_market.calendar()
shared_market.market()
shared_market.chain()
with tempfile.TemporaryDirectory() as rehearsed:
    _rehearse(Path(rehearsed))
gc.freeze()
