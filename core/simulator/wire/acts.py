"""POST /simulator/act: what other people, and the broker itself, do at the broker while a client is connected.

The body names the act, the account and what ACTS says beside it. `by` is the login that acts, by default the account's
own for orders and `staff` for a removal. The answer is the order's JSON where there is one. Like all control endpoints
it answers programs on this machine only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from aiohttp import web

from core.runtime.clock import Clock, exchange_time
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.handling import Handling
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.orders import OrderChanges, OrderRefused, SimOrder, closing_order
from core.simulator.market.market import Market
from core.simulator.wire.control import BodyRefused, json_object, own_programs_only
from core.simulator.wire.payloads_orders import BodyInvalid, order_request
from core.simulator.wire.payloads_orders import order as order_json

ACTS: Mapping[str, frozenset[str]] = {
    "place": frozenset({"order", "by", "plan", "seconds"}),
    "cancel": frozenset({"id", "by"}),
    "replace": frozenset({"id", "price", "keeps-identifier", "by"}),
    "close": frozenset({"symbols", "by"}),
    "fill": frozenset({"id", "price", "packages"}),
    "remove": frozenset({"id", "by"}),
    "revive": frozenset({"id"}),
    "forget": frozenset({"id"}),
    "wipe": frozenset(),
    "give": frozenset({"contracts"}),
    "assign": frozenset({"symbol", "quantity", "now"}),
    "desk": frozenset(),
    "halt": frozenset({"symbol", "seconds"}),
    "split": frozenset({"symbol", "ratio", "date"}),
}
"""The acts, each with its fields.

