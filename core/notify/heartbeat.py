"""Requests the operator's monitoring address as a sign of life. When the requests stop, the monitor there raises the
alarm (off by default)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx2

from core.domain.operation.events import Severity
from core.domain.operation.failures import failure_class, failure_words
from core.runtime.clock import Clock
from core.runtime.redaction import redact

WITHIN_S = 10.0
log = logging.getLogger(__name__)


class Heartbeat:
    """Requests the address every `interval_s` wall seconds. Nothing waits for it. Only a change between failing and
    working is reported.

    `note` shows the operator a line. `trouble` says what is wrong with it, empty when nothing is, None before the first
    request. The path of the address is the monitor's key, so it is kept out of every output.
    """

    def __init__(self, url: str, interval_s: float, clock: Clock, note: Callable[[Severity, str, str], None]) -> None:
        self._url = url
        self._interval_s = interval_s
        self._clock = clock
        self._note = note
        self._failing = False
        self.trouble: str | None = None
        redact.add_address(url)

    async def run(self) -> None:
        """Runs until cancelled. Never raises for an address that does not answer."""
        host = urlsplit(self._url).hostname
        timeout = httpx2.Timeout(WITHIN_S)
        async with httpx2.AsyncClient(timeout=timeout, follow_redirects=False) as client:
            while True:
                trouble = await ping(client, self._url)
                if trouble is not None and not self._failing:
                    log.warning("ping to %s failed: %s", host, trouble)
                    self._note(Severity.WARNING, "ping", f"the sign of life to {host} failed: {trouble}")
                elif trouble is None and self._failing:
                    log.info("ping to %s works again", host)
                    self._note(Severity.INFO, "ping", f"the sign of life to {host} arrives again")
                self._failing = trouble is not None
                self.trouble = trouble or ""
                await self._clock.sleep(self._interval_s)


async def ping(client: httpx2.AsyncClient, url: str) -> str | None:
    """Requests the address once. Returns what went wrong, None when nothing did."""
    try:
        async with asyncio.timeout(WITHIN_S), client.stream("GET", url) as answer:
            return None if answer.is_success else f"it was answered with status {answer.status_code}"
    except TimeoutError:
        return f"no answer within {WITHIN_S:g} s"
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        words = failure_words(error)
        log.info("ping: %s", words, extra=failure_class(error))
        return words
