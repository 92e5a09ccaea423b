"""Commits one entry after another until it is killed; prints each after its commit."""

from __future__ import annotations

import asyncio
import sys
from itertools import count

from core.records.records import Records
from tests.support.record_samples import AT, CLOSES, entry


async def main() -> None:
    records = await Records.open(sys.argv[1])
    for number in count():
        name = f"e{number}"
        await records.entries.prepare(entry(name, account=f"5WT{number:05}"))
        if await records.entries.mark_sent(name, AT, epoch=records.epoch, closes=CLOSES):
            sys.stdout.write(f"{name}.\n")
            sys.stdout.flush()


asyncio.run(main())
