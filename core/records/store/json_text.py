"""JSON text that keeps types: a Decimal, a date and a datetime are read back as what they were."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

JsonValue = (
    str | int | float | bool | Decimal | date | datetime | None | Sequence["JsonValue"] | Mapping[str, "JsonValue"]
)

_DECIMAL = "$decimal"
_DATE = "$date"
_INSTANT = "$instant"
_MARK = "$"


def to_json_text(value: object) -> str:
    """The value, a JsonValue, as ASCII JSON. What could not be read back is never written.

    Raises ValueError for a datetime without a zone and for a number that is not finite, TypeError for a value of
    another type.
    """
    return json.dumps(_marked(value), allow_nan=False, separators=(",", ":"))


def from_json_text(text: str) -> JsonValue:
    """The value that `to_json_text` wrote. Sequences become tuples, instants are in UTC."""
    return _unmarked(json.loads(text))


def instant_text(instant: datetime) -> str:
    """An instant as UTC text of fixed width: sorted as text, instants are in order of time.

    Raises ValueError when it has no time zone.
    """
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise ValueError(f"{instant.isoformat()} has no time zone; the records keep instants, not wall times")
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def instant_of(text: str) -> datetime:
    """The aware UTC instant that `instant_text` wrote."""
    return datetime.fromisoformat(text)


def finite(value: Decimal) -> Decimal:
    """The same value. Raises ValueError for NaN and infinities, which no figure of ours is."""
    if not value.is_finite():
        raise ValueError(f"{value} is not a finite number")
    return value


def _marked(value: object) -> object:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a finite number")
        return value
    if isinstance(value, Decimal):
        return {_DECIMAL: str(finite(value))}
    if isinstance(value, datetime):  # before `date`: a datetime is a date too
        return {_INSTANT: instant_text(value)}
    if isinstance(value, date):
        return {_DATE: value.isoformat()}
    if isinstance(value, Mapping):
        return {_name(name): _marked(part) for name, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [_marked(part) for part in value]
    raise TypeError(f"a {type(value).__name__} cannot be recorded")


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a {type(name).__name__} cannot name a recorded value")
    # A name that starts with the mark gets a second mark: it must not be read as a type.
    return _MARK + name if name.startswith(_MARK) else name


def _unmarked(value: object) -> JsonValue:
    if isinstance(value, list):
        return tuple(_unmarked(part) for part in value)
    if isinstance(value, dict):
        if len(value) == 1:
            ((name, text),) = value.items()
            if name == _DECIMAL:
                return Decimal(text)
            if name == _INSTANT:
                return instant_of(text)
            if name == _DATE:
                return date.fromisoformat(text)
        return {name[1:] if name.startswith(_MARK * 2) else name: _unmarked(part) for name, part in value.items()}
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"a {type(value).__name__} is not of our JSON")
