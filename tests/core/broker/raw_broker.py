"""A server on this machine that gives the raw answers that a test sets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

from aiohttp import web

from core.domain.orders.orders import OrderLeg, OrderRequest
from core.domain.trident.trident import Action
from core.runtime.clock import SystemClock

ACCOUNT = "5WT00001"
IDENTIFIER = "senex-0123456789abcdef"
SECRET, REFRESH = "client-secret-value", "refresh-token-value"
ORDERS = f"/accounts/{ACCOUNT}/orders"
SESSIONS = "/market-time/sessions/current"

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class InstantClock(SystemClock):
    """The real clock, but it notes waits instead of waiting."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


class RawBroker:
    """Gives the answers a test sets by method and path; the last answer repeats. Logins succeed."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self.queries: list[dict[str, str]] = []
        self.tokens = 0
        self.answers: dict[tuple[str, str], list[Answer]] = {}
        self._runner: web.AppRunner | None = None
        self.port = 0
        self.date: datetime | None = None
        """The time that its answers tell; None for the machine's."""
        self.on("POST", "/oauth/token", self.grant_token)

    def on(self, method: str, path: str, *answers: Answer) -> None:
        self.answers[(method, path)] = list(answers)

    def count(self, method: str, path: str) -> int:
        return self.requests.count((method, path))

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        app.on_response_prepare.append(self._tell_time)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = int(self._runner.addresses[0][1])

    async def _tell_time(self, _: web.Request, response: web.StreamResponse) -> None:
        if self.date is not None:
            response.headers["Date"] = format_datetime(self.date, usegmt=True)

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        key = (request.method, request.path)
        self.requests.append(key)
        self.queries.append(dict(request.query))
        body = await request.read()
        self.bodies.append(json.loads(body) if body else None)
        answers = self.answers.get(key)
        if not answers:
            return web.json_response({"error": {"code": "record_not_found", "message": "no"}}, status=404)
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return await answer(request)

    async def grant_token(self, request: web.Request) -> web.StreamResponse:
        self.tokens += 1
        return web.json_response({"access_token": f"access-{self.tokens}", "expires_in": 900, "token_type": "Bearer"})


def json_answer(body: Any, status: int = 200) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status)

    return answer


def text_answer(text: str, status: int = 200, content_type: str = "text/html") -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, status=status, content_type=content_type)

    return answer


def refusal(code: str, status: int, message: str = "no") -> Answer:
    return json_answer({"error": {"code": code, "message": message}}, status)


async def dropped(request: web.Request) -> web.StreamResponse:
    """Closes the connection without a byte of answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def session_json(state: str = "Open") -> dict[str, Any]:
    """The equities session in this state, an hour after its open and an hour before its close."""
    now, hour = datetime.now(UTC), timedelta(hours=1)
    times = {"open-at": (now - hour).isoformat(), "close-at": (now + hour).isoformat()}
    return {"data": {"items": [{"instrument-collection": "Equity", "state": state, **times}]}}


def order_json(**changes: Any) -> dict[str, Any]:
    """An order as JSON, in the shape recorded from the broker (broker 2.3)."""
    order: dict[str, Any] = {
        "id": 1010,
        "account-number": ACCOUNT,
        "time-in-force": "Day",
        "order-type": "Limit",
        "size": 1,
        "underlying-symbol": "QQQ",
        "underlying-instrument-type": "Equity",
        "price": "4.06",
        "price-effect": "Credit",
        "status": "Received",
        "cancellable": True,
        "editable": True,
        "edited": False,
        "received-at": "2026-11-22T14:30:00.000+00:00",
        "updated-at": 1795357800000,
        "external-identifier": IDENTIFIER,
        "legs": [
            {
                "instrument-type": "Equity Option",
                "symbol": "QQQ   261224P00622000",
                "quantity": 2,
                "remaining-quantity": 2,
                "action": "Sell to Open",
                "fills": [],
            }
        ],
    }
    order.update(changes)
    return {key: value for key, value in order.items() if value is not None}


def placed_json(**changes: Any) -> dict[str, Any]:
    """The broker's answer to an order or a dry run."""
    return {
        "data": {
            "order": order_json(**changes),
            "buying-power-effect": {
                "change-in-margin-requirement": "190.0",
                "change-in-margin-requirement-effect": "Debit",
                "change-in-buying-power": "195.4",
                "change-in-buying-power-effect": "Debit",
                "current-buying-power": "25000.0",
                "current-buying-power-effect": "Credit",
                "new-buying-power": "24804.6",
                "new-buying-power-effect": "Credit",
                "isolated-order-margin-requirement": "190.0",
                "isolated-order-margin-requirement-effect": "Debit",
                "is-spread": True,
                "impact": "195.4",
                "effect": "Debit",
            },
            "fee-calculation": {
                key: value
                for name, amount in (
                    ("regulatory-fees", "0.2"),
                    ("clearing-fees", "0.6"),
                    ("commission", "4.6"),
                    ("proprietary-index-option-fees", "0.0"),
                    ("total-fees", "5.4"),
                )
                for key, value in ((name, amount), (f"{name}-effect", "Debit"))
            },
            "warnings": [{"code": "tif_next_valid_sesssion", "message": "next session"}],
        }
    }


def trident_request() -> OrderRequest:
    legs = (
        OrderLeg("QQQ   261224P00622000", Action.SELL_TO_OPEN, 2),
        OrderLeg("QQQ   261224P00619000", Action.BUY_TO_OPEN, 2),
        OrderLeg("QQQ   261224C00622000", Action.SELL_TO_OPEN, 1),
        OrderLeg("QQQ   261224C00625000", Action.BUY_TO_OPEN, 1),
    )
    return OrderRequest("QQQ", legs, Decimal("4.06"), IDENTIFIER)
