"""Column types that lose nothing: exact Decimals, aware instants, session days, text as the broker sent it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import Date, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from core.domain.operation.figures import Figures
from core.domain.orders.orders import OrderLeg, OrderRequest, TimeInForce
from core.domain.trident.trident import Action
from core.records.store.json_text import (
    JsonValue,
    finite,
    from_json_text,
    instant_of,
    instant_text,
    to_json_text,
)

_Reads = Callable[[str | None], Any]
_KEPT = 16_384


def _once(read: Callable[[str], Any]) -> _Reads:
    """Reads each text once, and None as None. For values that nobody can change: polls read the same thousands of cells
    again and again. As a result processor it takes the place of SQLAlchemy's calls for each cell: Text has none that
    would be lost."""
    return lru_cache(_KEPT)(lambda text: None if text is None else read(text))


_decimal_of = _once(Decimal)
_instant_of = _once(instant_of)


class ExactDecimal(TypeDecorator[Decimal]):
    """A Decimal as text: digits and exponent unchanged, never through a float.

    Raises TypeError for another type, ValueError for a number that is not finite.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if not isinstance(value, Decimal):
            raise TypeError(f"{value!r} is a {type(value).__name__}; money and quantities are Decimal")
        return str(finite(value))

    def result_processor(self, dialect: Dialect, coltype: object) -> _Reads:
        return _decimal_of


class Instant(TypeDecorator[datetime]):
    """An aware instant as UTC text to the microsecond. Raises ValueError for a datetime without a zone."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else instant_text(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> _Reads:
        return _instant_of


class SessionDay(TypeDecorator[date]):
    """A date of the exchange. Raises TypeError for a datetime: its date depends on a time zone."""

    impl = Date
    cache_ok = True

    def process_bind_param(self, value: date | None, dialect: Dialect) -> date | None:
        if isinstance(value, datetime):
            raise TypeError(f"{value.isoformat()} is an instant; give the session day")
        return value


class Words(TypeDecorator[str]):
    """Text from outside. What UTF-8 or a database cannot store (lone surrogates, NUL) becomes a question mark.

    An odd character from the broker must not cost the record it is in.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else stored_words(value)


def stored_words(text: str) -> str:
    """The text as `Words` stores it. Text to search for must be changed in the same way."""
    return text.replace("\0", "?").encode("utf-8", "replace").decode("utf-8")


class JsonText(TypeDecorator[object]):
    """A value as JSON text that keeps types (core.records.store.json_text)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        return None if value is None else to_json_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> object:
        return None if value is None else from_json_text(value)


class FiguresText(TypeDecorator[Figures]):
    """The figures of an event, in their order."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Figures | None, dialect: Dialect) -> str | None:
        return None if value is None else to_json_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Figures | None:
        if value is None:
            return None
        figures: Figures = from_json_text(value)  # type: ignore[assignment]  # written from Figures above
        return figures


class RequestText(TypeDecorator[OrderRequest]):
    """The whole order request, as it was or will be sent (rules 9)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: OrderRequest | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        legs = [{"symbol": leg.symbol, "action": leg.action.value, "quantity": leg.quantity} for leg in value.legs]
        stored: dict[str, object] = {
            "underlying": value.underlying,
            "legs": legs,
            "credit": value.credit,
            "identifier": value.identifier,
        }
        # An entry's request keeps the form that older versions write and read.
        if value.time_in_force is not TimeInForce.DAY:
            stored["time_in_force"] = value.time_in_force.value
        if value.strict:
            stored["strict"] = True
        return to_json_text(stored)

    def result_processor(self, dialect: Dialect, coltype: object) -> _Reads:
        return _request_of


def _request(text: str) -> OrderRequest:
    match from_json_text(text):
        case {
            "underlying": str(underlying),
            "legs": tuple(legs),
            "credit": Decimal() as credit,
            "identifier": str(identifier),
            **more,
        }:
            return OrderRequest(
                underlying,
                tuple(_leg(leg) for leg in legs),
                credit,
                identifier,
                TimeInForce(more.get("time_in_force", TimeInForce.DAY.value)),
                more.get("strict", False) is True,
            )
    raise ValueError("a recorded order request has another shape than this version writes")


def _leg(stored: JsonValue) -> OrderLeg:
    if isinstance(stored, Mapping):
        match stored:
            case {"symbol": str(symbol), "action": str(action), "quantity": int(quantity)}:
                return OrderLeg(symbol, Action(action), quantity)
    raise ValueError("a recorded order leg has another shape than this version writes")


_request_of = _once(_request)
