"""The market time of the simulator that stands in for the broker. Asking for it needs no login."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import httpx2

from core.broker.port import BrokerError, BrokerFault
from core.broker.tastytrade.faults import transport_words


async def read_simulator_clock(local: httpx2.URL, within_s: float) -> tuple[datetime, float] | None:
    """The market time (UTC) and the speed of the server at this local address; None where it offers none.

    Raises BrokerError(UNREACHABLE) when the server does not answer within so many seconds.
    """
    try:
        async with (
            asyncio.timeout(within_s),
            httpx2.AsyncClient(trust_env=False, timeout=within_s) as client,
        ):
            response = await client.get(local.join("/simulator/clock"))
    except TimeoutError:
        raise BrokerError(BrokerFault.UNREACHABLE, f"simulator clock: no whole answer within {within_s:g} s") from None
    except httpx2.HTTPError as error:
        raise BrokerError(BrokerFault.UNREACHABLE, f"simulator clock: {transport_words(error)}") from None
    return _reading(response) if response.is_success else None


def _reading(response: httpx2.Response) -> tuple[datetime, float] | None:
    try:
        data = json.loads(response.content)["data"]
        now, speed = datetime.fromisoformat(data["market-time"]), float(data["speed"])
    except (ValueError, KeyError, TypeError):
        return None
    return (now.astimezone(UTC), speed) if now.tzinfo is not None else None
