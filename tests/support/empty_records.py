"""Empty records of the newest schema: migrated once per test process, then copied."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from functools import lru_cache
from pathlib import Path

from core.records.records import Records


def copy_empty_records(to: Path) -> None:
    """Copies empty records to this path, unless a file is there already."""
    if not to.exists():
        to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        to.write_bytes(_empty())
        to.chmod(0o600)


@lru_cache(maxsize=1)
def _empty() -> bytes:
    with tempfile.TemporaryDirectory(prefix="senex-records-") as folder:
        path = Path(folder) / "records.sqlite3"

        async def make() -> None:
            records = await Records.open(f"sqlite+aiosqlite:///{path}")
            await records.close()

        # In a thread of its own: whoever asks may be running a loop.
        maker = threading.Thread(target=asyncio.run, args=(make(),))
        maker.start()
        maker.join()
        return path.read_bytes()
