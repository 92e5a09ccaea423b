"""Plans of faults in market time, and random ones of a whole day."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

from core.simulator.exchange.faults import CONDITION_KINDS, DURATION_KINDS, Fault, FaultKind


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """A fault to be armed when this much market time has passed since the start."""

    after: timedelta
    fault: Fault


PLANNED_KINDS = (
    FaultKind.REST_DELAY_AFTER,
    FaultKind.REST_DROP_RESPONSE,
    FaultKind.REST_DROP_REQUEST,
    FaultKind.REST_5XX_HTML,
    FaultKind.REST_429,
    FaultKind.REST_TOKEN_INVALID,
    FaultKind.REST_ODD_FIELD,
    FaultKind.REST_FOREIGN_ITEM,
    FaultKind.REST_DRIP,
    FaultKind.DATE_MISSING,
    FaultKind.DXLINK_CLOSE,
    FaultKind.DXLINK_SILENCE,
    FaultKind.DXLINK_ERROR,
    FaultKind.DXLINK_BAD_ARITY,
    FaultKind.DXLINK_FULL,
    FaultKind.DXLINK_UPGRADE_REFUSED,
    FaultKind.ALERTS_CLOSE,
    FaultKind.ALERTS_DUPLICATED,
    FaultKind.ALERTS_REORDERED,
    FaultKind.ALERTS_LOST,
    FaultKind.ALERTS_UNKNOWN_STATUS,
    FaultKind.ALERTS_ODD_FIELD,
    FaultKind.ALERTS_BATCHED,
    FaultKind.ORDERS_LISTING_LAG,
    FaultKind.ORDERS_OVERLAPPING_PAGES,
    FaultKind.MARKET_CROSSED,
    FaultKind.MARKET_NAN,
    FaultKind.MARKET_FROZEN,
    FaultKind.MARKET_STALE_SNAPSHOT,
    FaultKind.MARKET_CANDLES_MISSING,
)
"""The kinds in a random plan: faults from which a client must recover without a person's help."""


def random_plan(
    seed: int, *, faults: int = 24, within: timedelta = timedelta(hours=6, minutes=30)
) -> tuple[PlannedFault, ...]:
    """A random plan of faults over this market time, earliest first. One seed always gives the same plan."""
    draw = random.Random(seed)
    plan = []
    for _ in range(faults):
        kind = draw.choice(PLANNED_KINDS)
        after = timedelta(seconds=draw.uniform(0.0, within.total_seconds()))
        seconds = round(draw.uniform(2.0, 20.0), 1)
        if kind in CONDITION_KINDS:
            plan.append(PlannedFault(after, Fault(kind, count=None, seconds=seconds)))
        elif kind in DURATION_KINDS:
            plan.append(PlannedFault(after, Fault(kind, count=1, seconds=seconds)))
        else:
            plan.append(PlannedFault(after, Fault(kind, count=draw.randint(1, 3), seconds=60.0)))
    return tuple(sorted(plan, key=lambda planned: planned.after))
