"""The adapter, logged in at a server of raw answers through a proxy that can fail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from core.broker.tastytrade import Login, TastytradeBroker
from core.runtime.clock import Clock
from core.runtime.ids import SeededIds
from tests.core.broker.raw_broker import REFRESH, SECRET, InstantClock, RawBroker
from tests.core.broker.simulated_streams import QUICK
from tests.proofs.wire_trouble.proxy import BadProxy, bad_proxy
from tests.proofs.wire_trouble.raw_streams import RawStreams


@pytest.fixture
async def server() -> AsyncIterator[RawBroker]:
    raw = RawBroker()
    await raw.start()
    yield raw
    await raw.stop()


@pytest.fixture
async def proxy(server: RawBroker) -> AsyncIterator[BadProxy]:
    async with bad_proxy(server.port) as between:
        yield between


@pytest.fixture
def streams(server: RawBroker, proxy: BadProxy) -> RawStreams:
    found = RawStreams(server)
    found.name_feed(proxy.port)
    return found


@pytest.fixture
def clock() -> InstantClock:
    return InstantClock()


@pytest.fixture
async def broker(proxy: BadProxy, clock: Clock) -> AsyncIterator[TastytradeBroker]:
    login, address = Login("main", SECRET, REFRESH), f"http://127.0.0.1:{proxy.port}"
    found = TastytradeBroker(login, clock, SeededIds(1), base_url=address, timings=replace(QUICK, read=0.4, order=0.4))
    await found.connect()
    yield found
    await found.close()
