"""Orders at the broker: dry run, one send judged by evidence, cancel, and complete listings (rules 9)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx2
from tastytrade.order import (
    AdvancedInstructions,
    InstrumentType,
    Leg,
    LimitOrder,
    OrderAction,
    OrderTimeInForce,
)

from core.broker.port import BrokerError, BrokerFault, DryRunAnswer, WireGuard
from core.broker.tastytrade.connection import Connection
from core.broker.tastytrade.evidence import Evidence, WireRefused, observed
from core.broker.tastytrade.faults import (
    data_of,
    error_body,
    error_words,
    transport_words,
    unreadable_words,
)
from core.broker.tastytrade.fields import Unreadable, json_object
from core.broker.tastytrade.order_mapping import dry_run_answer, messages, order_report
from core.broker.tastytrade.pages import all_pages, complete_items
from core.domain.operation.failures import failure_class, failure_words
from core.domain.orders.order_states import OrderState, state_for
from core.domain.orders.orders import OrderReport, OrderRequest, SendClass, SendOutcome
from core.runtime.clock import exchange_time

log = logging.getLogger(__name__)

PAGE = 100
NEVER_CONNECTED = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
DEFINITE_REFUSALS = frozenset({400, 401, 403, 422})


class Orders:
    """The orders of the accounts of one login."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def dry_run(self, number: str, request: OrderRequest) -> DryRunAnswer:
        """Has the broker check an order without placing it.

        Raises BrokerError; REFUSED carries the broker's code and words.
        """
        c, account = self._connection, self._connection.account(number)
        order = new_order(request)
        what = "dry run"
        body = await c.call_body(lambda: account.place_order(c.session, order, dry_run=True), what)
        try:
            data = data_of(body, what)
            errors = messages(data, "errors")
            if errors:
                words = "; ".join(f"{code}: {message}" for code, message in errors)
                raise BrokerError(BrokerFault.REFUSED, c.masked(f"{what}: {words}"), errors[0][0])
            return dry_run_answer(data)
        except Unreadable as error:
            raise BrokerError(BrokerFault.UNREADABLE, f"{what}: {unreadable_words(error)}") from None

    async def send(self, number: str, request: OrderRequest, guard: WireGuard) -> SendOutcome:
        """Sends the order once, within `Timings.order`. Shield the call from cancellation: a cancelled send has no
        outcome.

        `guard` is called in the request hook, and again when the connection stands. When it refuses, nothing has left.
        """
        c, account = self._connection, self._connection.account(number)
        evidence = Evidence(order_path=f"/accounts/{number}/orders", guard=guard)
        failure: Exception | None = None
        try:
            async with asyncio.timeout(c.timings.order):
                # Before the order: when this refresh fails, it is proved that nothing left (rules 9).
                await c.ensure_token()
                with observed(evidence):
                    await account.place_order(c.session, new_order(request), dry_run=False)
        except Exception as error:  # every failure becomes an outcome; the evidence decides which
            failure = error
        outcome = outcome_of(number, request, evidence, failure)
        return SendOutcome(
            outcome.kind, c.masked(outcome.detail), outcome.left, outcome.status, outcome.code, outcome.report
        )

    async def cancel(self, number: str, order_id: str) -> None:
        """Requests once that a working order is cancelled. Raises BrokerError, REFUSED when the broker says no.

        After any other error the order counts as working until it is read again (rules 9).
        """
        c, account = self._connection, self._connection.account(number)
        await c.call(lambda: account.delete_order(c.session, int(order_id)), "cancel", within_s=c.timings.cancel)

    async def order(self, number: str, order_id: str) -> OrderReport:
        """The order with this broker id. Raises BrokerError."""
        c, account = self._connection, self._connection.account(number)
        body = await c.read_body(lambda: account.get_order(c.session, int(order_id)), "order")
        [report] = _reports([data_of(body, "order")], "order")
        if report.order_id != order_id:
            raise BrokerError(BrokerFault.UNREADABLE, f"order: asked for {order_id}, the answer is about another one")
        return report

    async def live_orders(self, number: str) -> tuple[OrderReport, ...]:
        """The orders that still work and those that changed today, by id. Raises BrokerError."""
        return _merged(await self._live(number))

    async def _live(self, number: str) -> list[OrderReport]:
        c, account = self._connection, self._connection.account(number)
        body = await c.read_body(lambda: account.get_live_orders(c.session), "live orders")
        return list(_reports(complete_items([body], "live orders"), "live orders"))

    async def orders_since(self, number: str, first_day: date) -> tuple[OrderReport, ...]:
        """The live orders and those from the exchange date `first_day` on, in any status, each in its newest state.

        All pages are read and merged by order id. Raises BrokerError; UNREADABLE when the listing is incomplete,
        because that proves nothing.
        """
        # Side by side: both have today's orders in any status (broker 2), so none can slip from one past the other.
        reports, items = await asyncio.gather(self._live(number), self._history(number, first_day))
        return _merged([*reports, *_reports(items, "orders")])

    async def _history(self, number: str, first_day: date) -> list[Any]:
        c, account = self._connection, self._connection.account(number)
        return await all_pages(
            lambda offset: c.read_body(
                lambda: account.get_order_history(
                    c.session,
                    per_page=PAGE,
                    page_offset=offset,
                    start_date=first_day,
                    # It is not documented whether the end is included; one more day does no harm.
                    end_date=exchange_time(c.clock.now()).date() + timedelta(days=1),
                ),
                "orders",
            ),
            "orders",
        )


