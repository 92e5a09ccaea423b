"""The connection to Redis. Every wait has a limit, and every failure is one sentence without a secret."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

from redis import asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import TimeoutError as TooSlow

from core.config.redis import secrets_of, shown_address
from core.domain.operation.failures import failure_words
from core.runtime.redaction import redact

STEP_S = 1.0
"""The longest that one exchange may take, with connecting, in wall seconds."""

_LOGIN_REFUSED = ("noauth", "wrongpass", "username-password", "invalid password", "authentication required")
"""How servers of several versions word a refused login; redis-py raises various errors for it."""

Queue = Callable[[Any], None]
"""Puts commands on a redis-py pipeline."""


class RedisTrouble(Exception):
    """Redis could not be used. The text is one sentence that says what to do; it holds no secret."""


class RedisLink:
    """Sends pipelines on one event loop. No exchange takes longer than `step_s` wall seconds.

    It never retries, because its callers are loops that ask again anyway.
    """

    def __init__(self, url: str, step_s: float = STEP_S) -> None:
        redact.add(*secrets_of(url))
        self.address = shown_address(url)
        self._step_s = step_s
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=step_s,
            socket_connect_timeout=step_s,
            retry=Retry(NoBackoff(), 0),
            protocol=2,  # RESP 3 would open with HELLO, which older servers and some roles refuse
            max_connections=2,
            driver_info=None,
        )

    async def exchange(self, queue: Queue) -> list[Any]:
        """Sends what `queue` puts on the pipeline in one round trip; returns the answers in order. Raises RedisTrouble.

        The commands are no transaction: when one is refused, the others were still carried out.
        """
        answers = await self.try_each(queue)
        refused = next((answer for answer in answers if isinstance(answer, Exception)), None)
        if refused is not None:
            raise RedisTrouble(redact(explained(refused, self.address)))
        return answers

    async def try_each(self, queue: Queue) -> list[Any]:
        """Does the same, but returns the error in place of the answer for each command that was refused. Raises
        RedisTrouble for every other failure."""
        try:
            async with asyncio.timeout(self._step_s), self._client.pipeline(transaction=False) as pipeline:
                queue(pipeline)
                return list(await pipeline.execute(raise_on_error=False))
        except (RedisError, OSError, ValueError) as error:
            # An answer that still comes must not be taken for the next one's.
            await self._client.connection_pool.disconnect(inuse_connections=True)
            raise RedisTrouble(redact(explained(error, self.address))) from None

    async def close(self) -> None:
        await self._client.aclose()


def explained(error: Exception, address: str) -> str:
    """Says in one sentence what went wrong with Redis or on the way to it, and what to do."""
    words = " ".join(str(error).split()).rstrip(".") or failure_words(error)
    lower = words.lower()
    if isinstance(error, AuthenticationError | AuthorizationError) or any(mark in lower for mark in _LOGIN_REFUSED):
        return f"{address} refused the login; check the user and the password in redis.url"
    match error:
        case NoPermissionError():
            return f"{address} does not allow this user what is needed ({words}); see docs/security.md for the ACL rule"
        case OutOfMemoryError():
            return f"{address} is full ({words}); raise its maxmemory or remove other keys"
        case ReadOnlyError():
            return f"{address} is a read-only replica; point redis.url at the primary"
        case BusyLoadingError():
            return f"{address} is still loading its data; wait until it has"
        case ResponseError() if "unknown command" in lower:
            return f"{address} lacks a command that is needed ({words}); use Redis 6 or Valkey, or allow the command"
        case ResponseError():
            return f"{address} refused a command: {words}"
        case TooSlow() | TimeoutError():
            return f"{address} did not answer in time; check redis.url and the network"
    if isinstance(error, ssl.SSLError) or any(mark in lower for mark in ("[ssl", "[x509", "certificate verify")):
        return _explained_tls(words, address)
    if "no such file" in lower and not address.startswith("the Redis at /"):
        return f"a certificate file that redis.url names for {address} does not exist; correct its path"
    if "closed by server" in lower:
        return f"{address} closed the connection; check redis.url, with rediss:// where Redis expects TLS"
    if isinstance(error, Unreachable | OSError):
        return f"{address} cannot be reached: {words}; check redis.url and that Redis runs"
    return f"{address} gave an answer that is not Redis's: {words}; check redis.url"


def _explained_tls(words: str, address: str) -> str:
    lower = words.lower()
    start = f"no protected connection to {address}: "
    if "hostname mismatch" in lower or "ip address mismatch" in lower:
        return f"{start}its certificate is for another name; write the host in redis.url as the certificate has it"
    if "certificate_verify_failed" in lower:
        reason = lower.partition("verify failed:")[2].partition("(_ssl")[0].strip() or "unknown authority"
        return (
            f"{start}its certificate is not trusted ({reason}); for an authority of your own add "
            "?ssl_ca_certs=FILE to redis.url"
        )
    if "wrong_version_number" in lower or "record layer" in lower:
        return f"{start}it speaks no TLS there; use its TLS port, or redis:// on a network of your own"
    if "no_certificate_or_crl_found" in lower or "pem lib" in lower:
        return f"{start}a certificate file that redis.url names holds no certificate; correct its path"
    return f"{start}{words}"
