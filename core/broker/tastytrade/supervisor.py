"""Keeps a stream connected while it is awaited: one connection after another, with back-off (broker 6)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator

import anyio
import httpcore2
import httpx2
from httpx2.websockets import HTTPXWSException, WebSocketDisconnect, WebSocketUpgradeError
from pydantic import ValidationError
from tastytrade.utils import TastytradeError

from core.broker.port import BrokerError, StreamState, StreamStatus
from core.broker.tastytrade.backoff import backoff_s
from core.broker.tastytrade.connection import Connection
from core.broker.tastytrade.evidence import Evidence, observed
from core.broker.tastytrade.faults import unreadable_words
from core.domain.operation.failures import failure_words

log = logging.getLogger(__name__)


class StreamLost(Exception):
    """We end a connection ourselves. The text says why."""


class SinkFailed(Exception):
    """The receiver of market data or alerts failed. A new connection would not help, so it is raised to the caller."""


LOST = (
    StreamLost,
    BrokerError,
    HTTPXWSException,
    httpx2.HTTPError,
    httpcore2.NetworkError,
    httpcore2.TimeoutException,
    httpcore2.ProtocolError,
    TastytradeError,
    ValidationError,
    KeyError,
    IndexError,
    AttributeError,
    TypeError,
    ValueError,
    RuntimeError,
    TimeoutError,
    OSError,
    anyio.EndOfStream,
    anyio.ClosedResourceError,
    anyio.BrokenResourceError,
)
"""What the SDK's streamers raise when the server or the network misbehaves (broker 5)."""

_UNREADABLE = (TastytradeError, KeyError, IndexError, AttributeError, TypeError, ValueError, RuntimeError)
"""Those that a message leads to which is none of the protocol."""

Entered = Callable[[], None]
"""Called for a connection once it stands and everything is subscribed."""


async def keep_alive(
    name: str,
    connection: Connection,
    connect: Callable[[Entered], Awaitable[None]],
    tell: Callable[[StreamStatus], None],
) -> None:
    """Runs `connect` again and again until cancelled.

    Each run builds a new streamer in this very task, as the SDK needs. `tell` is called with every change of the
    status. A 401 while connecting renews the access token before the next try.
    """
    clock, failures, connections = connection.clock, 0, 0
    stood: float | None = None
    detail = ""

    def entered() -> None:
        nonlocal stood, connections
        stood = clock.monotonic()
        connections += 1
        tell(StreamStatus(StreamState.CONNECTED, stood, "", connections))

    while True:
        stood = None
        tell(StreamStatus(StreamState.CONNECTING, clock.monotonic(), detail, connections))
        with observed(Evidence()) as evidence:
            try:
                await connect(entered)
                detail = "renewed on purpose"
            except (Exception, BaseExceptionGroup) as error:
                leaves = list(leaves_of(error))
                unexpected = [leaf for leaf in leaves if not isinstance(leaf, LOST)]
                if unexpected:
                    raise
                detail = connection.masked("; ".join(dict.fromkeys(lost_words(leaf) for leaf in leaves)))
                classes = ", ".join(dict.fromkeys(type(leaf).__name__ for leaf in leaves))
                log.info("%s of %s ended", name, connection.login.name, extra={"error_type": classes})
        if (task := asyncio.current_task()) is not None and task.cancelling():
            # A loss at the very moment of a cancel: task groups raise the loss, and the cancel would be forgotten.
            raise asyncio.CancelledError
        if stood is not None and clock.monotonic() - stood >= connection.timings.good_data:
            failures = 0
        tell(StreamStatus(StreamState.WAITING, clock.monotonic(), detail, connections))
        log.warning("%s of %s lost: %s", name, connection.login.name, detail)
        if stood is None and evidence.status == 401:
            detail = await _renew(connection, detail)
        await clock.sleep(backoff_s(failures, connection.ids.fraction()))
        failures += 1


async def _renew(connection: Connection, detail: str) -> str:
    try:
        await connection.renew(connection.session.session_token)
    except BrokerError as error:
        return error.detail
    return detail


def leaves_of(error: BaseException) -> Iterator[BaseException]:
    """The single errors inside nested exception groups."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves_of(inner)
    else:
        yield error


def lost_words(error: BaseException) -> str:
    """Why a connection was lost, in words. The log has the classes of the errors."""
    if isinstance(error, BrokerError):
        return error.detail
    if isinstance(error, WebSocketDisconnect):
        return f"closed by the broker ({error.code})"
    if isinstance(error, WebSocketUpgradeError):
        return f"refused by the broker (HTTP {error.response.status_code})"
    if isinstance(error, ValidationError):
        return unreadable_words(error)
    if isinstance(error, TastytradeError) and str(error):
        return str(error)  # the broker's own words
    if isinstance(error, _UNREADABLE):
        return "the broker sent something that could not be read"
    return failure_words(error)
