"""A sample of the simulated months that `python -m tests.proofs.months` lives: exits on, invariants judged (rules
15)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.simulator.exchange.faults import FaultKind
from core.simulator.exchange.habits import Habits
from tests.proofs.days.plan import Plan
from tests.proofs.days.trouble import Trouble
from tests.proofs.months.month import run_months
from tests.proofs.months.plan import draw_months, exit_kinds
from tests.support.proofs import ALL, rounds

pytestmark = [
    pytest.mark.timeout(7200),
    pytest.mark.filterwarnings("ignore:The garbage collector is trying"),  # connections of killed processes
]
SESSIONS = rounds(6, 42)


def _short(seed: int) -> Plan:
    """Months in which tridents come to their time exit within days, and few are held."""
    return replace(draw_months(seed, SESSIONS), exit_dte=30, position_limit=2)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(1, 1 + rounds(1, 10)))
def test_nothing_forbidden_happens_to_tridents_on_their_way_to_the_end(seed: int) -> None:
    result = run_months(_short(seed))
    assert result.days.violations == []
    assert result.days.days == SESSIONS
    assert result.tridents.total() > 0


if ALL:

    @pytest.mark.proof
    @pytest.mark.parametrize("seed", range(2))
    def test_nothing_is_left_on_expiration_day_where_the_broker_fills_what_is_asked(seed: int) -> None:
        calm = draw_months(seed, SESSIONS, calm=True)
        result = run_months(replace(calm, exit_dte=1, fills_as_asked=True, position_limit=2))
        assert result.days.violations == []
        assert result.last_hours > 0


def test_a_unit_closed_by_hand_beside_our_targets_is_no_trident_beside_ours() -> None:
    """The broker calls it an opening: both targets that rest may close the whole position."""
    calm = draw_months(4, 1, calm=True)
    by_hand = Trouble(calm.start + timedelta(hours=2), "hand close", word="unit")
    result = run_months(replace(calm, habits=Habits(), troubles=(by_hand,), minimum_score=0))
    assert result.days.violations == []
    assert result.ended["desk"] == 1


def test_every_trouble_of_exits_is_drawn() -> None:
    drawn = {trouble.kind for seed in range(100) for trouble in draw_months(seed, 20).troubles}
    assert drawn >= exit_kinds()
    assert {draw_months(seed, 20).fills_as_asked for seed in range(20)} == {True, False}


def test_a_calm_plan_has_no_troubles_and_a_seed_gives_the_same_plan() -> None:
    assert draw_months(5, 20, calm=True).troubles == ()
    assert draw_months(5, 20) == draw_months(5, 20)
    assert draw_months(5, 20) != draw_months(6, 20)


@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.ORDERS_TWIN,
        FaultKind.ORDERS_CHANGED_QUANTITY,
        FaultKind.ORDERS_CHANGED_PRICE,
        FaultKind.ORDERS_LEG_MISSING,
    ],
)
def test_a_close_that_the_broker_has_otherwise_than_asked_is_followed_by_no_second_one(kind: FaultKind) -> None:
    """The broker has it twice, or with other terms: that is its doing, and an operator's matter."""
    calm = draw_months(4, 2, calm=True)
    troubles = (
        Trouble(calm.start + timedelta(hours=2), kind.value),
        Trouble(calm.start + timedelta(hours=2, seconds=30), "close", word="all walk"),
    )
    result = run_months(replace(calm, habits=Habits(), troubles=troubles, minimum_score=0))
    assert result.days.violations == []
    assert result.days.troubles[kind.value] == result.days.troubles["close"] == 1
