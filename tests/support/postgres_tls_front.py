"""Puts TLS in front of a real PostgreSQL, because the one from the wheel is built without it.

It answers the request for TLS as a server with `ssl = on` does, takes the TLS off and passes everything on.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from contextlib import suppress
from pathlib import Path

_WANTS_TLS = (8).to_bytes(4, "big") + (80_877_103).to_bytes(4, "big")


class TlsFront:
    """Listens on a port of its own. `connections` says of each one how it came: "plain", "TLS", or "TLS as NAME" when
    the client showed a certificate."""

    def __init__(self, server_port: int, certificate: Path, clients: Path) -> None:
        """`certificate` is a file with a certificate and its key, `clients` one whose certificates clients may show."""
        self._server_port = server_port
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(clients))
        self._context.load_cert_chain(certificate)
        self._context.verify_mode = ssl.CERT_OPTIONAL
        self.connections: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        listening = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop)
        self._server = listening.result(10)
        self.port = int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            first = await reader.readexactly(8)
            if first == _WANTS_TLS:
                writer.write(b"S")
                await writer.start_tls(self._context)
                shown = writer.get_extra_info("peercert")
                self.connections.append(f"TLS as {_name_in(shown)}" if shown else "TLS")
                first = b""
            else:
                self.connections.append("plain")
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._server_port)
            to_server.write(first)
            await asyncio.gather(_pass_on(reader, to_server), _pass_on(from_server, writer))
        writer.close()


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while part := await source.read(65_536):
            target.write(part)
            await target.drain()
    target.close()


def _name_in(shown: object) -> str:
    assert isinstance(shown, dict)
    return str(dict(part[0] for part in shown["subject"])["commonName"])
