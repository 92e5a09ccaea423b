"""A websocket's network stream that ends when nothing comes (broker 6.5).

To the SDK a connection whose other end is gone looks alive for ever: its keepalives go into the socket's buffer.
"""

# ruff: noqa: ASYNC109 - the signatures are the transport's

from __future__ import annotations

import ssl
from typing import Any, Protocol

import httpcore2


class NetworkStream(Protocol):
    """The transport's stream, as httpcore2 provides it after an upgrade."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes: ...

    async def write(self, buffer: bytes, timeout: float | None = None) -> None: ...

    async def aclose(self) -> None: ...

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> Any: ...

    def get_extra_info(self, info: str) -> Any: ...


class WatchedStream:
    """A stream whose reads raise httpcore2.ReadError after `limit_s` wall seconds without a byte.

    Writes raise httpcore2.WriteError when nothing can be written for as long.
    """

    def __init__(self, stream: NetworkStream, limit_s: float) -> None:
        self._stream = stream
        self._limit_s = limit_s

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return await self._stream.read(max_bytes, timeout=timeout if timeout is not None else self._limit_s)
        except httpcore2.ReadTimeout as silent:
            raise httpcore2.ReadError(f"silent for {self._limit_s:g} s") from silent

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            await self._stream.write(buffer, timeout=timeout if timeout is not None else self._limit_s)
        except httpcore2.WriteTimeout as stuck:
            raise httpcore2.WriteError(f"nothing taken for {self._limit_s:g} s") from stuck

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> Any:
        return await self._stream.start_tls(ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
