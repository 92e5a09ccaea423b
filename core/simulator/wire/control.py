"""The control endpoints under /simulator, which a real broker does not have. They need no token.

GET /simulator/clock returns the market time. /simulator/faults arms, lists and removes faults. /simulator/fill-plan
sets how orders fill. /simulator/tokens revokes tokens. /simulator/act is in acts, /simulator/habits in habits. Only
programs on this machine are answered, and what changes something must be sent as JSON.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from core.runtime.clock import Clock
from core.simulator.exchange.armed_faults import ArmedFault, ArmedFaults
from core.simulator.exchange.faults import ODD_VALUE, Fault, FaultKind, FaultMatch
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.orders import OrderRefused
from core.simulator.wire.oauth import TokenIssuer
from core.simulator.wire.payloads import Payload, iso

Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BodyRefused(ValueError):
    """The body of a control request is invalid. The text names the field, its value and the fix."""


class Control:
    """The handlers of the control endpoints.

    `set_fill_plan` takes a plan and an account number, or None for all accounts.
    """

    def __init__(
        self,
        clock: Clock,
        seed: int,
        faults: ArmedFaults,
        tokens: TokenIssuer,
        set_fill_plan: Callable[[FillPlan, str | None], None],
    ) -> None:
        self._clock = clock
        self._seed = seed
        self._faults = faults
        self._tokens = tokens
        self._set_fill_plan = set_fill_plan

    def add_routes(self, app: web.Application) -> None:
        """Adds the control endpoints to an application."""
        app.router.add_get("/simulator/clock", own_programs_only(self.clock))
        app.router.add_get("/simulator/faults", own_programs_only(self.list_faults))
        app.router.add_post("/simulator/faults", own_programs_only(self.arm))
        app.router.add_delete("/simulator/faults", own_programs_only(self.clear))
        app.router.add_post("/simulator/fill-plan", own_programs_only(self.fill_plan))
        app.router.add_delete("/simulator/tokens", own_programs_only(self.revoke))

    async def clock(self, request: web.Request) -> web.StreamResponse:
        shown: Payload = {
            "market-time": self._clock.now().isoformat(),
            "speed": self._clock.speed,
            "seed": self._seed,
        }
        return web.json_response({"data": shown})

    async def list_faults(self, request: web.Request) -> web.StreamResponse:
        armed = [_fault_json(entry) for entry in self._faults.listing(self._clock.monotonic())]
        return web.json_response({"data": {"items": armed}})

    async def arm(self, request: web.Request) -> web.StreamResponse:
        fault = parse_fault(await json_object(request))
        armed = self._faults.arm(fault, self._clock.now(), self._clock.monotonic())
        return web.json_response({"data": _fault_json(armed)}, status=201)

    async def clear(self, request: web.Request) -> web.StreamResponse:
        self._faults.clear()
        return web.json_response({"data": {"items": []}})

    async def fill_plan(self, request: web.Request) -> web.StreamResponse:
        body = await json_object(request)
        try:
            plan = FillPlan(body.get("plan"))
        except ValueError as error:
            plans = ", ".join(each.value for each in FillPlan)
            raise BodyRefused(f"plan {body.get('plan')!r} is not known; use one of {plans}") from error
        account = body.get("account")
        if account is not None and not isinstance(account, str):
            raise BodyRefused(f"account {account!r} is not text; give an account number, or leave it out for all")
        try:
            self._set_fill_plan(plan, account)
        except OrderRefused as error:
            raise BodyRefused(f"account {account!r} does not exist; give a number of this simulator") from error
        return web.json_response({"data": {"plan": plan.value, "account": account}})

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        """Revokes all access tokens and quote tokens. Refresh tokens still work."""
        self._tokens.revoke_access()
        self._tokens.revoke_quote_tokens()
        return web.json_response({"data": {}})


def parse_fault(body: Mapping[str, Any]) -> Fault:
    """The fault that a JSON object describes. Raises BodyRefused."""
    unknown = set(body) - {"kind", "count", "seconds", "code", "match", "value"}
    if unknown:
        raise BodyRefused(f"field {min(unknown)!r} is not known; use kind, count, seconds, code, match, value")
    try:
        kind = FaultKind(body.get("kind"))
    except ValueError as error:
        kinds = ", ".join(sorted(each.value for each in FaultKind))
        raise BodyRefused(f"kind {body.get('kind')!r} is not known; use one of {kinds}") from error
    count = body.get("count", 1)
    if count is not None and (isinstance(count, bool) or not isinstance(count, int)):
        raise BodyRefused(f"count {count!r} is not a whole number; give one, or null for every occurrence")
    seconds = body.get("seconds")
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float)):
        raise BodyRefused(f"seconds {seconds!r} is not a number; give wall seconds, or leave it out")
    code = body.get("code")
    if code is not None and (isinstance(code, bool) or not isinstance(code, int)):
        raise BodyRefused(f"code {code!r} is not a whole number; give an HTTP status or a close code")
    try:
        wanted = None if seconds is None else float(seconds)
        return Fault(kind, count, wanted, code, _match(body.get("match")), body.get("value", ODD_VALUE))
    except ValueError as error:
        raise BodyRefused(str(error)) from error


def _match(value: object) -> FaultMatch:
    if value is None:
        return FaultMatch()
    if not isinstance(value, dict):
        raise BodyRefused(f'match {value!r} is not an object; give for example {{"path": "/accounts"}}')
    known = [entry.name for entry in fields(FaultMatch)]
    for key, part in value.items():
        if key not in known:
            raise BodyRefused(f"match.{key} is not known; use {', '.join(known)}")
        if not isinstance(part, str):
            raise BodyRefused(f"match.{key} {part!r} is not text; give a string")
    method = value.get("method")
    return FaultMatch(**{**value, "method": method.upper() if method is not None else None})


def _fault_json(armed: ArmedFault) -> Payload:
    fault = armed.fault
    match = {entry.name: getattr(fault.match, entry.name) for entry in fields(FaultMatch)}
    return {
        "id": armed.number,
        "kind": fault.kind.value,
        "count": armed.left,
        "seconds": fault.seconds,
        "code": fault.code,
        "match": {name: value for name, value in match.items() if value is not None},
        "value": fault.value,
        "since": iso(armed.since),
    }


def own_programs_only(endpoint: Endpoint) -> Endpoint:
    """The endpoint for programs on this machine: others get 403, and so does a web page that a browser here shows.

    A page's request has an Origin, or comes by a name that was pointed at this machine. What changes something is
    taken as JSON only (415 otherwise), a type that a page cannot send without asking first. A BodyRefused becomes 400.
    """

    async def respond(request: web.Request) -> web.StreamResponse:
        if not _is_loopback(request.remote) or "Origin" in request.headers or not _is_loopback_name(request.host):
            return _refused(403, "not_permitted", "The control endpoint answers programs on this machine only")
        if request.method not in ("GET", "HEAD") and request.content_type != "application/json":
            return _refused(415, "unsupported_media_type", "send it as application/json")
        try:
            return await endpoint(request)
        except BodyRefused as refused:
            return _refused(400, "validation_error", str(refused))

    return respond


def _refused(status: int, code: str, message: str) -> web.StreamResponse:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)


def _is_loopback(address: str | None) -> bool:
    try:
        return address is not None and ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _is_loopback_name(host: str) -> bool:
    """Whether a Host header names this machine as no name server can: by its loopback address, or as localhost."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return name == "localhost" or _is_loopback(name)


async def json_object(request: web.Request) -> Mapping[str, Any]:
    try:
        body = json.loads(await request.text())
    except ValueError as error:
        raise BodyRefused("the body is not JSON; send a JSON object") from error
    if not isinstance(body, dict):
        raise BodyRefused(f"the body {body!r} is not an object; send a JSON object")
    return body
