"""Slots and the window for forced cycles (rules 3)."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.market.sessions import EXCHANGE_ZONE, START_GRACE, SlotTimes, may_force, slots_of
from core.domain.operation.reasons import Reason
from tests.support.domain_builders import session

FULL = session(date(2025, 11, 5))
HALF = session(date(2025, 11, 28), close_hour=13)
TIMES = SlotTimes()


def shown(slots: tuple[datetime, ...]) -> list[str]:
    return [f"{s.astimezone(EXCHANGE_ZONE):%H:%M}" for s in slots]


def at(day: date, text: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(text), EXCHANGE_ZONE).astimezone(UTC)


def test_a_full_day_has_21_slots_from_0945_to_1445() -> None:
    slots = shown(slots_of(FULL, TIMES))
    assert len(slots) == 21
    assert slots[:3] == ["09:45", "10:00", "10:15"]
    assert slots[-1] == "14:45"
    assert "09:30" not in slots


def test_the_shipped_times() -> None:
    assert (TIMES.first, TIMES.last, TIMES.interval_minutes) == (time(9, 45), time(14, 45), 15)
    assert timedelta(seconds=60) == START_GRACE


def test_the_last_slot_of_a_half_day_is_1245() -> None:
    slots = shown(slots_of(HALF, TIMES))
    assert (slots[0], slots[-1], len(slots)) == ("09:45", "12:45", 13)
    assert HALF.half_day
    assert not FULL.half_day


@pytest.mark.parametrize(
    ("day", "utc_of_first"),
    [
        (date(2025, 3, 7), time(14, 45)),  # the Friday before clocks go forward
        (date(2025, 3, 10), time(13, 45)),
        (date(2025, 10, 31), time(13, 45)),
        (date(2025, 11, 3), time(14, 45)),  # the Monday after clocks go back
    ],
)
def test_slots_keep_exchange_time_across_daylight_saving(day: date, utc_of_first: time) -> None:
    slots = slots_of(session(day), TIMES)
    assert len(slots) == 21
    assert shown(slots)[0] == "09:45"
    assert slots[0].time() == utc_of_first
    assert slots[0].tzinfo is UTC


@pytest.mark.parametrize("day", [date(2025, 3, 9), date(2025, 11, 2)])
def test_even_a_session_on_the_day_of_the_change_would_have_them(day: date) -> None:
    slots = slots_of(session(day), TIMES)
    assert len(slots) == 21
    assert {b - a for a, b in itertools.pairwise(slots)} == {timedelta(minutes=15)}


def test_slots_never_come_before_the_open_whatever_the_settings_say() -> None:
    slots = shown(slots_of(FULL, SlotTimes(first=time(9, 0))))
    assert slots[0] == "09:30"


def test_a_last_slot_set_late_still_keeps_away_from_the_close() -> None:
    slots = shown(slots_of(FULL, SlotTimes(last=time(16, 0))))
    assert slots[-1] == "15:45"


def test_a_day_that_ends_before_the_first_slot_has_none() -> None:
    assert slots_of(session(date(2025, 11, 5), close_hour=9), TIMES) == ()


@pytest.mark.parametrize("interval", [0, -15])
def test_an_interval_that_never_ends_is_an_error(interval: int) -> None:
    with pytest.raises(ValueError, match="interval"):
        SlotTimes(interval_minutes=interval)


@given(
    day=st.dates(date(2024, 1, 1), date(2027, 12, 31)),
    close_hour=st.integers(11, 16),
    first=st.times(time(8, 0), time(12, 0)).map(lambda t: t.replace(second=0, microsecond=0)),
    last=st.times(time(12, 0), time(17, 0)).map(lambda t: t.replace(second=0, microsecond=0)),
    interval=st.integers(1, 90),
)
def test_slots_lie_inside_the_session_in_order(
    day: date, close_hour: int, first: time, last: time, interval: int
) -> None:
    on = session(day, close_hour)
    slots = slots_of(on, SlotTimes(first, last, interval))
    assert all(on.open <= s <= on.close - timedelta(minutes=15) for s in slots)
    assert all(first <= s.astimezone(EXCHANGE_ZONE).time() <= last for s in slots)
    assert list(slots) == sorted(set(slots))
    assert {b - a for a, b in itertools.pairwise(slots)} <= {timedelta(minutes=interval)}


@given(day=st.dates(date(2024, 1, 1), date(2027, 12, 31)))
def test_every_full_day_has_21_and_every_half_day_ends_at_1245(day: date) -> None:
    assert len(slots_of(session(day), TIMES)) == 21
    assert shown(slots_of(session(day, 13), TIMES))[-1] == "12:45"


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        ("09:29", Reason.BEFORE_FIRST_SLOT),
        ("09:44:59", Reason.BEFORE_FIRST_SLOT),
        ("09:45", None),
        ("14:50", None),  # after the last slot a forced cycle may still start
        ("15:45", None),
        ("15:45:01", Reason.AFTER_LAST_ENTRY),
        ("18:00", Reason.AFTER_LAST_ENTRY),
    ],
)
def test_forcing_is_allowed_from_the_first_slot_to_15_minutes_before_the_close(now: str, reason: Reason | None) -> None:
    refusal = may_force(at(FULL.day, now), FULL, TIMES)
    assert (None if refusal is None else refusal.reason) is reason


def test_forcing_says_the_times_of_the_exchange() -> None:
    early = may_force(at(HALF.day, "09:00"), HALF, TIMES)
    late = may_force(at(HALF.day, "12:46"), HALF, TIMES)
    assert early is not None
    assert late is not None
    assert early.sentence() == "entries start at 09:45 ET"
    assert late.sentence() == "entries end at 12:45 ET"


def test_forcing_never_comes_before_the_open() -> None:
    refusal = may_force(at(FULL.day, "09:15"), FULL, SlotTimes(first=time(9, 0)))
    assert refusal is not None
    assert refusal.sentence() == "entries start at 09:30 ET"


def test_without_a_session_nothing_can_be_forced() -> None:
    refusal = may_force(at(FULL.day, "12:00"), None, TIMES)
    assert refusal is not None
    assert refusal.reason is Reason.MARKET_CLOSED


@pytest.mark.parametrize(
    ("now", "is_open"), [("09:29:59", False), ("09:30", True), ("15:59:59", True), ("16:00", False)]
)
def test_a_session_is_open_from_its_open_until_before_its_close(now: str, is_open: bool) -> None:
    assert FULL.is_open(at(FULL.day, now)) is is_open
