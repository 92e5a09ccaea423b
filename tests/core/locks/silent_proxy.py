"""A proxy to a server that can fall silent without closing, like a severed network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path


class SilentProxy:
    """Listens on a socket in a folder, under the name PostgreSQL's clients look for."""

    def __init__(self, folder: Path, server: Path) -> None:
        self.folder = folder
        self._server = server
        self._silent = False
        self._pumps: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    def fall_silent(self) -> None:
        """Passes nothing on any more, in either direction, and closes nothing."""
        self._silent = True

    def cut(self) -> None:
        """Closes both sides of every connection."""
        for writer in self._writers:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_unix_connection(self._server)
        self._writers += [writer, ours]
        for source, target in ((reader, ours), (theirs, writer)):
            task = asyncio.create_task(self._pump(source, target))
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65_536):
                if not self._silent:
                    target.write(data)
            if not self._silent:
                target.close()

    async def close(self) -> None:
        self.cut()
        for pump in tuple(self._pumps):
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)


@asynccontextmanager
async def proxy_to(server: Path, folder: Path) -> AsyncIterator[SilentProxy]:
    """Runs a proxy to the server whose sockets are in one folder, with its own socket in another."""
    name = ".s.PGSQL.5432"
    proxy = SilentProxy(folder, server / name)
    listening = await asyncio.start_unix_server(proxy.serve, folder / name)
    try:
        yield proxy
    finally:
        listening.close()
        await proxy.close()
