"""Imported once by the process the children are forked from, so that each child starts with everything loaded."""

from __future__ import annotations

import gc

import aiosqlite
import anyio._backends._asyncio
import tastytrade.paper

from tests.proofs.kill import case, engine_run, shared_market
from tests.support.world import calendar_around

__all__ = ["aiosqlite", "anyio", "case", "engine_run", "tastytrade"]

shared_market.calendar()
shared_market.market()
shared_market.chain()
calendar_around(shared_market.START.year)
gc.freeze()
