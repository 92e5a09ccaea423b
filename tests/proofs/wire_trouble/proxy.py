"""A TCP proxy between the adapter and a server, which fails on demand in ways a server cannot."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class BadProxy:
    """Passes everything on until a test says otherwise; clients connect to `port`."""

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self.connections = 0
        self.reset_answers_after: int | None = None
        """When set, an answer is cut by a reset after so many bytes."""
        self._target_port = target_port
        self._passing = asyncio.Event()
        self._passing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def blackhole(self) -> None:
        """From now on nothing passes in either direction, and every connection stays open."""
        self._passing.clear()

    def heal(self) -> None:
        """Everything held back passes, and new connections too."""
        self._passing.set()

    def reset_all(self) -> None:
        """Ends every connection with a reset."""
        for writer in tuple(self._writers):
            _reset(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        self._writers |= {writer, there_writer}
        for task in (
            asyncio.create_task(self._pump(reader, there_writer, answers=False)),
            asyncio.create_task(self._pump(there_reader, writer, answers=True)),
        ):
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        left = self.reset_answers_after
        try:
            while data := await reader.read(4096):
                await self._passing.wait()
                if answers and left is not None:
                    data, left = data[:left], left - len(data)
                writer.write(data)
                await writer.drain()
                if answers and left is not None and left <= 0:
                    _reset(writer)
                    return
        except OSError:
            pass  # one side is gone: so is the other
        finally:
            writer.close()

    async def stop(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Closes with RST instead of FIN."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def bad_proxy(target_port: int) -> AsyncIterator[BadProxy]:
    proxy = BadProxy(target_port)
    server = await asyncio.start_server(proxy._serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.stop()