`order` is the body of POST /orders, `plan` a FillPlan, `seconds` how many wall seconds later the order arrives. `id` is
the id of an order. `price` is signed like a credit; without `keeps-identifier` (true) a replacement has no identifier.
`fill` fills an order whatever the market says: all that is left, or so many `packages`, at its own price or at `price`.
`symbols` are the positions to close, by default all; `contracts` maps OCC symbols, or that of shares, to numbers,
negative when short. `assign` assigns `quantity` (1) short contracts of `symbol` in the next morning's postings, or at
once with `now`. `desk` has the risk desk close what the account holds of the nearest expiration that delivers shares.
`halt` halts an underlying for `seconds` of wall time, for everybody. `split` makes `ratio` shares of each share of a
fund, from the first session on or after `date` (the day after today), in all accounts.
"""

OF_THE_MARKET = frozenset({"halt", "split"})
"""The acts that need no account."""


class Acts:
    """The handler of the acts. `advance` brings the exchange up to now and publishes its notices."""

    def __init__(self, exchange: Exchange, market: Market, clock: Clock, advance: Callable[[], None]) -> None:
        self._exchange = exchange
        self._market = market
        self._clock = clock
        self._advance = advance
        self._handlers: Mapping[str, Callable[[str, Mapping[str, Any]], SimOrder | None]] = {
            "place": self._place,
            "cancel": self._cancel,
            "replace": self._replace,
            "close": self._close,
            "fill": self._fill,
            "remove": self._remove,
            "revive": self._revive,
            "forget": self._forget,
            "wipe": self._wipe,
            "give": self._give,
            "assign": self._assign,
            "desk": self._desk,
            "halt": self._halt,
            "split": self._split,
        }

    def add_routes(self, app: web.Application) -> None:
        """Adds the endpoint to an application."""
        app.router.add_post("/simulator/act", own_programs_only(self._respond))

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        body = await json_object(request)
        act = body.get("act")
        if not isinstance(act, str) or act not in ACTS:
            raise BodyRefused(f"act {act!r} is not known; use one of {', '.join(sorted(ACTS))}")
        unknown = set(body) - ACTS[act] - {"act", "account"}
        if unknown:
            names = ", ".join(sorted({"act", "account"} | ACTS[act]))
            raise BodyRefused(f"field {min(unknown)!r} is not known; use {names}")
        self._advance()
        try:
            number = _text(body, "account", "" if act in OF_THE_MARKET else None)
            done = self._handlers[act](number, body)
        except (OrderRefused, BodyInvalid) as error:
            raise BodyRefused(str(error)) from error
        self._advance()
        return web.json_response({"data": order_json(done) if done is not None else {}})

    def _place(self, number: str, body: Mapping[str, Any]) -> SimOrder | None:
        wanted, by = body.get("order"), _text(body, "by", "")
        if not isinstance(wanted, dict):
            raise BodyRefused(f"order {wanted!r} is not an object; give the body of POST /orders")
        request, now = order_request(wanted), self._clock.now()
        late = self._market_time(body)
        if late:
            self._exchange.submit_late(number, request, now + late, by=by)
            return None
        return self._exchange.submit(number, request, now, by=by, handling=Handling(plan=_plan(body)))

    def _cancel(self, number: str, body: Mapping[str, Any]) -> SimOrder:
        return self._exchange.cancel(number, _id(body), self._clock.now(), by=_text(body, "by", ""))

    def _replace(self, number: str, body: Mapping[str, Any]) -> SimOrder:
        price, old = _decimal(body, "price", "3.50, or -3.50 for a debit"), self._exchange.order(number, _id(body))
        effect = "Debit" if price < 0 else "Credit"
        changes = OrderChanges(old.time_in_force, old.order_type, abs(price), effect, gtc_date=old.gtc_date)
        return self._exchange.replace(
            number,
            old.id,
            changes,
            self._clock.now(),
            by=_text(body, "by", ""),
            keeps_identifier=body.get("keeps-identifier", True) is not False,
        )

    def _close(self, number: str, body: Mapping[str, Any]) -> SimOrder:
        now, symbols = self._clock.now(), body.get("symbols")
        if symbols is not None and not isinstance(symbols, list):
            raise BodyRefused(f"symbols {symbols!r} is not a list; give OCC symbols, or leave it out for all")
        held = [p for p in self._exchange.positions(number, now) if symbols is None or p.symbol in symbols]
        by = _text(body, "by", "")
        return self._exchange.submit(
            number, closing_order(held), now, by=by, handling=Handling(plan=FillPlan.IMMEDIATE)
        )

    def _fill(self, number: str, body: Mapping[str, Any]) -> SimOrder:
        price = _decimal(body, "price", "3.50, or -3.50 for a debit") if "price" in body else None
        packages = body.get("packages")
        if packages is not None and not (_is_whole(packages) and packages > 0):
            raise BodyRefused(f"packages {packages!r} is not a whole number above 0; leave it out for all")
        return self._exchange.back_office.fill(number, _id(body), self._clock.now(), price, packages)

    def _remove(self, number: str, body: Mapping[str, Any]) -> SimOrder:
        return self._exchange.back_office.remove(number, _id(body), self._clock.now(), by=_text(body, "by", "staff"))

    def _revive(self, number: str, body: Mapping[str, Any]) -> SimOrder:
        return self._exchange.back_office.revive(number, _id(body), self._clock.now())

    def _forget(self, number: str, body: Mapping[str, Any]) -> None:
        self._exchange.back_office.forget(number, _id(body), self._clock.now())

    def _wipe(self, number: str, body: Mapping[str, Any]) -> None:
        self._exchange.back_office.wipe(number, self._clock.now())

    def _give(self, number: str, body: Mapping[str, Any]) -> None:
        contracts = body.get("contracts")
        if not isinstance(contracts, dict) or not all(_is_whole(count) for count in contracts.values()):
            raise BodyRefused(f"contracts {contracts!r} is not an object of whole numbers by OCC symbol")
        self._exchange.back_office.give(number, contracts, self._clock.now())

    def _assign(self, number: str, body: Mapping[str, Any]) -> None:
        quantity, at_once = body.get("quantity", 1), body.get("now", False)
        if not _is_whole(quantity):
            raise BodyRefused(f"quantity {quantity!r} is not a whole number of contracts")
        if not isinstance(at_once, bool):
            raise BodyRefused(f"now {at_once!r} is neither true nor false")
        symbol = _text(body, "symbol")
        self._exchange.back_office.assign(number, symbol, quantity, self._clock.now(), at_once=at_once)

    def _desk(self, number: str, body: Mapping[str, Any]) -> None:
        self._exchange.back_office.liquidate(number, self._clock.now())

    def _halt(self, number: str, body: Mapping[str, Any]) -> None:
        symbol, now = _text(body, "symbol"), self._clock.now()
        if symbol not in self._market.symbols:
            raise BodyRefused(f"symbol {symbol!r} is no underlying; use {', '.join(self._market.symbols)}")
        self._market.halt(symbol, now, now + self._market_time(body))

    def _split(self, number: str, body: Mapping[str, Any]) -> None:
        now, ratio = self._clock.now(), _decimal(body, "ratio", "2, or 0.5 for fewer shares")
        tomorrow = exchange_time(now).date() + timedelta(days=1)
        told = _text(body, "date", tomorrow.isoformat())
        try:
            on = date.fromisoformat(told)
        except ValueError as error:
            raise BodyRefused(f"date {told!r} is no date; write 2026-11-30") from error
        self._exchange.back_office.split(_text(body, "symbol"), ratio, on, now)

    def _market_time(self, body: Mapping[str, Any]) -> timedelta:
        """The market time of the wall seconds in a body, none without them. Raises BodyRefused."""
        seconds = body.get("seconds", 0)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= 86_400:
            raise BodyRefused(f"seconds {seconds!r} is outside 0..86400; give wall seconds")
        return timedelta(seconds=seconds * self._clock.speed)


def _text(body: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = body.get(key, default)
    if not isinstance(value, str):
        raise BodyRefused(f"{key} {value!r} is not text")
    return value


def _id(body: Mapping[str, Any]) -> int:
    value = body.get("id")
    if not _is_whole(value):
        raise BodyRefused(f"id {value!r} is not a whole number; give the id of an order")
    return int(str(value))


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _decimal(body: Mapping[str, Any], key: str, example: str) -> Decimal:
    try:
        number = Decimal(str(body.get(key)))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise BodyRefused(f"{key} {body.get(key)!r} is not a number; give {example}")
    return number


def _plan(body: Mapping[str, Any]) -> FillPlan | None:
    if "plan" not in body:
        return None
    try:
        return FillPlan(body["plan"])
    except ValueError as error:
        raise BodyRefused(f"plan {body['plan']!r} is not known; use {', '.join(p.value for p in FillPlan)}") from error
