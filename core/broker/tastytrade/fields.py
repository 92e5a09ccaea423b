"""Reads single fields of the broker's JSON objects, each for itself (broker 5).

A field that nobody asks for is never looked at, so nothing that the broker changes in it can lose an answer. A field
that may be absent is None then, and null counts as absent. A field that is there and cannot be read is Unreadable: what
the broker says there is not known, which is not the same as nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias, TypeVar

JsonObject: TypeAlias = dict[str, Any]
T = TypeVar("T")

MOST_OF_A_NAME = 32

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST_MS = 946_684_800_000
"""The year 2000. A smaller number is no time in milliseconds."""


class Unreadable(ValueError):
    """A field cannot be read. The text is its key, never its value."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def json_object(value: object, key: str) -> JsonObject:
    """The value itself, where it is a JSON object. `key` names it in Unreadable."""
    if not isinstance(value, dict):
        raise Unreadable(key)
    return value


def optional_object(o: JsonObject, key: str) -> JsonObject | None:
    value = o.get(key)
    return None if value is None else json_object(value, key)


def optional_list(o: JsonObject, key: str) -> list[Any]:
    """The list, empty where it is absent. Raises Unreadable for anything else."""
    value = o.get(key)
    if value is not None and not isinstance(value, list):
        raise Unreadable(key)
    return value or []


def required_list(o: JsonObject, key: str) -> list[Any]:
    value = o.get(key)
    if not isinstance(value, list):
        raise Unreadable(key)
    return value


def text(o: JsonObject, key: str) -> str:
    """The text, which is not empty. Raises Unreadable."""
    value = o.get(key)
    if not isinstance(value, str) or not value:
        raise Unreadable(key)
    return value


def optional_text(o: JsonObject, key: str) -> str:
    """The text, empty where it is absent. Raises Unreadable for anything else."""
    value = o.get(key)
    if value is not None and not isinstance(value, str):
        raise Unreadable(key)
    return value or ""


def shown_text(o: JsonObject, key: str) -> str:
    """A text on which nothing depends: a number becomes text, and what is neither is empty."""
    value = o.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value)


def short_name(o: JsonObject, key: str, otherwise: str) -> str:
    """The text as a name in a sentence; `otherwise` where it is none, or too long or odd to be one."""
    found = shown_text(o, key)
    return found if found.isprintable() and 0 < len(found) <= MOST_OF_A_NAME else otherwise


def identity(o: JsonObject, key: str) -> str:
    """An id, which may be a number. Raises Unreadable."""
    found = optional_identity(o, key)
    if found is None:
        raise Unreadable(key)
    return found


def optional_identity(o: JsonObject, key: str) -> str | None:
    """An id, which may be a number; None when it is absent or empty. Raises Unreadable."""
    value = o.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Unreadable(key)
    return str(value)


def flag(o: JsonObject, key: str) -> bool:
    """True or false. Raises Unreadable."""
    value = o.get(key)
    if not isinstance(value, bool):
        raise Unreadable(key)
    return value


def optional_flag(o: JsonObject, key: str) -> bool:
    """True or false; false when it is absent. Raises Unreadable."""
    return flag(o, key) if o.get(key) is not None else False


def number(o: JsonObject, key: str) -> Decimal:
    """A finite number, given as text or as a JSON number. Raises Unreadable."""
    found = optional_number(o, key)
    if found is None:
        raise Unreadable(key)
    return found


def optional_number(o: JsonObject, key: str) -> Decimal | None:
    """Like `number`; None when it is absent."""
    found = _decimal(o, key)
    if found is not None and not found.is_finite():
        raise Unreadable(key)
    return found


def optional_figure(o: JsonObject, key: str) -> Decimal | None:
    """Like `optional_number`; None also for NaN and infinity, with which the market says that it has no figure."""
    found = _decimal(o, key)
    return found if found is not None and found.is_finite() else None


def shown_number(o: JsonObject, key: str) -> Decimal | None:
    """A number on which nothing depends: None when it is absent or cannot be read."""
    try:
        return optional_figure(o, key)
    except Unreadable:
        return None


def signed(o: JsonObject, key: str) -> Decimal:
    """An amount with the sign of its `<key>-effect`: a debit is negative (broker 2.1). Raises Unreadable, also when it
    is not zero and the effect does not tell its sign."""
    amount = number(o, key)
    if amount == 0:
        return amount
    effect = o.get(f"{key}-effect")
    if effect == "Debit":
        return -abs(amount)
    if effect != "Credit" or amount < 0:
        raise Unreadable(f"{key}-effect")
    return amount


def optional_signed(o: JsonObject, key: str) -> Decimal | None:
    return signed(o, key) if o.get(key) is not None else None


def shown_signed(o: JsonObject, key: str) -> Decimal | None:
    """An amount on which nothing depends: None when it is absent, cannot be read or has no sign."""
    try:
        return optional_signed(o, key)
    except Unreadable:
        return None


def instant(o: JsonObject, key: str) -> datetime:
    """An instant in UTC, given in ISO form or in milliseconds since 1970; without an offset it is UTC. Raises
    Unreadable."""
    value = o.get(key)
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        if isinstance(value, int) and value >= _EARLIEST_MS:
            return _EPOCH + timedelta(milliseconds=value)
    except (ValueError, OverflowError):
        raise Unreadable(key) from None
    raise Unreadable(key)


def optional_instant(o: JsonObject, key: str) -> datetime | None:
    """Like `instant`; None when it is absent."""
    return instant(o, key) if o.get(key) is not None else None


def shown_instant(o: JsonObject, key: str) -> datetime | None:
    """Like `instant`; None when it is absent or cannot be read."""
    try:
        return optional_instant(o, key)
    except Unreadable:
        return None


def a_date(o: JsonObject, key: str) -> date:
    """A calendar date in ISO form. Raises Unreadable."""
    value = o.get(key)
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise Unreadable(key) from None


def optional_date(o: JsonObject, key: str) -> date | None:
    """Like `a_date`; None when it is absent. An earnings date that cannot be read is not "no earnings"."""
    return a_date(o, key) if o.get(key) is not None else None


def readable(
    items: Iterable[object], read: Callable[[JsonObject], T], name: Callable[[JsonObject], str]
) -> tuple[list[T], list[str]]:
    """What `read` makes of each item, and a sentence for each that it finds Unreadable. `name` says what that is."""
    found: list[T] = []
    left_out: list[str] = []
    for item in items:
        known = item if isinstance(item, dict) else {}
        try:
            found.append(read(json_object(item, "it is no object")))
        except Unreadable as error:
            left_out.append(f"{name(known)} is left out: it cannot be read ({error.key})")
    return found, left_out


def _decimal(o: JsonObject, key: str) -> Decimal | None:
    value = o.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Unreadable(key)
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise Unreadable(key) from None
