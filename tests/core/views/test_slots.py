"""The slots to come tell what the next step makes of each of them (rules 9)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.domain.orders.next_step import Next, NextStep, rest_words
from core.snapshot import SlotState
from core.views.slots import slot_views

NOW = datetime(2026, 3, 2, 15, 31, tzinfo=UTC)
SLOTS = tuple(NOW.replace(minute=45) + timedelta(minutes=15 * n) for n in range(5))


@pytest.mark.parametrize("kind", [Next.PAUSED, Next.HALTED, Next.BREAKER, Next.NO_CONSOLE])
def test_what_bars_every_slot_is_told_of_every_slot(kind: Next) -> None:
    step = NextStep(kind, "stopped; the 10:45 slot will be missed", misses_at=SLOTS[0])
    first, *rest = slot_views(SLOTS, (), (), {}, step, NOW)
    assert (first.state, first.reason) == (SlotState.WILL_MISS, step.words)
    assert {(view.state, view.reason) for view in rest} == {(SlotState.WILL_MISS, "none enters, as things stand")}


def test_a_stop_misses_no_slot_of_a_day_that_enters_nothing_more() -> None:
    step = NextStep(Next.HALTED, "HALTED; done today (filled 6.73)", next_day=SLOTS[-1] + timedelta(days=1))
    views = slot_views(SLOTS, (), (), {}, step, NOW)
    assert {(view.state, view.reason) for view in views} == {(SlotState.HELD, step.words)}


@pytest.mark.parametrize("kind", [Next.FREE, Next.RUNNING, Next.FREEING, Next.RECONCILING, Next.STARTING, Next.UNREAD])
def test_slots_that_may_still_enter_are_to_come(kind: Next) -> None:
    views = slot_views(SLOTS, (), (), {}, NextStep(kind, "so"), NOW)
    assert {view.state for view in views} == {SlotState.TO_COME}


def test_screen_and_shell_say_in_the_same_words_that_none_of_the_rest_enters() -> None:
    for step, words in (
        (NextStep(Next.PAUSED, "PAUSED", misses_at=SLOTS[1]), "none enters, as things stand"),
        (NextStep(Next.DONE, "done today", next_day=SLOTS[-1] + timedelta(days=1)), "none enters"),
        (NextStep(Next.OFF, "off"), "none enters"),
        (NextStep(Next.FREE, "free", enters_at=SLOTS[1]), ""),
        (NextStep(Next.FREEING, "not free yet"), ""),
    ):
        assert rest_words(step.kind, ends_today=step.next_day is None) == words
        *_, last = slot_views(SLOTS, (), (), {}, step, SLOTS[0])
        if last.state is SlotState.WILL_MISS:
            assert last.reason == words
