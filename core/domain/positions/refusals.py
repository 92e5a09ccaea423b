"""Which exits of a session the broker has definitely refused, read from their records (rules 15.7)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from core.domain.market.sessions import EXCHANGE_ZONE
from core.domain.operation.reasons import Reason
from core.domain.orders.opposing import was_opposed
from core.domain.orders.order_states import OrderState
from core.domain.positions.exits import Exit, ExitKind

_BY_THE_DRY_RUN = tuple(
    reason.sentence.partition("{")[0]
    for reason in (Reason.DRY_RUN_REFUSED, Reason.OPPOSING_ORDER, Reason.CLOSES_NOTHING)
)


def refused_on(exits: Iterable[Exit], day: date) -> tuple[Exit, ...]:
    """The exits that were refused on this exchange date, the earliest first: by the broker's answer, by its dry run, or
    after it had taken them. A target that stands beside an opening order is none: it is placed when that has ended."""
    found = [(one.terminal_at, one) for one in exits if one.terminal_at is not None and _is_refused(one)]
    of_day = [(at, one) for at, one in found if at.astimezone(EXCHANGE_ZONE).date() == day]
    return tuple(one for _, one in sorted(of_day, key=lambda each: each[0]))


def refused_at(exits: Iterable[Exit], day: date) -> tuple[datetime, ...]:
    """When they were refused, the earliest first."""
    return tuple(one.terminal_at for one in refused_on(exits, day) if one.terminal_at is not None)


def _is_refused(one: Exit) -> bool:
    if one.kind is ExitKind.TARGET and was_opposed(one):
        return False
    if one.state is OrderState.NOT_SENT:
        return one.detail.startswith(_BY_THE_DRY_RUN)
    return one.state is OrderState.REJECTED
