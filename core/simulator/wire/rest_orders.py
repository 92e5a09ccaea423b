"""The REST paths of orders: dry run, place, replace, cancel and listings (broker 2.2, 2.3, 9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.simulator.exchange.client_orders import ClientOrders
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.orders import NOT_FOUND, OrderMessage, OrderRefused, SimOrder
from core.simulator.wire.payloads import items
from core.simulator.wire.payloads_orders import BodyInvalid, order, order_changes, order_request, order_response
from core.simulator.wire.rest import Answer, Call, Refusal, Route
from core.simulator.wire.rest_accounts import AccountAccess
from core.simulator.wire.rest_paging import page_of, time_range

PREFLIGHT_FAILED = ("preflight_check_failure", "One or more preflight checks failed")
STATUS_OF_CODE = {NOT_FOUND: 404, "not_permitted": 403, "validation_error": 400}
"""The HTTP status of a refusal by its code. Every other code has status 422 (broker 5)."""

DEFAULT_PER_PAGE = 50
MAX_PER_PAGE = 250


class OrdersApi:
    """The handlers of the order paths. `advance` brings the exchange up to now and publishes its notices."""

    def __init__(
        self, exchange: Exchange, orders: ClientOrders, access: AccountAccess, advance: Callable[[], None]
    ) -> None:
        self._exchange = exchange
        self._orders = orders
        self._access = access
        self._advance = advance
        self._preflights = 0

    def routes(self) -> list[Route]:
        return [
            ("POST", "/accounts/{number}/orders/dry-run", self.dry_run),
            ("POST", "/accounts/{number}/orders", self.place),
            ("GET", "/accounts/{number}/orders/live", self.live),
            ("GET", "/accounts/{number}/orders", self.history),
            ("GET", "/accounts/{number}/orders/{id:[0-9]+}", self.by_id),
            ("PUT", "/accounts/{number}/orders/{id:[0-9]+}", self.replace),
            ("DELETE", "/accounts/{number}/orders/{id:[0-9]+}", self.cancel),
        ]

    def dry_run(self, call: Call) -> Answer:
        number = self._access.number(call)
        self._advance()
        try:
            run = self._exchange.dry_run(number, order_request(call.body), call.now)
        except (BodyInvalid, OrderRefused) as error:
            raise order_refusal(error) from error
        if run.errors or run.order is None:
            raise preflight_refusal(run.errors)
        return Answer(order_response(run.order, run, self._preflight_id()), status=201)

    def place(self, call: Call) -> Answer:
        number = self._access.number(call)
        self._advance()
        try:
            request = order_request(call.body)
            run = self._exchange.dry_run(number, request, call.now)
            placed = self._orders.place(number, request, call.now, by=call.login)
        except (BodyInvalid, OrderRefused) as error:
            raise order_refusal(error) from error
        answer = Answer(order_response(placed, run, self._preflight_id()), status=201)
        self._advance()
        return answer

    def replace(self, call: Call) -> Answer:
        number, order_id = self._access.number(call), int(call.names["id"])
        self._advance()
        try:
            replacement = self._exchange.replace(number, order_id, order_changes(call.body), call.now, by=call.login)
        except (BodyInvalid, OrderRefused) as error:
            raise order_refusal(error) from error
        self._advance()
        return Answer(order(replacement))

    def cancel(self, call: Call) -> Answer:
        number, order_id = self._access.number(call), int(call.names["id"])
        self._advance()
        try:
            cancelled = self._orders.cancel(number, order_id, call.now, by=call.login)
        except OrderRefused as error:
            raise order_refusal(error) from error
        self._advance()
        return Answer(order(cancelled))

    def by_id(self, call: Call) -> Answer:
        number, order_id = self._access.number(call), int(call.names["id"])
        self._advance()
        try:
            return Answer(order(self._exchange.order(number, order_id)))
        except OrderRefused as error:
            raise order_refusal(error) from error

    def live(self, call: Call) -> Answer:
        """The orders that still work, and those that ended today; newest first."""
        number = self._access.number(call)
        self._advance()
        found = self._orders.listed(self._exchange.live_orders(number, call.now))
        found.sort(key=_newest_first)
        return Answer(items([order(entry) for entry in self._page_with_fault(number, found)]))

    def history(self, call: Call) -> Answer:
        number = self._access.number(call)
        self._advance()
        start, end = time_range(call)
        found = self._orders.listed(self._exchange.orders(number, start, end))
        statuses, underlyings = call.values("status"), call.values("underlying-symbol")
        if statuses:
            found = [entry for entry in found if entry.status in statuses]
        if underlyings:
            found = [entry for entry in found if entry.underlying_symbol in underlyings]
        found.sort(key=_newest_first, reverse=call.query.get("sort") == "Asc")
        page = page_of(call, found, DEFAULT_PER_PAGE, MAX_PER_PAGE, self._orders.overlapping_rows(number))
        shown = [order(entry) for entry in self._page_with_fault(number, page.rows)]
        return Answer(items(shown), extra={"pagination": page.pagination})

    def _page_with_fault(self, number: str, rows: Sequence[SimOrder]) -> Sequence[SimOrder]:
        return rows[: len(rows) // 2] if self._orders.half_page(number) else rows

    def _preflight_id(self) -> str:
        self._preflights += 1
        return str(self._preflights)


def _newest_first(entry: SimOrder) -> int:
    return -entry.id


def preflight_refusal(errors: Sequence[OrderMessage]) -> Refusal:
    """The refusal with these errors: 400 when all say that the request is malformed, else 422."""
    inner = [(error.code, error.message) for error in errors]
    if errors and all(error.code == "validation_error" for error in errors):
        return Refusal(400, "validation_error", "Request validation failed", inner)
    return Refusal(422, *PREFLIGHT_FAILED, inner)


def order_refusal(error: BodyInvalid | OrderRefused) -> Refusal:
    """The refusal of an order whose body is invalid, or that the exchange refuses."""
    if isinstance(error, BodyInvalid):
        return Refusal(400, "validation_error", f"Request validation failed: {error}")
    inner = [(entry.code, entry.message) for entry in error.errors]
    return Refusal(STATUS_OF_CODE.get(error.code, 422), error.code, error.message, inner)
