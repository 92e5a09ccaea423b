"""The REST paths of complex orders: dry run, place, cancel and listings (broker 2.2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from core.simulator.exchange.complex_orders import ComplexRequest, SimComplexOrder
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.orders import DryRun, OrderRefused
from core.simulator.wire.payloads import items
from core.simulator.wire.payloads_complex import complex_dry_run, complex_order, complex_request, complex_response
from core.simulator.wire.payloads_orders import BodyInvalid
from core.simulator.wire.rest import Answer, Call, Route
from core.simulator.wire.rest_accounts import AccountAccess
from core.simulator.wire.rest_orders import DEFAULT_PER_PAGE, MAX_PER_PAGE, order_refusal, preflight_refusal
from core.simulator.wire.rest_paging import page_of


class ComplexOrdersApi:
    """The handlers of the complex order paths. `advance` brings the exchange up to now and publishes its notices."""

    def __init__(self, exchange: Exchange, access: AccountAccess, advance: Callable[[], None]) -> None:
        self._exchange = exchange
        self._orders = exchange.complex_orders
        self._access = access
        self._advance = advance
        self._preflights = 0

    def routes(self) -> list[Route]:
        return [
            ("POST", "/accounts/{number}/complex-orders/dry-run", self.dry_run),
            ("POST", "/accounts/{number}/complex-orders", self.place),
            ("GET", "/accounts/{number}/complex-orders/live", self.live),
            ("GET", "/accounts/{number}/complex-orders", self.history),
            ("GET", "/accounts/{number}/complex-orders/{id:[0-9]+}", self.by_id),
            ("DELETE", "/accounts/{number}/complex-orders/{id:[0-9]+}", self.cancel),
        ]

    def dry_run(self, call: Call) -> Answer:
        number = self._access.number(call)
        self._advance()
        try:
            request = complex_request(call.body)
            errors = self._orders.validate(number, request, call.now)
        except (BodyInvalid, OrderRefused) as error:
            raise order_refusal(error) from error
        if errors:
            raise preflight_refusal(errors)
        runs = self._runs(number, request, call.now)
        return Answer(complex_dry_run(number, request, runs, self._preflight_id()), status=201)

    def place(self, call: Call) -> Answer:
        number = self._access.number(call)
        self._advance()
        try:
            request = complex_request(call.body)
            first = self._runs(number, request, call.now)[0]
            placed = self._orders.place(number, request, call.now, by=call.login)
        except (BodyInvalid, OrderRefused) as error:
            raise order_refusal(error) from error
        answer = Answer(complex_response(placed, first, self._preflight_id()), status=201)
        self._advance()
        return answer

    def by_id(self, call: Call) -> Answer:
        number = self._access.number(call)
        self._advance()
        return Answer(complex_order(self._known(lambda: self._orders.get(number, int(call.names["id"])))))

    def cancel(self, call: Call) -> Answer:
        number, complex_id = self._access.number(call), int(call.names["id"])
        self._advance()
        cancelled = self._known(lambda: self._orders.cancel(number, complex_id, call.now, by=call.login))
        self._advance()
        return Answer(complex_order(cancelled))

    def live(self, call: Call) -> Answer:
        """Those that still work, and those of today; newest first."""
        number = self._access.number(call)
        self._advance()
        return Answer(items([complex_order(each) for each in self._orders.live(number, call.now)]))

    def history(self, call: Call) -> Answer:
        number = self._access.number(call)
        self._advance()
        page = page_of(call, self._orders.all(number), DEFAULT_PER_PAGE, MAX_PER_PAGE)
        return Answer(items([complex_order(each) for each in page.rows]), extra={"pagination": page.pagination})

    def _runs(self, number: str, request: ComplexRequest, now: datetime) -> list[DryRun]:
        """The dry runs of its orders, the trigger's first."""
        trigger = () if request.trigger is None else (request.trigger,)
        return [self._exchange.dry_run(number, each, now) for each in (*trigger, *request.orders)]

    def _known(self, read: Callable[[], SimComplexOrder]) -> SimComplexOrder:
        try:
            return read()
        except OrderRefused as error:
            raise order_refusal(error) from error

    def _preflight_id(self) -> str:
        self._preflights += 1
        return str(self._preflights)
