"""A closing order that rests at the broker just where an entry is to be opened."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from core.domain.orders.orders import OrderLeg, OrderRequest, TimeInForce
from core.domain.trident.trident import Action
from core.simulator.exchange.habits import Habits, OpeningBesideClose
from core.simulator.in_process.values import order_body
from tests.support.world import ACCOUNT, World


def a_close_rests(world: World, request: OrderRequest) -> None:
    """A spread of the order's puts is held, and an order to close its short one rests."""
    short, long = (leg.symbol for leg in request.legs[:2])
    world.exchange.back_office.give(ACCOUNT, {short: -1, long: 1}, world.clock.now())
    leg = OrderLeg(short, Action.BUY_TO_CLOSE, 1)
    close = OrderRequest(request.underlying, (leg,), Decimal("-0.01"), "theirs", TimeInForce.GTC, strict=True)
    world.exchange.submit(ACCOUNT, order_body(close), world.clock.now(), by="rival")


def opposed_from_the_first(world: World, call: str = "send") -> list[str]:
    """Lets a close rest at the moment in which the first order of the account comes to this call of the broker, which
    takes no opening order beside one. Returns the underlyings of the calls."""
    world.exchange.habits = Habits(opening_beside_close=OpeningBesideClose.REFUSE_OPENING)
    asked: list[str] = []
    through = getattr(world.broker, call)

    async def then(number: str, request: OrderRequest, *more: Any) -> Any:
        if not asked:
            a_close_rests(world, request)
        asked.append(request.underlying)
        return await through(number, request, *more)

    setattr(world.broker, call, then)
    return asked
