"""A stream that is kept alive ends when it is cancelled, whatever happens at that moment."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from core.broker.port import StreamState, StreamStatus
from core.broker.tastytrade import Login, TastytradeBroker
from core.broker.tastytrade.supervisor import Entered, keep_alive
from core.runtime.clock import SystemClock
from core.runtime.ids import SeededIds


@pytest.mark.parametrize("lost", [OSError("lost"), ExceptionGroup("lost", [OSError("lost")]), None])
async def test_a_loss_at_the_moment_of_a_cancel_does_not_swallow_it(lost: Exception | None) -> None:
    """A task group that fails while its task is cancelled raises the failure alone."""
    seen: list[StreamState] = []
    stands = asyncio.Event()

    async def connect(entered: Entered) -> None:
        entered()
        stands.set()
        try:
            await anyio.sleep_forever()
        except asyncio.CancelledError:
            if lost is not None:
                raise lost from None

    def tell(status: StreamStatus) -> None:
        seen.append(status.state)

    broker = TastytradeBroker(Login("main", "s", "r"), SystemClock(), SeededIds(1), base_url="http://127.0.0.1:1")
    task = asyncio.create_task(keep_alive("a stream", broker.connection, connect, tell))
    await stands.wait()
    task.cancel()
    await asyncio.wait({task}, timeout=2)
    assert task.cancelled()
    assert seen == [StreamState.CONNECTING, StreamState.CONNECTED]
