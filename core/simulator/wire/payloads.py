"""The broker's JSON forms of amounts, instants, lists and errors, as in recorded answers (broker 2.1, 2.3).

The JSON of whole objects is in payloads_accounts, payloads_orders, payloads_instruments and payloads_market.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeAlias

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
Payload: TypeAlias = "dict[str, Json]"


def money(value: Decimal | int) -> str:
    """A number as the broker writes it: text, no exponent, at least one decimal and no zeros after it, like 622.0."""
    whole, _, decimals = f"{Decimal(value):f}".partition(".")
    return f"{whole}.{decimals.rstrip('0') or '0'}"


def signed(key: str, value: Decimal) -> Payload:
    """An amount as `key` (its absolute value) and `<key>-effect`: Debit below zero, Credit above, None at zero."""
    effect = "Debit" if value < 0 else "Credit" if value > 0 else "None"
    return {key: money(abs(value)), f"{key}-effect": effect}


def iso(instant: datetime) -> str:
    """An instant in UTC as the broker writes it: 2026-11-22T14:30:00.000+00:00."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds")


def epoch_ms(instant: datetime) -> int:
    """Milliseconds since 1970 UTC, as in an order's `updated-at`."""
    return round(instant.timestamp() * 1000)


def omit_none(**values: Json) -> Payload:
    """The values that are not None, with `-` for `_` in their keys. The broker leaves missing values out."""
    return {key.replace("_", "-"): value for key, value in values.items() if value is not None}


def maybe_iso(instant: datetime | None) -> str | None:
    return iso(instant) if instant is not None else None


def maybe_money(value: Decimal | None) -> str | None:
    return money(value) if value is not None else None


def envelope(data: Payload, context: str) -> Payload:
    """The body of a successful answer: `{"data", "context"}`."""
    return {"data": data, "context": context}


def items(values: Sequence[Payload]) -> Payload:
    """The data of an answer that is a list."""
    listed: list[Json] = list(values)
    return {"items": listed}


def error_body(code: str, message: str, errors: Sequence[tuple[str, str]] = ()) -> Payload:
    """The body of a refusal: `{"error": {"code", "message", "errors"?}}` (broker 5)."""
    content: Payload = {"code": code, "message": message}
    if errors:
        content["errors"] = [{"code": inner, "message": text} for inner, text in errors]
    return {"error": content}
