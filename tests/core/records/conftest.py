from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy.engine import make_url

from core.records.records import Records
from core.records.store.database import Database
from tests.support.empty_records import copy_empty_records
from tests.support.record_samples import url_of


@pytest.fixture
def path(tmp_path: Path, store: str) -> Path:
    return tmp_path / "data" / "senex.db"


@pytest_asyncio.fixture
async def records(path: Path) -> AsyncIterator[Records]:
    copy_empty_records(path)
    opened = await Records.open(url_of(path))
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def second(records: Records, path: Path) -> AsyncIterator[Records]:
    """The same trader a second time, with its own connections and threads.

    No lock of the process makes the two take turns, and the fence lets both write: what is refused here is refused by
    the database.
    """
    opened = Records(Database(make_url(url_of(path)), "the records"), records.epoch)
    yield opened
    await opened.close()
