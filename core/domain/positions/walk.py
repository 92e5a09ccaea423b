"""The walk of a time exit: from mid towards natural, never over the cap (rules 15.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.domain.market.chain import TickTable
from core.domain.market.sessions import Session
from core.domain.market.ticks import up
from core.domain.positions.timing import last_hour, walk_ends

STEPS = (Decimal(0), Decimal("0.25"), Decimal("0.50"), Decimal("0.75"), Decimal(1))
"""The part of the way from mid to natural, step by step."""
PATIENT_STEPS = 3
"""The first steps. The others are for the last hour and the last day."""
STEP_EVERY = timedelta(minutes=3)
MAX_SENDS = 20
KEPT_FOR_LAST_HOUR = 6


@dataclass(frozen=True, slots=True)
class ClosePrices:
    """What closing costs by fresh quotes, as debits per share of the order's price: `mid <= natural`."""

    mid: Decimal
    natural: Decimal


@dataclass(frozen=True, slots=True)
class Walked:
    """How far today's walk has come: the step of its newest order, that order's debit and when it was sent, aware UTC;
    `sends` counts the session's orders. `works`: the newest order still works. `price` is None once an order of another
    shape is due, because a part was filled: the prices of two shapes do not compare. `made_room`: the newest order was
    cancelled for another close, and what is left of it goes on."""

    step: int
    price: Decimal | None
    sent_at: datetime
    works: bool
    sends: int
    made_room: bool = False


@dataclass(frozen=True, slots=True)
class NextPrice:
    """An order to be sent now. `debit` is per share, on the tick, not over the cap."""

    step: int
    debit: Decimal


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing is sent before `until`, aware UTC; None: not in this session. `why` is told to the operator."""

    until: datetime | None
    why: str


def next_price(
    walked: Walked | None,
    prices: ClosePrices,
    cap: Decimal,
    now: datetime,
    session: Session,
    *,
    last_day: bool,
    ticks: TickTable,
) -> NextPrice | Rest:
    """The next order of the walk, or until when what works rests.

    The first order of a session is at mid. A step follows the one before after three minutes; one that would not raise
    the price is skipped; the last step allowed is repeated while fresh quotes raise the price. In the last 15 minutes
    no price changes: what has ended is sent again at the price it had. `cap` is on the tick.
    """
    if now >= walk_ends(session):
        if walked is None or walked.works or walked.sends >= MAX_SENDS:
            return Rest(None, "no price changes in the last 15 minutes")
        return _again(walked, prices, cap, ticks, dearer=False)
    hurries = last_day or now >= last_hour(session)
    later = None if now >= last_hour(session) else last_hour(session)
    allowed = len(STEPS) if hurries else PATIENT_STEPS
    sends = 0 if walked is None else walked.sends
    if sends >= MAX_SENDS:
        return Rest(None, f"{MAX_SENDS} orders of this session are sent")
    goes_on = walked is not None and walked.made_room and not walked.works
    if later is not None and sends >= MAX_SENDS - KEPT_FOR_LAST_HOUR and not goes_on:
        return Rest(later, f"{KEPT_FOR_LAST_HOUR} orders are kept for the last hour")
    if walked is None:
        return _at(0, prices, cap, ticks)
    if walked.works and now < walked.sent_at + STEP_EVERY:
        return Rest(walked.sent_at + STEP_EVERY, "the next step is not due")
    if not walked.works:
        return _again(walked, prices, cap, ticks, dearer=True)
    if walked.price is not None and walked.price >= cap:
        return Rest(later, "it rests at the cap")
    for step in range(min(walked.step + 1, allowed - 1), allowed):
        found = _at(step, prices, cap, ticks)
        if isinstance(found, Rest) or walked.price is None or found.debit > walked.price:
            return found
    return Rest(now + STEP_EVERY, "no step raises the price")


def _again(walked: Walked, prices: ClosePrices, cap: Decimal, ticks: TickTable, *, dearer: bool) -> NextPrice | Rest:
    """The order of a step whose order has ended without being filled whole: not cheaper than the one before, and only
    where it may be at more."""
    if walked.price is not None and not dearer:
        return NextPrice(walked.step, min(cap, walked.price))
    found = _at(walked.step, prices, cap, ticks)
    if isinstance(found, Rest) or walked.price is None:
        return found
    return NextPrice(found.step, min(cap, max(found.debit, walked.price)))


def _at(step: int, prices: ClosePrices, cap: Decimal, ticks: TickTable) -> NextPrice | Rest:
    price = up(prices.mid + STEPS[step] * (prices.natural - prices.mid), ticks)
    if price is None:
        return Rest(None, "the chain carries no tick for the price")
    least = up(Decimal("0.01"), ticks)
    return NextPrice(step, min(cap, max(price, least or price)))
