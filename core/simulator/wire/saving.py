"""POST /simulator/save: writes the simulator's state into the file it was started with, for another that goes on.

From then on nothing changes this one any more: what it did would be lost. Requests that would are answered with 503.
"""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from core.runtime.clock import Clock
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.saved import write_state
from core.simulator.wire.control import BodyRefused, json_object, own_programs_only
from core.simulator.wire.settings import SaveTo


class Saving:
    """The handler of the request. `clock` tells the instant of the state."""

    def __init__(self, exchange: Exchange, clock: Clock, save_to: SaveTo | None) -> None:
        self._exchange = exchange
        self._clock = clock
        self._save_to = save_to
        self.done = False
        """Whether the state was written."""

    def add_routes(self, app: web.Application) -> None:
        """Adds the endpoint to an application, and what keeps a saved simulator as it is."""
        app.router.add_post("/simulator/save", own_programs_only(self._save))
        app.middlewares.append(self._unchanged)

    async def _save(self, request: web.Request) -> web.StreamResponse:
        await json_object(request)
        if self._save_to is None:
            raise BodyRefused("this simulator was started without a file for its state")
        now = self._clock.now()
        write_state(self._save_to.path, self._exchange.saved(now), self._save_to.code)
        self.done = True
        return web.json_response({"data": {"at": now.isoformat(), "path": str(self._save_to.path)}})

    @web.middleware
    async def _unchanged(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.done and request.method not in ("GET", "HEAD"):
            error = {"code": "service_unavailable", "message": "this simulator was saved and ends"}
            return web.json_response({"error": error}, status=503)
        return await handler(request)
