"""What the faults and refusals of a request are to a client, as the adapter makes them of the wire's (broker 5)."""

from __future__ import annotations

from collections.abc import Mapping

from core.broker.port import BrokerFault
from core.domain.orders.orders import SendClass, SendOutcome
from core.simulator.exchange.armed_faults import ArmedFault
from core.simulator.exchange.faults import FaultKind
from core.simulator.exchange.orders import NOT_FOUND, OrderRefused

REFUSED = "The request was refused"
UNREADABLE_ANSWERS = (
    FaultKind.REST_GARBAGE,
    FaultKind.REST_HTML,
    FaultKind.REST_JSON_LIST,
    FaultKind.REST_MISSING_FIELD,
)
Failure = tuple[BrokerFault, str]
BEFORE: Mapping[FaultKind, Failure] = {
    FaultKind.REST_DROP_REQUEST: (BrokerFault.UNREACHABLE, "the connection was closed"),
    FaultKind.REST_5XX_HTML: (BrokerFault.UNREACHABLE, "HTTP 502"),
    FaultKind.REST_429: (BrokerFault.RATE_LIMITED, "HTTP 429"),
    FaultKind.REST_TOKEN_INVALID: (BrokerFault.LOGIN_REFUSED, "token_invalid"),
}
"""What the faults mean to a client that make a request fail before it is processed."""
AFTER: Mapping[FaultKind, Failure] = {
    FaultKind.REST_DROP_RESPONSE: (BrokerFault.UNREACHABLE, "the connection was closed"),
    FaultKind.REST_5XX_AFTER: (BrokerFault.UNREACHABLE, "HTTP 502"),
    **dict.fromkeys(UNREADABLE_ANSWERS, (BrokerFault.UNREADABLE, "the answer cannot be read")),
}
"""What those mean that spoil the answer of a request that was processed."""
STATUS_OF_CODE = {"validation_error": 400, "not_permitted": 403}
"""The HTTP status of a refusal by its code. Every other code has status 422 (broker 5)."""


def refusal_code(armed: ArmedFault) -> str:
    """The code with which rest-refused-after refuses."""
    return armed.fault.match.field or "preflight_check_failure"


def fault_of(error: OrderRefused) -> BrokerFault:
    """What a refusal of the exchange is to a client."""
    return BrokerFault.NOT_FOUND if error.code == NOT_FOUND else BrokerFault.REFUSED


def rejected(error: OrderRefused, status: int | None = None) -> SendOutcome:
    """The outcome of an order that the exchange refuses, with its HTTP status or another one."""
    if error.code == NOT_FOUND:  # a 404 is no definite refusal (rules 9)
        return SendOutcome(SendClass.UNKNOWN, f"HTTP 404 {error.message}", left=True, status=404, code=error.code)
    words = "; ".join(f"{inner.code}: {inner.message}" for inner in error.errors) or error.message
    status = status or STATUS_OF_CODE.get(error.code, 422)
    return SendOutcome(SendClass.REJECTED, words, left=True, status=status, code=error.code)