def new_order(request: OrderRequest) -> LimitOrder:
    """The SDK's limit order. The SDK takes a credit as a positive price, a debit as a negative one (broker 2.3)."""
    strict = AdvancedInstructions(strict_position_effect_validation=True) if request.strict else None
    return LimitOrder(
        time_in_force=OrderTimeInForce(request.time_in_force.value),
        advanced_instructions=strict,
        legs=[
            Leg(
                instrument_type=InstrumentType.EQUITY_OPTION,
                symbol=leg.symbol,
                action=OrderAction(leg.action.value),
                quantity=leg.quantity,
            )
            for leg in request.legs
        ],
        price=Decimal(request.credit),
        external_identifier=request.identifier,
    )


def outcome_of(number: str, request: OrderRequest, evidence: Evidence, failure: Exception | None) -> SendOutcome:
    """The outcome of a send, from evidence alone (rules 9). What is not proved is unknown."""
    if isinstance(failure, WireRefused):
        return SendOutcome(SendClass.NOT_SENT, str(failure), left=False, code=failure.refusal.code)
    if not evidence.left:
        code = failure.code if isinstance(failure, BrokerError) else ""
        return SendOutcome(SendClass.NOT_SENT, f"the order never left: {_failure_words(failure)}", False, code=code)
    status = evidence.status
    if status is None and isinstance(failure, NEVER_CONNECTED):
        return SendOutcome(SendClass.NOT_SENT, f"no connection: {_failure_words(failure)}", left=False)
    if status is None or evidence.body is None:  # a status without a whole body proves neither yes nor no
        return SendOutcome(SendClass.UNKNOWN, f"no whole answer: {_failure_words(failure)}", left=True, status=status)
    if 200 <= status < 300:
        return _acknowledged(number, request, evidence)
    code, words = error_words(evidence.body)
    if status in DEFINITE_REFUSALS and error_body(evidence.body) is not None:
        return SendOutcome(SendClass.REJECTED, words, left=True, status=status, code=code)
    return SendOutcome(SendClass.UNKNOWN, f"HTTP {status} {words}".strip(), left=True, status=status, code=code)


def _acknowledged(number: str, request: OrderRequest, evidence: Evidence) -> SendOutcome:
    """The outcome of a 2xx answer: acknowledged only when it can be read and is about this very order, else unknown."""

    def unknown(detail: str) -> SendOutcome:
        return SendOutcome(SendClass.UNKNOWN, detail, left=True, status=evidence.status)

    try:
        data = data_of(evidence.body, "order")
        errors = messages(data, "errors")
        report = order_report(json_object(data.get("order"), "order"))
    except BrokerError as error:
        return unknown(error.detail)
    except Unreadable as error:
        return unknown(unreadable_words(error))
    if errors:
        return unknown("; ".join(f"{code}: {message}" for code, message in errors))
    if report.account != number or report.identifier not in (None, request.identifier):
        return unknown("the answer speaks of another order")
    if report.credit is None:
        return unknown("the answer does not say the order's price")
    if state_for(report.status) is None:
        return unknown(f"the broker calls order {report.order_id} {report.status!r}, which this console does not know")
    return SendOutcome(SendClass.ACKNOWLEDGED, report.status, left=True, status=evidence.status, report=report)


def _failure_words(failure: Exception | None) -> str:
    """Why there is no answer, for a person. The class of the failure goes to the log."""
    if failure is None:
        return "the request was not seen"
    if isinstance(failure, httpx2.HTTPError):
        return transport_words(failure)
    words = failure_words(failure)
    log.info("no answer to an order: %s", words, extra=failure_class(failure))
    return words


def _reports(items: Iterable[Any], what: str) -> tuple[OrderReport, ...]:
    try:
        return tuple(order_report(json_object(item, "items")) for item in items)
    except Unreadable as error:
        raise BrokerError(BrokerFault.UNREADABLE, f"{what}: {unreadable_words(error)}") from None


def _merged(reports: Iterable[OrderReport]) -> tuple[OrderReport, ...]:
    """One report for each order, its newest state."""
    newest: dict[str, OrderReport] = {}
    for report in reports:
        kept = newest.get(report.order_id)
        if kept is None or _is_newer(report, kept):
            newest[report.order_id] = report
    return tuple(newest[order_id] for order_id in sorted(newest, key=lambda i: (len(i), i)))


def _is_newer(report: OrderReport, kept: OrderReport) -> bool:
    """Whether the report is the later state of the same order. Where one says no time, the order's end is later."""
    if report.updated_at is not None and kept.updated_at is not None:
        return report.updated_at >= kept.updated_at
    return _has_ended(report) or not _has_ended(kept)


def _has_ended(report: OrderReport) -> bool:
    return state_for(report.status) not in (None, OrderState.WORKING)
