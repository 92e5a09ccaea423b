"""A snapshot comes back as it was, whole or as a change, and nothing else is taken for one."""

from __future__ import annotations

import json
import math
from dataclasses import is_dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.operation.reasons import Reason, refuse
from core.snapshot import Mode, Snapshot
from core.snapshot.codec import SnapshotUnreadable, decode, decode_change, encode, encode_change
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


_TYPES = {name: st.from_type(kind) for name, kind in get_type_hints(Snapshot).items()}


def same(one: Snapshot, other: Snapshot) -> bool:
    return one == other and encode(one) == encode(other)


def after(old: Snapshot, new: Snapshot) -> Snapshot:
    """The snapshot of a watcher that had the old one and received the change."""
    found = encode_change(old, new)
    return old if found is None else decode_change(old, found)


@given(snapshots())
def test_a_snapshot_comes_back_as_it_was(snapshot: Snapshot) -> None:
    assert same(decode(encode(snapshot)), snapshot)


@given(snapshots(), snapshots())
def test_a_change_makes_the_new_of_the_old(old: Snapshot, new: Snapshot) -> None:
    found = encode_change(old, new)
    if found is None:
        assert encode(old) == encode(new)
    else:
        assert same(decode_change(old, found), new)
    assert encode_change(new, new) is None
    assert encode_change(new, decode(encode(new))) is None, "nor when every part was made anew"


@given(st.data(), snapshots())
def test_a_change_within_a_slice_makes_the_new_of_the_old(data: st.DataObject, old: Snapshot) -> None:
    """Both snapshots have the slice, and one of its fields differs."""
    name = data.draw(st.sampled_from([each for each in sorted(_TYPES) if is_dataclass(getattr(old, each))]))
    part = getattr(old, name)
    hints = get_type_hints(type(part))
    field = data.draw(st.sampled_from(sorted(hints)))
    new = replace(old, **{name: replace(part, **{field: data.draw(st.from_type(hints[field]))})})
    assert same(after(old, new), new)
    found = encode_change(old, new)
    assert found is None or list(json.loads(found)[0]) == [name]


@given(
    st.lists(st.tuples(st.integers(0, 99), st.floats(0, 9)), max_size=9),
    st.integers(0, 12),
    st.lists(st.tuples(st.integers(0, 99), st.floats(0, 9)), max_size=3),
)
def test_the_change_of_a_path_is_exact_wherever_items_were_dropped_and_added(
    before: list[tuple[int, float]], drop: int, more: list[tuple[int, float]]
) -> None:
    quote = quotes()[0]
    old = replace(calm(), quotes=(replace(quote, day_path=tuple(before)),))
    new = replace(calm(), quotes=(replace(quote, day_path=(*before[drop:], *more)),))
    assert encode(after(old, new)) == encode(new)


@pytest.mark.parametrize("before", sorted(SCENES))
def test_every_scene_of_the_console_follows_from_every_other(before: str) -> None:
    old = SCENES[before]()
    assert same(decode(encode(old)), old)
    for scene in SCENES.values():
        new = scene()
        assert same(after(old, new), new)


def test_a_zero_more_is_a_change() -> None:
    old = replace(calm(), quotes=(replace(quotes()[0], price=Decimal("1.0")),))
    new = replace(calm(), quotes=(replace(quotes()[0], price=Decimal("1.00")),))
    assert old == new
    assert encode_change(old, new) == b'[{"quotes":{"keep":1,"change":{"0":[{"price":"1.00"}]}}}]'


def test_texts_go_through_the_scrubber_and_words_do_not() -> None:
    secret = replace(calm(), status=replace(calm().status, accounts="demo 5WT00001", failure="token abc"))
    text = encode(secret, lambda words: words.replace("5WT00001", "…0001").replace("demo", "****")).decode()
    assert "5WT00001" not in text
    assert decode(text.encode()).status.accounts == "**** …0001"
    assert decode(text.encode()).status.mode is Mode.DEMO
    found = encode_change(calm(), secret, lambda words: words.replace("abc", "****"))
    assert found is not None
    assert b"token ****" in found


