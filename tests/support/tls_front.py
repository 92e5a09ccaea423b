"""A TLS proxy in front of a Valkey, like stunnel or a cloud's load balancer; the wheel's server speaks no TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path


@asynccontextmanager
async def tls_front(context: ssl.SSLContext, behind: Path) -> AsyncIterator[int]:
    """Runs the proxy for the server at the socket `behind`, and gives its port on this machine."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(behind)
        with suppress(ConnectionError):
            await asyncio.gather(_carry(reader, server_writer), _carry(server_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while found := await reader.read(65_536):
            writer.write(found)
            await writer.drain()
    finally:
        writer.close()
