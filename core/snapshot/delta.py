"""Frozen values in the plain types of JSON, by their type hints: whole, or as what changed since another.

A dataclass is an object by field name, a tuple a list, a Decimal, date, instant or enum its text. A change carries only
what differs: of a dataclass a list with one object of the changed fields; of a tuple an object (`drop` items from the
front, `keep` the next ones, `change` some of those by their place, `add` at the end). What replaces a value whole has
the value's own form, which is never that of its change. A Decimal that only gained a zero did change: it is shown
differently.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final, Generic, TypeVar, cast

from core.domain.operation.reasons import Reason

T = TypeVar("T")
Plain = str | int | float | bool | list["Plain"] | dict[str, "Plain"] | None
"""What JSON can say."""
Text = Callable[[str], str]
"""What every text is put through when it is written, such as a scrubber; names and words of enums are not."""


class Nothing(Enum):
    CHANGED = "nothing changed"


NOTHING: Final = Nothing.CHANGED
"""In place of a change: the two are the same."""


def as_written(text: str) -> str:
    """The text itself."""
    return text


class Form:
    """`settled` means that equal values have equal forms, so that a comparison is enough to see that nothing changed.

    A value without parts changes whole.
    """

    settled = True

    def plain(self, value: Any, text: Text) -> Plain:
        raise NotImplementedError

    def value(self, plain: Any) -> Any:
        raise NotImplementedError

    def change(self, old: Any, new: Any, text: Text) -> Plain | Nothing:
        if old is new or (self.settled and old == new):
            return NOTHING
        if not self.settled and self.plain(old, as_written) == self.plain(new, as_written):
            return NOTHING
        return self.plain(new, text)

    def changed(self, old: Any, plain: Any) -> Any:
        return self.value(plain)


class _Text(Form):
    def plain(self, value: str, text: Text) -> Plain:
        return text(value)

    def value(self, plain: Any) -> str:
        return _of(str, plain)


class _Whole(Form):
    """An int or a bool."""

    def __init__(self, kind: type[int]) -> None:
        self._kind = kind

    def plain(self, value: int, text: Text) -> Plain:
        return value

    def value(self, plain: Any) -> int:
        return _of(self._kind, plain)


class _Float(Form):
    """For pictures and speeds, never for money. As text where JSON has no word for it, and by its sign."""

    settled = False

    def plain(self, value: float, text: Text) -> Plain:
        return float(value) if value - value == 0 and value else repr(float(value))

    def value(self, plain: Any) -> float:
        return float(_of(str, plain) if isinstance(plain, str) else _of(float, plain))


class _Decimal(Form):
    settled = False

    def plain(self, value: Decimal, text: Text) -> Plain:
        return str(value)

    def value(self, plain: Any) -> Decimal:
        return Decimal(_of(str, plain))


class _Instant(Form):
    """Read back in UTC. A naive one is refused, here as everywhere."""

    def plain(self, value: datetime, text: Text) -> Plain:
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone")
        return value.astimezone(UTC).isoformat()

    def value(self, plain: Any) -> datetime:
        return datetime.fromisoformat(_of(str, plain)).astimezone(UTC)


class _Date(Form):
    def plain(self, value: date, text: Text) -> Plain:
        return value.isoformat()

    def value(self, plain: Any) -> date:
        return date.fromisoformat(_of(str, plain))


class _Word(Form):
    """A member of an enum by its value, a reason by its stable code."""

    def __init__(self, kind: type[Enum]) -> None:
        self._words = {member: member.code if isinstance(member, Reason) else str(member.value) for member in kind}
        self._members = {word: member for member, word in self._words.items()}

    def plain(self, value: Enum, text: Text) -> Plain:
        return self._words[value]

    def value(self, plain: Any) -> Enum:
        return self._members[_of(str, plain)]


class _Optional(Form):
    def __init__(self, inner: Form) -> None:
        self._inner = inner
        self.settled = inner.settled

    def plain(self, value: Any, text: Text) -> Plain:
        return None if value is None else self._inner.plain(value, text)

    def value(self, plain: Any) -> Any:
        return None if plain is None else self._inner.value(plain)

    def change(self, old: Any, new: Any, text: Text) -> Plain | Nothing:
        if old is None or new is None:
            return NOTHING if old is new else self.plain(new, text)
        return self._inner.change(old, new, text)

    def changed(self, old: Any, plain: Any) -> Any:
        if plain is None:
            return None
        return self._inner.value(plain) if old is None else self._inner.changed(old, plain)


class _Figure(Form):
    """One of several plain types, as a refusal's figures are: those JSON does not know go under their type's name."""

    settled = False

    def __init__(self, kinds: tuple[Any, ...]) -> None:
        self._named: dict[str, tuple[type, Form]] = {
            kind.__name__: (kind, form_of(kind)) for kind in (Decimal, datetime, date) if kind in kinds
        }

    def plain(self, value: Any, text: Text) -> Plain:
        if isinstance(value, str):
            return text(value)
        if value is None or isinstance(value, int):
            return value
        for name, (kind, form) in self._named.items():
            if isinstance(value, kind):
                return {name: form.plain(value, text)}
        raise TypeError(f"a {type(value).__name__} is no figure")

    def value(self, plain: Any) -> Any:
        if plain is None or isinstance(plain, str | int):
            return plain
        ((name, inner),) = _of(dict, plain).items()
        return self._named[name][1].value(inner)


class _Row(Form):
    """A tuple of fixed length, such as a name with its figure: it changes whole."""

    def __init__(self, parts: tuple[Form, ...]) -> None:
        self._parts = parts
        self.settled = all(part.settled for part in parts)

    def plain(self, value: tuple[Any, ...], text: Text) -> Plain:
        return [part.plain(each, text) for part, each in zip(self._parts, value, strict=True)]

    def value(self, plain: Any) -> tuple[Any, ...]:
        return tuple(part.value(each) for part, each in zip(self._parts, _of(list, plain), strict=True))


class _List(Form):
    """A tuple of any length. Most only grow at the end, and some lose as much at the front."""

    def __init__(self, item: Form) -> None:
        self._item = item
        self.settled = item.settled

    def plain(self, value: tuple[Any, ...], text: Text) -> Plain:
        plain = self._item.plain
        return [plain(each, text) for each in value]

    def value(self, plain: Any) -> tuple[Any, ...]:
        return tuple(map(self._item.value, _of(list, plain)))

    def change(self, old: tuple[Any, ...], new: tuple[Any, ...], text: Text) -> Plain | Nothing:
        if old is new or (self.settled and old == new):
            return NOTHING
        drop = _front(old, new)
        kept = min(len(old) - drop, len(new))
        changes: dict[str, Plain] = {}
        for place in range(kept):
            before, now = old[drop + place], new[place]
            if before is not now:
                found = self._item.change(before, now, text)
                if found is not NOTHING:
                    changes[str(place)] = found
        if not (changes or drop or len(old) != len(new)):
            return NOTHING
        parts: dict[str, Plain] = {
            "drop": drop,
            "keep": kept,
            "change": changes,
            "add": [self._item.plain(each, text) for each in new[kept:]],
        }
        return {name: part for name, part in parts.items() if part or name == "keep"}

    def changed(self, old: tuple[Any, ...], plain: Any) -> tuple[Any, ...]:
        if isinstance(plain, list):
            return self.value(plain)
        drop, keep = _of(int, plain.get("drop", 0)), _of(int, plain["keep"])
        if not 0 <= drop <= drop + keep <= len(old):
            raise ValueError(f"{keep} items from {drop} on are to be kept of {len(old)}")
        kept = list(old[drop : drop + keep])
        for place, found in _of(dict, plain.get("change", {})).items():
            kept[int(place)] = self._item.changed(kept[int(place)], found)
        return (*kept, *self.value(plain.get("add", [])))


def _front(old: tuple[Any, ...], new: tuple[Any, ...]) -> int:
    """How many items went from the front: those before the very one that is now the first."""
    if not old or not new:
        return len(old)
    return next((place for place, each in enumerate(old) if each is new[0]), 0)


@dataclass(frozen=True, slots=True)
class _Field:
    form: Form
    required: bool


class ObjectForm(Form, Generic[T]):
    """A frozen dataclass. A field that is not there has its default; one of a later version is passed over."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        hints = typing.get_type_hints(kind)
        fields = dataclasses.fields(cast(Any, kind))
        missing = dataclasses.MISSING
        self._fields = {
            each.name: _Field(form_of(hints[each.name]), each.default is missing and each.default_factory is missing)
            for each in fields
        }
        self.settled = all(field.form.settled for field in self._fields.values())

    def plain(self, value: Any, text: Text) -> Plain:
        return {name: field.form.plain(getattr(value, name), text) for name, field in self._fields.items()}

    def value(self, plain: Any) -> T:
        found = _of(dict, plain)
        given = {name: field.form.value(found[name]) for name, field in self._fields.items() if name in found}
        for name, field in self._fields.items():
            if field.required and name not in given:
                raise KeyError(f"{self._kind.__name__} without {name}")
        return self._kind(**given)

    def change(self, old: Any, new: Any, text: Text) -> Plain | Nothing:
        if old is new or (self.settled and old == new):
            return NOTHING
        changes: dict[str, Plain] = {}
        for name, field in self._fields.items():
            found = field.form.change(getattr(old, name), getattr(new, name), text)
            if found is not NOTHING:
                changes[name] = found
        return [changes] if changes else NOTHING

    def changed(self, old: T, plain: Any) -> T:
        if isinstance(plain, dict):
            return self.value(plain)
        (changes,) = _of(list, plain)
        return cast(
            T,
            dataclasses.replace(
                cast(Any, old),
                **{
                    name: self._fields[name].form.changed(getattr(old, name), found)
                    for name, found in _of(dict, changes).items()
                    if name in self._fields
                },
            ),
        )


_SIMPLE: dict[Any, Form] = {
    str: _Text(),
    bool: _Whole(bool),
    int: _Whole(int),
    float: _Float(),
    Decimal: _Decimal(),
    datetime: _Instant(),
    date: _Date(),
}


def form_of(kind: Any) -> Form:
    """The form of a type a snapshot has. Raises TypeError, when this module is loaded, for one it must be taught."""
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        if len(parts) == 2 and parts[1] is Ellipsis:
            return _List(form_of(parts[0]))
        return _Row(tuple(map(form_of, parts)))
    if origin in (types.UnionType, typing.Union):
        others = tuple(part for part in parts if part is not type(None))
        return _Optional(form_of(others[0])) if len(others) == 1 else _Figure(others)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _Word(kind)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return ObjectForm(kind)
    raise TypeError(f"a snapshot of {kind} has no form yet")


def _of(kind: type[T], plain: Any) -> T:
    if type(plain) is not kind:
        raise TypeError(f"a {kind.__name__} was expected, not a {type(plain).__name__}")
    return plain
