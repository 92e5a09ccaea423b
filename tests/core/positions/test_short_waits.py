"""A wait is short until it has lasted a minute; waits close together are added up."""

from __future__ import annotations

import pytest

from core.positions.short_waits import FREE_S, SETTLES_S, ShortWaits
from core.runtime.clock import SystemClock


class StandingClock(SystemClock):
    """A clock that stands until it is put ahead."""

    now_s = 1_000.0

    def monotonic(self) -> float:
        return self.now_s


def looks(*found: tuple[float, bool]) -> list[bool]:
    """What each look at an account says: after so many seconds it waits, or not."""
    clock = StandingClock()
    waits, said = ShortWaits(clock), []
    for after_s, does_wait in found:
        clock.now_s += after_s
        said.append(waits.looked("5WT00001", waits=does_wait))
    return said


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([(0, False), (1, True), (SETTLES_S - 1, True), (1, True)], [False, True, True, False]),
        # A wait of 40 s each minute: the second of them is told.
        ([(0, True), (40, True), (1, False), (20, True), (40, True)], [True, True, False, True, False]),
        # After two minutes without one it begins anew.
        ([(0, True), (50, True), (1, False), (FREE_S, True), (50, True)], [True, True, False, True, True]),
        # A wait that nobody looked at for as long goes on.
        ([(0, True), (2 * FREE_S, True), (1, True)], [True, False, False]),
    ],
    ids=["lasts", "again and again", "anew", "unseen"],
)
def test_a_wait_is_short_until_it_or_those_close_together_last_a_minute(
    found: list[tuple[float, bool]], said: list[bool]
) -> None:
    assert looks(*found) == said


def test_accounts_wait_for_themselves() -> None:
    clock = StandingClock()
    waits = ShortWaits(clock)
    assert waits.looked("one", waits=True)
    clock.now_s += SETTLES_S
    assert waits.looked("two", waits=True)
    assert not waits.looked("one", waits=True)
