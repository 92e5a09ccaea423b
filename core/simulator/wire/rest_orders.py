"""The REST paths of orders: dry run, place, replace, cancel and listings (broker 2.2, 2.3, 9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta

from core.runtime.clock import EXCHANGE_ZONE, exchange_time
from core.simulator.exchange.client_orders import ClientOrders
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.orders import NOT_FOUND, OrderMessage, OrderRefused, SimOrder
from core.simulator.wire.payloads import Payload, items
from core.simulator.wire.payloads_orders import BodyInvalid, order, order_changes, order_request, order_response
from core.simulator.wire.rest import Answer, Call, Refusal, Route
from core.simulator.wire.rest_accounts import AccountAccess

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
            ("GET", "/accounts/{number}/complex-orders/live", self.complex_orders),
            ("GET", "/accounts/{number}/complex-orders", self.complex_orders),
        ]

    def dry_run(self, call: Call) -> Answer:
        number = self._access.number(call)
        self._advance()
        try:
            run = self._exchange.dry_run(number, order_request(call.body), call.now)
        except (BodyInvalid, OrderRefused) as error:
            raise _refusal(error) from error
        if run.errors or run.order is None:
            raise _preflight_refusal(run.errors)
        return Answer(order_response(run.order, run, self._preflight_id()), status=201)

    def place(self, call: Call) -> Answer:
        number = self._access.number(call)
        self._advance()
        try:
            request = order_request(call.body)
            run = self._exchange.dry_run(number, request, call.now)
            placed = self._orders.place(number, request, call.now, by=call.login)
        except (BodyInvalid, OrderRefused) as error:
            raise _refusal(error) from error
        answer = Answer(order_response(placed, run, self._preflight_id()), status=201)
        self._advance()
        return answer

    def replace(self, call: Call) -> Answer:
        number, order_id = self._access.number(call), int(call.names["id"])
        self._advance()
        try:
            replacement = self._exchange.replace(number, order_id, order_changes(call.body), call.now, by=call.login)
        except (BodyInvalid, OrderRefused) as error:
            raise _refusal(error) from error
        self._advance()
        return Answer(order(replacement))

    def cancel(self, call: Call) -> Answer:
        number, order_id = self._access.number(call), int(call.names["id"])
        self._advance()
        try:
            cancelled = self._exchange.cancel(number, order_id, call.now, by=call.login)
        except OrderRefused as error:
            raise _refusal(error) from error
        self._advance()
        return Answer(order(cancelled))

    def by_id(self, call: Call) -> Answer:
        number, order_id = self._access.number(call), int(call.names["id"])
        self._advance()
        try:
            return Answer(order(self._exchange.order(number, order_id)))
        except OrderRefused as error:
            raise _refusal(error) from error

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
        start, end = _time_range(call)
        found = self._orders.listed(self._exchange.orders(number, start, end))
        statuses, underlyings = call.values("status"), call.values("underlying-symbol")
        if statuses:
            found = [entry for entry in found if entry.status in statuses]
        if underlyings:
            found = [entry for entry in found if entry.underlying_symbol in underlyings]
        found.sort(key=_newest_first, reverse=call.query.get("sort") == "Asc")
        per_page = min(_whole_number(call, "per-page", DEFAULT_PER_PAGE) or DEFAULT_PER_PAGE, MAX_PER_PAGE)
        page = _whole_number(call, "page-offset", 0)
        first = page * per_page
        if (overlapping := self._orders.overlapping_rows(number)) is not None:
            per_page = overlapping
            first = max(0, page * per_page - 1)
        rows = found[first : max(0, min((page + 1) * per_page, len(found)) - page * per_page) + first]
        shown: Payload = {"pagination": pagination(len(found), per_page, page, len(rows))}
        return Answer(items([order(entry) for entry in self._page_with_fault(number, rows)]), extra=shown)

    def complex_orders(self, call: Call) -> Answer:
        """An empty list: this broker takes no complex orders."""
        self._access.number(call)
        return Answer(items([]))

    def _page_with_fault(self, number: str, rows: list[SimOrder]) -> list[SimOrder]:
        return rows[: len(rows) // 2] if self._orders.half_page(number) else rows

    def _preflight_id(self) -> str:
        self._preflights += 1
        return str(self._preflights)


def pagination(total: int, per_page: int, page: int, current: int) -> Payload:
    """The pagination of a listing (broker 2.1)."""
    return {
        "per-page": per_page,
        "page-offset": page,
        "item-offset": page * per_page,
        "total-items": total,
        "total-pages": max(1, -(-total // per_page)),
        "current-item-count": current,
        "previous-link": None,
        "next-link": None,
        "paging-link-template": None,
    }


def _newest_first(entry: SimOrder) -> int:
    return -entry.id


def _preflight_refusal(errors: Sequence[OrderMessage]) -> Refusal:
    """The refusal with these errors: 400 when all say that the request is malformed, else 422."""
    inner = [(error.code, error.message) for error in errors]
    if errors and all(error.code == "validation_error" for error in errors):
        return Refusal(400, "validation_error", "Request validation failed", inner)
    return Refusal(422, *PREFLIGHT_FAILED, inner)


def _refusal(error: BodyInvalid | OrderRefused) -> Refusal:
    if isinstance(error, BodyInvalid):
        return Refusal(400, "validation_error", f"Request validation failed: {error}")
    inner = [(entry.code, entry.message) for entry in error.errors]
    return Refusal(STATUS_OF_CODE.get(error.code, 422), error.code, error.message, inner)


def _time_range(call: Call) -> tuple[datetime, datetime]:
    """Start and end of an order history, from instants or exchange dates. The end is excluded. Raises Refusal."""
    today = exchange_time(call.now).date()
    start = _instant(call, "start-at") or _midnight(_day(call, "start-date") or date(2000, 1, 1))
    end = _instant(call, "end-at") or _midnight((_day(call, "end-date") or today) + timedelta(days=1))
    return start, end


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), EXCHANGE_ZONE).astimezone(UTC)


def _day(call: Call, key: str) -> date | None:
    value = call.query.get(key)
    if value is None:
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError as error:
        raise Refusal(400, "validation_error", f"{key} {value!r} is not a date") from error


def _instant(call: Call, key: str) -> datetime | None:
    value = call.query.get(key)
    if value is None:
        return None
    try:
        instant = datetime.fromisoformat(value)
    except ValueError as error:
        raise Refusal(400, "validation_error", f"{key} {value!r} is not an instant") from error
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def _whole_number(call: Call, key: str, default: int) -> int:
    value = call.query.get(key, str(default))
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise Refusal(400, "validation_error", f"{key} {value!r} is not a whole number")
    return int(value)
