"""Shared by all REST requests: tokens, headers, the form of answers and errors, and faults (broker 2.1, 5).

The answers of each path are in rest_accounts, rest_orders and rest_market.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any, TypeAlias

from aiohttp import web
from multidict import MultiMapping

from core.runtime.clock import Clock
from core.simulator.exchange.armed_faults import ArmedFaults
from core.simulator.exchange.faults import Fault, FaultKind
from core.simulator.wire.oauth import GrantRefused, TokenIssuer
from core.simulator.wire.payloads import Json, Payload, envelope, error_body
from core.simulator.wire.rest_faults import add_foreign_item, drop_mandatory_key, set_odd_field, set_unknown_status

HTML_ERROR = "<html><head><title>Bad Gateway</title></head><body>The server is having a moment.</body></html>"


DROP = 20
"""Bytes of each drop of an answer that drips."""
DROP_SECONDS = 0.3
"""Wall seconds from one drop to the next, unless the fault names them."""


class Refusal(Exception):
    """The request is refused, with an HTTP status, a code and a message. `errors` holds (code, message) pairs."""

    def __init__(self, status: int, code: str, message: str, errors: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.errors = tuple(errors)


@dataclass(frozen=True, slots=True)
class Call:
    """A REST request whose access token is valid."""

    login: str
    names: Mapping[str, str]
    """The named parts of the path, such as the account number."""
    query: MultiMapping[str]
    body: Mapping[str, Any]
    now: datetime
    """Market time."""

    def values(self, key: str) -> list[str]:
        """All values of a query parameter. It may be repeated, have `[]` after its name, or list values with commas."""
        found = [*self.query.getall(key, []), *self.query.getall(f"{key}[]", [])]
        return [part.strip() for value in found for part in value.split(",") if part.strip()]

    def says(self, key: str) -> bool:
        """Whether a query parameter is true, in any case of letters."""
        return "true" in [value.lower() for value in self.values(key)]


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer."""

    data: Payload
    status: int = 200
    extra: Payload = field(default_factory=dict)
    """Keys of the body beside `data`, such as pagination."""


Handler: TypeAlias = Callable[[Call], Answer]
Route: TypeAlias = tuple[str, str, Handler]


