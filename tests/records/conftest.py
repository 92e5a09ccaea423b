from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from core.records.records import Records
from tests.records.record_samples import url_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "senex.db"


@pytest_asyncio.fixture
async def records(path: Path) -> AsyncIterator[Records]:
    opened = await Records.open(url_of(path))
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def second(records: Records, path: Path) -> AsyncIterator[Records]:
    """Another program on the same file, with connections and threads of its own."""
    opened = await Records.open(url_of(path), trader=False)
    yield opened
    await opened.close()
