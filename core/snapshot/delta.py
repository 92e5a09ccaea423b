"""Computes the change between two frozen values, and applies such a change to the old value.

A change carries only what differs. The change of a dataclass is a list with one object of the changed fields. The
change of a tuple is an object: `drop` so many items from the front, `keep` the next ones, `change` some of those by
their place, `add` these at the end. Everything else changes whole, and so does an item that is itself a tuple.
A whole dataclass is an object and a whole tuple a list, so a reader can always tell a whole value from a change.
"""

from __future__ import annotations

import dataclasses
import typing
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from msgspec import json

from core.domain.operation.reasons import Refusal
from core.snapshot.json_values import as_written, fields_of, read, written


class Nothing(Enum):
    CHANGED = "nothing changed"


NOTHING: Final = Nothing.CHANGED
"""Stands for the change between two values that are written alike."""


def difference(old: Any, new: Any) -> Any:
    """The change that makes `new` of `old`, with values that are not written yet; NOTHING when there is none."""
    if old is new:
        return NOTHING
    if type(old) is not type(new):
        return new
    kind: Any = type(new)
    if fields := fields_of(kind):
        changes = {}
        for name, field in fields.items():
            before, now = getattr(old, name), getattr(new, name)
            if before is now or (field.is_comparable and before == now):  # most fields end here, at little cost
                continue
            if (found := difference(before, now)) is not NOTHING:
                changes[name] = found
        return [changes] if changes else NOTHING
    if kind is tuple:
        return _difference_of_items(old, new)
    if kind is Decimal or kind is float:
        same = str(old) == str(new)
    elif kind is Refusal:
        same = json.encode(written(old, as_written)) == json.encode(written(new, as_written))
    else:
        same = old == new
    return NOTHING if same else new


def _difference_of_items(old: tuple[Any, ...], new: tuple[Any, ...]) -> Any:
    """The change of a tuple. Most grow at the end, some of them losing items at the front; the first kept item is found
    by its identity."""
    drop = next((place for place, each in enumerate(old) if each is new[0]), 0) if new else len(old)
    keep = min(len(old) - drop, len(new))
    changes = {}
    for place, (before, now) in enumerate(zip(old[drop:], new, strict=False)):
        if before is not now and (found := difference(before, now)) is not NOTHING:
            changes[str(place)] = now if type(now) is tuple else found
    if not (changes or drop or len(old) != len(new)):
        return NOTHING
    parts = {"drop": drop, "keep": keep, "change": changes, "add": new[keep:]}
    return {name: part for name, part in parts.items() if part or name == "keep"}


def applied(kind: Any, old: Any, change: Any) -> Any:
    """The new value: `change`, as read from JSON, applied to `old`, which stays as it is. `kind` is the declared type.

    Raises MsgspecError, AttributeError, LookupError, TypeError or ValueError when it is no change of this value.
    """
    own: Any = type(old)
    fields = fields_of(own)
    if fields and isinstance(change, list):
        (changes,) = change
        known = {name: part for name, part in changes.items() if name in fields}
        return dataclasses.replace(
            old, **{name: applied(fields[name].kind, getattr(old, name), part) for name, part in known.items()}
        )
    if isinstance(old, tuple) and isinstance(change, dict):
        drop, keep = change.get("drop", 0), change["keep"]
        if not 0 <= drop <= drop + keep <= len(old):
            raise ValueError(f"{keep} items from {drop} on are to be kept of {len(old)}")
        kept = list(old[drop : drop + keep])
        for place, part in change.get("change", {}).items():
            kept[int(place)] = applied(typing.get_args(kind)[0], kept[int(place)], part)
        return (*kept, *read(kind, change.get("add", [])))
    return read(kind, change)
