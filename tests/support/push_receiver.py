"""A real HTTP server on a free port of this machine, which stands for the service of a phone and misbehaves as told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

KEY = "Geheim-9f3b2a7c51"
"""The secret part of the receiver's address."""


@dataclass
class Receiver:
    """Keeps the messages that were posted, and has the answer to give."""

    taken: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    slow_s: float = 0.0
    body_megabytes: int = 0
    endless: bool = False
    port: int = 0

    @property
    def address(self) -> str:
        """Its address for Apprise."""
        return f"json://127.0.0.1:{self.port}/{KEY}"

    @property
    def subjects(self) -> list[str]:
        return [str(message["title"]) for message in self.taken]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        said = await request.json() if request.can_read_body else {}
        await asyncio.sleep(self.slow_s)
        if self.status == 200:
            self.taken.append(said)
        response = web.StreamResponse(status=self.status, headers=self.headers)
        await response.prepare(request)
        with suppress(ConnectionError):
            await response.write(json.dumps({"you sent": request.path}).encode())  # some say more than they should
            for _ in range(self.body_megabytes):
                await response.write(b"x" * 2**20)
            while self.endless:
                await response.write(b"x")
                await asyncio.sleep(0.1)
        return response


@asynccontextmanager
async def receiving(receiver: Receiver | None = None) -> AsyncIterator[Receiver]:
    """Runs the receiver."""
    receiver = receiver or Receiver()
    app = web.Application(client_max_size=2**20)
    app.router.add_route("*", "/{rest:.*}", receiver.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", receiver.port)
    await site.start()
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        await runner.cleanup()
