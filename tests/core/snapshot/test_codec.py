"""A snapshot comes back as it was, whole or as a change, and nothing else is taken for one."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.market.judgement import Judgement
from core.domain.reporting.figures import SessionFigures
from core.snapshot import Mode, QuoteSlice, Snapshot, StatusSlice
from core.snapshot.codec import SnapshotUnreadable, change, changed, decode, encode, to_json, to_plain
from core.snapshot.delta import NOTHING
from tests.support.console.parts import quotes
from tests.support.console.scenes import SCENES, calm, filled

# Equal values may look different (1.0 and 1.00), so what is compared is the text.
DECIMALS = st.decimals(allow_nan=False, places=2, min_value=-10_000, max_value=10_000) | st.just(Decimal("1.0"))
st.register_type_strategy(Decimal, DECIMALS)
st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))
FLOATS = st.floats(allow_nan=False)
st.register_type_strategy(float, FLOATS)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Anything the types allow, one or a few slices of it: the rest is as on a calm screen."""
    names = draw(st.lists(st.sampled_from(sorted(_TYPES)), min_size=1, max_size=2, unique=True))
    return replace(calm(), **{name: draw(_TYPES[name]) for name in names})


_TYPES = {
    name: st.from_type(kind)
    for name, kind in {
        "status": StatusSlice,
        "quotes": tuple[QuoteSlice, ...],
        "judgements": tuple[Judgement, ...],
        "figures": SessionFigures,
    }.items()
}


def same(one: Snapshot, other: Snapshot) -> bool:
    return one == other and to_plain(one) == to_plain(other)


@given(snapshots())
def test_a_snapshot_comes_back_as_it_was(snapshot: Snapshot) -> None:
    assert same(decode(encode(snapshot)), snapshot)


@given(snapshots(), snapshots())
def test_a_change_makes_the_new_of_the_old(old: Snapshot, new: Snapshot) -> None:
    found = change(old, new)
    if found is NOTHING:
        assert to_plain(old) == to_plain(new)
    else:
        assert same(changed(old, json.loads(to_json(found))), new)
    assert change(new, new) is NOTHING


@given(
    st.lists(st.integers(0, 99).map(float), max_size=9),
    st.integers(0, 12),
    st.lists(st.floats(0, 9), max_size=3),
)
def test_a_trail_that_moved_on_is_told_by_its_ends(before: list[float], drop: int, more: list[float]) -> None:
    quote = quotes()[0]
    old = replace(calm(), quotes=(replace(quote, trail=tuple(before)),))
    new = replace(calm(), quotes=(replace(quote, trail=(*before[drop:], *more)),))
    found = change(old, new)
    assert to_plain(new if found is NOTHING else changed(old, found)) == to_plain(new)


@pytest.mark.parametrize("before", sorted(SCENES))
def test_every_scene_of_the_console_follows_from_every_other(before: str) -> None:
    old = SCENES[before]()
    assert same(decode(encode(old)), old)
    for scene in SCENES.values():
        new = scene()
        found = change(old, new)
        assert same(old if found is NOTHING else changed(old, found), new)


def test_a_zero_more_is_a_change() -> None:
    old = replace(calm(), quotes=(replace(quotes()[0], price=Decimal("1.0")),))
    new = replace(calm(), quotes=(replace(quotes()[0], price=Decimal("1.00")),))
    assert old == new
    assert change(old, new) == [{"quotes": {"keep": 1, "change": {"0": [{"price": "1.00"}]}}}]


def test_texts_go_through_the_scrubber_and_words_do_not() -> None:
    secret = replace(calm(), status=replace(calm().status, accounts="demo 5WT00001", failure="token abc"))
    text = encode(secret, lambda words: words.replace("5WT00001", "…0001").replace("demo", "****")).decode()
    assert "5WT00001" not in text
    assert decode(text.encode()).status.accounts == "**** …0001"
    assert decode(text.encode()).status.mode is Mode.DEMO
    found = change(calm(), secret, lambda words: words.replace("abc", "****"))
    assert "token ****" in to_json(found).decode() if found is not NOTHING else False


def test_a_small_change_is_small() -> None:
    old = calm()
    new = replace(old, status=replace(old.status, feed_age_s=9), messages=(*old.messages, old.messages[0]))
    found = change(old, new)
    assert found is not NOTHING
    assert len(to_json(found)) < len(encode(old)) / 20


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"version":2,"snapshot":{}}',
        b'{"version":1}',
        b'{"version":1,"snapshot":{}}',
        encode(calm()).replace(b'"mode":"demo"', b'"mode":"paper"'),
        encode(calm()).replace(b'"open_alerts":0', b'"open_alerts":"0"'),
        encode(calm()).replace(b'"price":"', b'"price":"x'),
        encode(calm())[:-9],
    ],
)
def test_what_is_no_snapshot_is_refused(encoded: bytes) -> None:
    assert encoded != encode(calm())
    with pytest.raises(SnapshotUnreadable):
        decode(encoded)


@pytest.mark.parametrize(
    "plain", [None, 1, [], [1], [{"status": 1}], [{"quotes": {"keep": 9}}], [{"quotes": {"keep": 1, "change": 1}}]]
)
def test_what_is_no_change_of_this_snapshot_is_refused(plain: object) -> None:
    with pytest.raises(SnapshotUnreadable):
        changed(filled(), plain)


def test_older_and_newer_versions_stay_readable() -> None:
    plain = json.loads(encode(calm()))
    del plain["snapshot"]["alerts"]  # has a default: an older version did not know it
    plain["snapshot"]["weather"] = "fine"  # a later version does
    assert same(decode(json.dumps(plain).encode()), calm())
