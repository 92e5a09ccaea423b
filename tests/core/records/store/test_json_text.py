"""Values come back from their JSON text with their types and digits; what could not come back is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.records.store.json_text import JsonValue, from_json_text, instant_of, instant_text, to_json_text

_ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_INSTANTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=_ZONES)  # noqa: DTZ001 - bounds
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=[])),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.dates(),
    _INSTANTS.map(lambda instant: instant.astimezone(UTC).replace(fold=0)),
)
_NAMES = st.one_of(st.text(), st.sampled_from(["$decimal", "$date", "$instant", "$", "$$decimal"]))
_VALUES = st.recursive(
    _LEAVES,
    lambda parts: st.one_of(st.lists(parts).map(tuple), st.dictionaries(_NAMES, parts)),
    max_leaves=12,
)


@given(_VALUES)
def test_what_is_written_is_read_back_with_its_types_and_digits(value: JsonValue) -> None:
    text = to_json_text(value)
    assert text.isascii()
    assert repr(from_json_text(text)) == repr(value)


@given(_INSTANTS, _INSTANTS)
def test_instants_keep_their_microsecond_and_sort_as_text(one: datetime, other: datetime) -> None:
    assert instant_of(instant_text(one)) == one
    assert (instant_text(one) < instant_text(other)) == (one < other)


@pytest.mark.parametrize(
    "value",
    [Decimal("NaN"), Decimal("Infinity"), float("nan"), datetime(2026, 3, 2, 9, 45)],  # noqa: DTZ001 - naive
)
def test_naive_instants_and_infinite_numbers_are_refused(value: JsonValue) -> None:
    with pytest.raises(ValueError, match=r"finite|time zone"):
        to_json_text({"figure": value})


@pytest.mark.parametrize("value", [b"bytes", {1: "a number as a name"}, {"a set": {1}}])
def test_types_that_could_not_be_read_back_are_refused(value: object) -> None:
    with pytest.raises(TypeError):
        to_json_text(value)


def test_dates_are_not_instants() -> None:
    assert from_json_text(to_json_text(date(2026, 3, 2))) == date(2026, 3, 2)