class Gateway:
    """Turns handlers into REST endpoints: checks tokens, wraps answers and applies faults."""

    def __init__(self, tokens: TokenIssuer, faults: ArmedFaults, clock: Clock) -> None:
        self._tokens = tokens
        self._faults = faults
        self._clock = clock

    def add_routes(self, app: web.Application, routes: Sequence[Route]) -> None:
        """Adds these routes, the OAuth endpoint, session validation and the answer to unknown paths."""
        app.on_response_prepare.append(self._date)
        app.router.add_post("/oauth/token", self._oauth)
        all_routes: list[Route] = [*routes, ("POST", "/sessions/validate", _validated)]
        for method, path, handler in all_routes:
            app.router.add_route(method, path, self._endpoint(handler))
        app.router.add_route("*", "/{rest:.*}", self._endpoint(_not_found))

    async def _date(self, request: web.Request, response: web.StreamResponse) -> None:
        """Sets the Date header to market time, or leaves it out."""
        missing = self._faults.take(
            FaultKind.DATE_MISSING, self._clock.monotonic(), method=request.method, path=request.path
        )
        response.headers.popall("Date", None)
        if missing is None:
            response.headers["Date"] = self._date_text()

    def _date_text(self) -> str:
        return format_datetime(self._clock.now(), usegmt=True)

    def _endpoint(self, handler: Handler) -> Callable[[web.Request], Any]:
        async def respond(request: web.Request) -> web.StreamResponse:
            async def process() -> tuple[int, Payload]:
                return await self._answer(request, handler)

            return await self._respond(request, process)

        return respond

    async def _oauth(self, request: web.Request) -> web.StreamResponse:
        async def process() -> tuple[int, Payload]:
            body = await _form(request)
            grant = {"client_secret": body.get("client_secret"), "refresh_token": body.get("refresh_token")}
            if body.get("grant_type") != "refresh_token" or not all(isinstance(part, str) for part in grant.values()):
                return 400, {"error_code": "invalid_request", "error_description": "Missing required parameter"}
            try:
                token = self._tokens.grant(
                    str(grant["client_secret"]), str(grant["refresh_token"]), self._clock.monotonic()
                )
            except GrantRefused:
                return 400, {"error_code": "invalid_grant", "error_description": "Grant revoked"}
            life = self._tokens.access_token_seconds
            expires: Json = int(life) if life.is_integer() else life
            return 200, {"access_token": token, "token_type": "Bearer", "expires_in": expires}

        monotonic, method = self._clock.monotonic(), request.method
        refused = self._faults.take(FaultKind.OAUTH_REFUSED, monotonic, method=method, path=request.path)
        if refused is not None:
            return self._refused_login(refused.fault)
        return await self._respond(request, process)

    def _refused_login(self, fault: Fault) -> web.StreamResponse:
        status = fault.code or 400
        match fault.match.field:
            case "html":
                return web.Response(status=status, text=HTML_ERROR, content_type="text/html")
            case "tasty":
                return self._json(status, {"error_code": "invalid_grant", "error_description": "Grant revoked"})
            case _:
                return self._json(status, {"error": "invalid_grant", "error_description": "The grant is not valid"})

    async def _answer(self, request: web.Request, handler: Handler) -> tuple[int, Payload]:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        login = self._tokens.login_of(token, self._clock.monotonic())
        if login is None:
            raise _token_invalid()
        body = await _body(request)
        answer = handler(Call(login, request.match_info, request.query, body, self._clock.now()))
        return answer.status, {**envelope(answer.data, request.path), **answer.extra}

    async def _respond(self, request: web.Request, process: Callable[[], Any]) -> web.StreamResponse:
        """The answer of `process`, changed by the armed faults."""

        def armed(kind: FaultKind) -> Any:
            found = self._faults.take(kind, self._clock.monotonic(), method=request.method, path=request.path)
            return found.fault if found is not None else None

        if not request.headers.get("User-Agent", "").strip():  # without one the broker refuses (broker 2.1)
            return web.Response(status=401, text="<html>401</html>", content_type="text/html")
        if (fault := armed(FaultKind.REST_DELAY_BEFORE)) is not None:
            await request.read()  # it has arrived, even if the client does not wait for the answer
            await self._clock.sleep(fault.seconds or 1.0)
        if armed(FaultKind.REST_DROP_REQUEST) is not None:
            return _drop_connection(request)
        if (fault := armed(FaultKind.REST_5XX_HTML)) is not None:
            return web.Response(status=fault.code or 502, text=HTML_ERROR, content_type="text/html")
        if armed(FaultKind.REST_429) is not None:
            return self._json(429, error_body("too_many_requests", "Too many requests"))
        if armed(FaultKind.REST_TOKEN_INVALID) is not None:
            refused = _token_invalid()
            return self._json(refused.status, error_body(refused.code, refused.message))
        try:
            status, payload = await process()
        except Refusal as refusal:
            status, payload = refusal.status, error_body(refusal.code, refusal.message, refusal.errors)
        if (fault := armed(FaultKind.REST_REFUSED_AFTER)) is not None:
            code = fault.match.field or "preflight_check_failure"
            status, payload = fault.code or 422, error_body(code, "The request was refused")
        if (fault := armed(FaultKind.REST_MISSING_FIELD)) is not None:
            payload = drop_mandatory_key(payload, fault.match)
        if (fault := armed(FaultKind.REST_ODD_FIELD)) is not None:
            payload = set_odd_field(payload, fault.match, fault.value)
        if armed(FaultKind.REST_FOREIGN_ITEM) is not None:
            payload = add_foreign_item(payload, request.path)
        if armed(FaultKind.REST_UNKNOWN_ORDER_STATUS) is not None:
            payload = set_unknown_status(payload)
        if (fault := armed(FaultKind.REST_DELAY_AFTER)) is not None:
            await self._clock.sleep(fault.seconds or 1.0)
        if armed(FaultKind.REST_DROP_RESPONSE) is not None:
            return _drop_connection(request)
        if (fault := armed(FaultKind.REST_5XX_AFTER)) is not None:
            return web.Response(status=fault.code or 502, text=HTML_ERROR, content_type="text/html")
        if (fault := armed(FaultKind.REST_DRIP)) is not None:
            return await self._drip(request, status, json.dumps(payload), fault)
        if armed(FaultKind.REST_GARBAGE) is not None:
            text = json.dumps(payload)
            return self._text(status, text[: max(1, len(text) // 2)])
        if armed(FaultKind.REST_HTML) is not None:
            return web.Response(status=200, text=HTML_ERROR, content_type="text/html")
        if armed(FaultKind.REST_JSON_LIST) is not None:
            return self._text(status, json.dumps([payload]))
        return self._json(status, payload)

    async def _drip(self, request: web.Request, status: int, text: str, fault: Fault) -> web.StreamResponse:
        """Sends the answer in drops, past the server's own writing of answers. The returned response is never sent."""
        transport, body = request.transport, text.encode()
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nDate: {self._date_text()}\r\nConnection: close\r\n\r\n"
        ).encode()
        slowly = head + body if fault.match.field == "headers" else body
        if transport is not None and slowly is body:
            transport.write(head)
        for at in range(0, len(slowly), DROP):
            if transport is None or transport.is_closing():
                break
            transport.write(slowly[at : at + DROP])
            await self._clock.sleep(fault.seconds or DROP_SECONDS)
        if transport is not None:
            transport.close()
        return web.Response(status=500)

    def _json(self, status: int, payload: Payload) -> web.StreamResponse:
        return self._text(status, json.dumps(payload))

    def _text(self, status: int, text: str) -> web.StreamResponse:
        return web.Response(status=status, text=text, content_type="application/json")


def not_found(what: str) -> Refusal:
    """A refusal with 404 record_not_found."""
    return Refusal(404, "record_not_found", f"Couldn't find {what}")


def _validated(call: Call) -> Answer:
    return Answer({"external-id": call.login, "username": call.login}, status=201)


def _not_found(call: Call) -> Answer:
    raise Refusal(404, "not_found", "The requested resource was not found")


def _token_invalid() -> Refusal:
    return Refusal(401, "token_invalid", "This token is invalid or has expired")


def _drop_connection(request: web.Request) -> web.StreamResponse:
    """Cuts the connection. The returned response is never sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _form(request: web.Request) -> Mapping[str, Any]:
    """The body of a login: JSON, or a form as the standard of OAuth has it. Raises Refusal."""
    if request.content_type == "application/x-www-form-urlencoded":
        return dict(await request.post())
    return await _body(request)


async def _body(request: web.Request) -> Mapping[str, Any]:
    """The JSON object in the body of a request, empty without a body. Raises Refusal."""
    try:
        text = await request.text()
        body = json.loads(text) if text.strip() else {}
    except (ValueError, asyncio.IncompleteReadError) as error:
        raise Refusal(400, "validation_error", "Request validation failed: the body is not JSON") from error
    if not isinstance(body, dict):
        raise Refusal(400, "validation_error", "Request validation failed: the body is not an object")
    return body
