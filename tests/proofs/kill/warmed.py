"""Imported by the process the children are forked from: everything a child needs is there before it begins."""

from __future__ import annotations

import gc

import aiosqlite
import anyio._backends._asyncio
import tastytrade.paper

from tests.proofs.kill import life, proof, warm

__all__ = ["aiosqlite", "anyio", "life", "proof", "tastytrade"]

warm.calendar()
warm.market()
warm.chain()
gc.freeze()
