"""Another trader of an account: somebody else's trident, placed at the broker and not by us."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from core.domain.market.underlying import QQQ
from core.domain.operation.reasons import Refusal
from core.domain.orders.orders import OrderLeg, OrderRequest
from core.domain.trident.expiration import choose_expiration
from core.domain.trident.trident import Trident, body_for, build_trident
from core.runtime.clock import exchange_time
from core.simulator.exchange.orders import OrderRefused, SimOrder
from core.simulator.in_process import values

if TYPE_CHECKING:
    from tests.proofs.days.world import DayWorld

WIDTH = Decimal(3)
LOGIN = "rival"
"""The login that places these orders, by which they are known at the exchange."""


def place_trident(world: DayWorld, number: str, identifier: str) -> SimOrder | None:
    """Places a trident of today's market; None when there is none, or when the broker refuses it.

    Without an identifier the order carries none.
    """
    now = world.exchange_clock.now()
    day = exchange_time(now).date()
    expiration = choose_expiration(values.option_chain(QQQ.symbol, world.market.chain(QQQ.symbol, day)), day)
    spot = world.market.quote(QQQ.symbol, now)
    if isinstance(expiration, Refusal) or spot is None or spot.bid is None or spot.ask is None:
        return None
    trident = build_trident(QQQ, expiration, body_for((spot.bid + spot.ask) / 2, QQQ.step), WIDTH)
    if not isinstance(trident, Trident):
        return None
    legs = tuple(OrderLeg(leg.symbols.occ, leg.action, leg.quantity) for leg in trident.legs)
    body = values.order_body(OrderRequest(QQQ.symbol, legs, Decimal("3.50"), identifier))
    try:
        order = world.exchange.submit(number, replace(body, external_identifier=identifier or None), now, by=LOGIN)
    except OrderRefused:
        return None
    world.broker.alerts.wake()
    return order
