"""Converts the values in a snapshot to JSON and back. msgspec does the work; this adds what it cannot know.

A dataclass becomes an object by field name, a tuple a list, and a Decimal, a date, an instant (in UTC) or an enum text.
Three kinds of value need more than msgspec:

* every text is redacted as it is written;
* a float that is not finite becomes text, because JSON has no word for it;
* each figure of a refusal carries the name of its type, because its text alone would not tell it.
"""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from itertools import chain
from typing import Any, cast

import msgspec

from core.domain.operation.figures import FigureValue
from core.domain.operation.reasons import Reason, Refusal

Redact = Callable[[str], str]
"""Takes secrets out of a text. Names of fields and words of enums do not pass through it."""

_NAMED_FIGURES: dict[str, Any] = {kind.__name__: kind for kind in (Decimal, datetime, date)}


def as_written(text: str) -> str:
    """Redacts nothing."""
    return text


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """The type of a dataclass's field.

    `is_comparable`: two equal values of it are always written alike. Decimals are not: 1.0 and 1.00 are equal.
    """

    kind: Any
    is_comparable: bool


@cache
def fields_of(kind: Any) -> dict[str, Field]:
    """The fields of a dataclass by name; none for any other type.

    A refusal counts as a value without fields: msgspec can read neither its reason nor its figures.
    """
    if not dataclasses.is_dataclass(kind) or kind is Refusal:
        return {}
    hints = typing.get_type_hints(kind)
    return {name: Field(each, not _can_hold(each, Decimal, float, Refusal)) for name, each in hints.items()}


@cache
def _can_hold(kind: Any, *sought: type) -> bool:
    """Whether a value of this type can be one of the types sought, or have one in it."""
    if kind in sought:
        return True
    parts = typing.get_args(kind) or [field.kind for field in fields_of(kind).values()]
    return any(_can_hold(part, *sought) for part in parts)


def written(value: Any, redact: Redact) -> Any:
    """The value in a form that msgspec writes as JSON. Raises ValueError for an instant without a time zone."""
    kind: Any = type(value)
    if kind is str:
        text = redact(value)
        # Half of a surrogate pair, as in a file name that is no UTF-8, becomes a question mark.
        return text if text.isascii() else text.encode("utf-8", "replace").decode()
    if kind is tuple or kind is list:
        return value if _is_finite(value) else [written(each, redact) for each in value]
    if kind is dict:
        return {name: written(each, redact) for name, each in value.items()}
    if kind is datetime:
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone")
        return value.astimezone(UTC)
    if kind is float:
        return value if math.isfinite(value) else repr(value)
    if kind is Refusal:
        figures = [[redact(name), _figure_written(figure, redact)] for name, figure in value.figures]
        about = {"underlying": redact(value.underlying)} if value.underlying else {}
        return {"reason": value.code, "figures": figures, **about}
    if fields := fields_of(kind):
        return {name: written(getattr(value, name), redact) for name in fields}
    return value


def _is_finite(values: tuple[Any, ...] | list[Any]) -> bool:
    """Whether these are finite numbers, or rows of them. A chart has thousands, too many to look at each."""
    first = values[0] if values else None
    if type(first) is float:
        return math.isfinite(sum(values))
    if type(first) is tuple and all(type(each) in (int, float) for each in first):
        return math.isfinite(sum(chain.from_iterable(values)))
    return False


def _figure_written(figure: FigureValue, redact: Redact) -> Any:
    plain, name = written(figure, redact), type(figure).__name__
    return {name: plain} if name in _NAMED_FIGURES else plain


def read(kind: Any, plain: Any) -> Any:
    """The value of this type that `written` was given; instants come back in UTC.

    A missing field gets its default; a field that this version does not know is passed over. Raises MsgspecError,
    AttributeError, LookupError, TypeError or ValueError when it is no value of this type.
    """
    if not _can_hold(kind, float, Refusal):
        return msgspec.convert(plain, kind)
    if fields := fields_of(kind):
        if not isinstance(plain, dict):
            raise TypeError(f"a {kind.__name__} was expected, not a {type(plain).__name__}")
        return kind(**{name: read(field.kind, plain[name]) for name, field in fields.items() if name in plain})
    if not _can_hold(kind, str, Refusal):
        return msgspec.convert(plain, kind, strict=False)  # numbers, of which one that is not finite is text
    if kind is Refusal:
        figures = tuple((msgspec.convert(name, str), _figure_read(figure)) for name, figure in plain["figures"])
        return Refusal(Reason.of(plain["reason"]), figures, msgspec.convert(plain.get("underlying", ""), str))
    part, *others = typing.get_args(kind)
    if others == [Ellipsis]:
        return tuple(read(part, each) for each in msgspec.convert(plain, list))
    return None if plain is None else read(part, plain)


def _figure_read(plain: Any) -> FigureValue:
    if isinstance(plain, dict):
        ((name, text),) = plain.items()
        return cast(FigureValue, msgspec.convert(text, _NAMED_FIGURES[name]))
    if plain is None or isinstance(plain, str | int):
        return plain
    raise TypeError(f"a figure was expected, not a {type(plain).__name__}")