def test_a_small_change_is_small() -> None:
    old = calm()
    new = replace(old, status=replace(old.status, feed_age_s=9), messages=(*old.messages, old.messages[0]))
    found = encode_change(old, new)
    assert found is not None
    assert len(found) < len(encode(old)) / 20


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"version":5,"snapshot":{}}',
        b'{"version":4}',
        b'{"version":4,"snapshot":{}}',
        b'{"version":4,"snapshot":[]}',
        encode(calm()).replace(b'"version":4', b'"version":1'),
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
        decode_change(filled(), json.dumps(plain).encode())


def test_older_and_newer_versions_stay_readable() -> None:
    plain = json.loads(encode(calm()))
    del plain["snapshot"]["alerts"]  # has a default: an older version did not know it
    plain["snapshot"]["weather"] = "fine"  # a later version does
    assert same(decode(json.dumps(plain).encode()), calm())


@pytest.mark.parametrize(
    "encoded", [b"", b"\xff", b"[", encode(filled())[:-9], b'[{"messages":{"keep":0,"add":[{}]}}]']
)
def test_bytes_that_are_no_change_are_refused(encoded: bytes) -> None:
    with pytest.raises(SnapshotUnreadable):
        decode_change(filled(), encoded)


def test_figures_of_a_refusal_keep_their_types() -> None:
    figures = {
        "text": "1.00",
        "number": Decimal("1.00"),
        "count": 1,
        "truth": True,
        "day": date(2026, 11, 20),
        "at": datetime(2026, 11, 20, 15, tzinfo=UTC, fold=1),
        "none": None,
    }
    old, new = (
        replace(calm(), judgements=(replace(calm().judgements[0], refusal=refuse(Reason.LOW_SCORE, **each)),))
        for each in ({**figures, "count": 2}, figures)
    )
    for found in (decode(encode(new)), after(old, new)):
        refusal = found.judgements[0].refusal
        assert refusal == new.judgements[0].refusal
        assert refusal is not None
        assert [type(value) for _, value in refusal.figures] == [type(value) for value in figures.values()]
        assert str(dict(refusal.figures)["number"]) == "1.00"
        assert encode_change(new, found) is None


def test_a_figure_that_only_changes_its_type_is_a_change() -> None:
    old, new = (
        replace(calm(), judgements=(replace(calm().judgements[0], refusal=refuse(Reason.LOW_SCORE, score=score)),))
        for score in (1, True)
    )
    refusal = after(old, new).judgements[0].refusal
    assert refusal is not None
    assert refusal.figures == (("score", True),)
    assert refusal.figures[0][1] is True


def test_floats_that_json_has_no_word_for_come_back() -> None:
    quote = replace(quotes()[0], day_path=((0, -math.inf), (10, math.nan), (20, math.inf), (30, -0.0)))
    found = decode(encode(replace(calm(), quotes=(quote,)))).quotes[0]
    assert str(found.day_path) == str(quote.day_path)


def test_an_instant_is_written_in_utc_and_none_without_a_zone() -> None:
    at = datetime(2026, 11, 20, 10, tzinfo=timezone(timedelta(hours=-5)))
    elsewhere = replace(calm(), status=replace(calm().status, now=at))
    assert decode(encode(elsewhere)).status.now == at
    assert decode(encode(elsewhere)).status.now.tzinfo is UTC  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="no time zone"):
        encode(replace(calm(), status=replace(calm().status, now=at.replace(tzinfo=None))))


def test_half_a_character_costs_only_itself() -> None:
    odd = replace(calm(), status=replace(calm().status, failure="the folder caf\udce9 \u2026 is full"))
    assert decode(encode(odd)).status.failure == "the folder caf? … is full"


@given(st.text(min_size=1))
def test_whatever_the_scrubber_puts_in_its_place_it_stays_json(mark: str) -> None:
    found = decode(encode(calm(), lambda text: f'{mark}"{text}'))
    assert found.status.market == f'{mark}"{calm().status.market}'
    assert found.status.mode is Mode.DEMO


def test_a_text_of_version_2_is_read_although_it_has_fields_that_went() -> None:
    plain = json.loads(encode(calm()))
    plain["version"] = 2
    plain["snapshot"]["status"]["next_slot"] = "2026-03-02T15:15:00Z"
    plain["snapshot"]["cycle"] |= {"next_slot_in_s": 161, "reason_code": "low_score"}
    assert decode(json.dumps(plain).encode()) == calm()
