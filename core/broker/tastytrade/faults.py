"""Why a call failed, in words that hold no secret (broker 5)."""

from __future__ import annotations

import json
import logging
from typing import Any

import httpx2
from pydantic import ValidationError
from tastytrade.utils import TastytradeError

from core.broker.port import BrokerError, BrokerFault
from core.broker.tastytrade.evidence import Evidence
from core.broker.tastytrade.fields import Unreadable
from core.domain.operation.failures import failure_class, failure_words

log = logging.getLogger(__name__)

READ_ERRORS = (
    TastytradeError,
    ValidationError,
    httpx2.HTTPError,
    KeyError,
    AttributeError,
    TypeError,
    ValueError,
)
"""What the SDK raises when a call gives no usable answer. Anything else is a bug and is not caught."""


class Unauthorized(BrokerError):
    """A 401: the broker does not accept the access token. It may accept a new one."""

    def __init__(self, detail: str, code: str) -> None:
        super().__init__(BrokerFault.LOGIN_REFUSED, detail, code)


def fault_of(error: Exception, evidence: Evidence, what: str) -> BrokerError:
    """The BrokerError for a failed call. `what` names what was asked for."""
    if isinstance(error, BrokerError):
        return error
    status = evidence.status
    if isinstance(error, httpx2.HTTPError):
        return BrokerError(BrokerFault.UNREACHABLE, f"{what}: {transport_words(error)}")
    if status is None:
        log.info("%s: no answer that could be used", what, extra=failure_class(error))
        return BrokerError(BrokerFault.UNREACHABLE, f"{what}: no answer that could be used")
    code, words = error_words(evidence.body)
    said = words or f"HTTP {status}"
    if status == 401:
        return Unauthorized(f"{what}: {said}", code)
    if status == 429:
        return BrokerError(BrokerFault.RATE_LIMITED, f"{what}: {said}", code)
    if status >= 500:
        return BrokerError(BrokerFault.UNREACHABLE, f"{what}: HTTP {status}", code)
    if status == 404 and error_body(evidence.body) is not None:
        return BrokerError(BrokerFault.NOT_FOUND, f"{what}: {said}", code)
    if not 200 <= status < 300:
        return BrokerError(BrokerFault.REFUSED, f"{what}: {said}", code)
    return BrokerError(BrokerFault.UNREADABLE, f"{what}: {unreadable_words(error)}")


def transport_words(error: httpx2.HTTPError) -> str:
    """A transport failure in words. Its class and text go to the log."""
    words = failure_words(error)
    log.info("on the way to the broker: %s", words, extra=failure_class(error) | {"error": str(error)})
    return words


def unreadable_words(error: Exception) -> str:
    """Why an answer could not be read: names of fields, never their values. The class of the failure goes to the
    log."""
    if isinstance(error, ValidationError):
        fields = sorted({".".join(str(part) for part in item["loc"]) for item in error.errors(include_input=False)})
        return f"the answer could not be read: {', '.join(fields[:6])}"
    if isinstance(error, Unreadable):
        return f"the answer could not be read: {error.key}"
    if isinstance(error, KeyError):
        return f"the answer lacks {error.args[0] if error.args else 'a field'}"
    log.info("an answer could not be read", extra=failure_class(error))
    return "the answer could not be read"


def error_body(body: bytes | None) -> dict[str, Any] | None:
    """The `error` object of the broker's refusal; None when the body is something else."""
    try:
        answer = json.loads(body or b"")
    except ValueError:
        return None
    error = answer.get("error") if isinstance(answer, dict) else None
    return error if isinstance(error, dict) and (error.get("code") or error.get("message")) else None


def error_words(body: bytes | None) -> tuple[str, str]:
    """The code and the words of a refusal; both empty when the body is no refusal.

    The code is the inner one of a failed dry run where there is one.
    """
    error = error_body(body)
    if error is None:
        return "", ""
    inner = error.get("errors")
    items = [item for item in inner if isinstance(item, dict)] if isinstance(inner, list) else []
    said = [error, *items]
    code = next((str(item["code"]) for item in [*items, error] if item.get("code")), "")
    words = "; ".join(
        ": ".join(str(item[key]) for key in ("code", "message", "domain", "reason") if item.get(key)) for item in said
    )
    return code, words


PASSING = frozenset({"temporarily_unavailable", "server_error", "slow_down"})
"""Codes with which a login server says that it cannot answer now. They refuse nothing."""


def login_refusal(body: bytes | None) -> tuple[str, str] | None:
    """The words and the code of a refused login; None when the body is something else, such as a gateway's page.

    The broker's own forms are an `error` object and `error_code`; the standard's is `{"error": "invalid_grant"}`, with
    or without `error_description` (RFC 6749, 5.2).
    """
    try:
        answer = json.loads(body or b"")
    except ValueError:
        return None
    error = (answer.get("error") or answer.get("error_code")) if isinstance(answer, dict) else None
    if isinstance(error, dict):
        code, words = error_words(body)
    elif isinstance(error, str):
        described = answer.get("error_description")
        code, words = error, f"{error}: {described}" if isinstance(described, str) and described else error
    else:
        return None
    return None if code in PASSING else (words or "the broker refused the login", code)


def data_of(body: bytes | None, what: str) -> dict[str, Any]:
    """The `data` object of an answer. Raises BrokerError(UNREADABLE)."""
    return _data(envelope_of(body, what), what)


def envelope_of(body: bytes | None, what: str) -> dict[str, Any]:
    """The answer as a JSON object. Raises BrokerError(UNREADABLE)."""
    try:
        answer = json.loads(body or b"")
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise BrokerError(BrokerFault.UNREADABLE, f"{what}: the answer is not a JSON object")
    return answer


def items_of(answer: dict[str, Any], what: str) -> list[Any]:
    """The `data.items` list of an answer. Raises BrokerError(UNREADABLE)."""
    items = _data(answer, what).get("items")
    if not isinstance(items, list):
        raise BrokerError(BrokerFault.UNREADABLE, f"{what}: the answer has no items")
    return items


def _data(answer: dict[str, Any], what: str) -> dict[str, Any]:
    data = answer.get("data")
    if not isinstance(data, dict):
        raise BrokerError(BrokerFault.UNREADABLE, f"{what}: the answer has no data")
    return data
