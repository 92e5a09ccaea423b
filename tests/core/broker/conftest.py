"""The tastytrade adapter, which talks to a server of raw answers through the real SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.broker.tastytrade import Login, TastytradeBroker
from core.broker.tastytrade.timings import Timings
from core.runtime.ids import SeededIds
from tests.core.broker.raw_broker import REFRESH, SECRET, InstantClock, RawBroker


@pytest.fixture
async def server() -> AsyncIterator[RawBroker]:
    raw = RawBroker()
    await raw.start()
    yield raw
    await raw.stop()


@pytest.fixture
def clock() -> InstantClock:
    return InstantClock()


@pytest.fixture
async def broker(server: RawBroker, clock: InstantClock) -> AsyncIterator[TastytradeBroker]:
    """The adapter, logged in at the raw server; it waits 0.3 s for a whole answer."""
    found = TastytradeBroker(
        Login("main", SECRET, REFRESH),
        clock,
        SeededIds(1),
        base_url=f"http://127.0.0.1:{server.port}",
        timings=Timings(connect=1.0, read=0.3, order=0.3, cancel=0.3),
    )
    await found.connect()
    yield found
    await found.close()
