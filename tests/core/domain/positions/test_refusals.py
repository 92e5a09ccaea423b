"""Which exits count as refused by the broker in a session (rules 15.7)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.operation.reasons import Reason, refuse
from core.domain.orders.opposing import opposed
from core.domain.orders.order_states import OrderState
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.refusals import refused_at
from tests.support.trident_views import FIRST
from tests.support.tridents import UnitName, exit

OPPOSED = opposed("QQQ", "dry run: opposing_order: an order works")


def ended(state: OrderState, detail: str = "", kind: ExitKind = ExitKind.TIME) -> Exit:
    return replace(exit(UnitName, state=state, kind=kind), terminal_at=FIRST.now, detail=detail)


@pytest.mark.parametrize(
    ("one", "counts"),
    [
        (ended(OrderState.REJECTED, "margin_check_failed: no"), True),
        (ended(OrderState.REJECTED, "opposing_order: an order works", ExitKind.TARGET), False),
        (ended(OrderState.REJECTED, "opposing_order: an order works"), True),
        (ended(OrderState.NOT_SENT, OPPOSED.recorded(), ExitKind.TARGET), False),
        (ended(OrderState.NOT_SENT, OPPOSED.recorded()), True),
        (ended(OrderState.NOT_SENT, f"the broker's dry run refused: {OPPOSED.recorded()}", ExitKind.TARGET), False),
        (ended(OrderState.NOT_SENT, refuse(Reason.DRY_RUN_REFUSED, detail="no").recorded()), True),
        (ended(OrderState.NOT_SENT, refuse(Reason.CLOSES_NOTHING).recorded()), True),
        (ended(OrderState.NOT_SENT, refuse(Reason.DRY_RUN_FAILED, detail="HTTP 502").recorded()), False),
        (ended(OrderState.NOT_SENT, refuse(Reason.HOLDINGS_DIFFER).recorded()), False),
        (ended(OrderState.NOT_SENT, refuse(Reason.EXITS_HELD).recorded()), False),
        (ended(OrderState.CANCELLED), False),
        (ended(OrderState.EXPIRED), False),
        (exit(UnitName), False),
    ],
)
def test_what_counts_as_a_definite_refusal(one: Exit, counts: bool) -> None:
    assert refused_at([one], FIRST.today) == ((FIRST.now,) if counts else ())


def test_only_those_of_the_session_count_the_earliest_first() -> None:
    later = replace(ended(OrderState.REJECTED), terminal_at=FIRST.now.replace(minute=59))
    other_day = replace(ended(OrderState.REJECTED), terminal_at=FIRST.now.replace(day=11))
    found = refused_at([later, ended(OrderState.REJECTED), other_day], FIRST.today)
    assert found == (FIRST.now, later.terminal_at)
