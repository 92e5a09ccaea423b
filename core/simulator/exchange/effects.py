"""The position effect of orders: what happens to a leg that would close a position which the account does not hold.

An order is judged twice. When it arrives, on the positions that the broker shows then: they lag behind fills. And
before each fill, on the true ones.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from core.simulator.exchange.fills import FilledLeg
from core.simulator.exchange.habits import Habits, OpeningBesideClose, WithoutPosition, WorkingCloses
from core.simulator.exchange.orders import OrderError, OrderMessage, SimLeg, SimOrder

WOULD_NOT_CLOSE = "Order would not close a position"
"""Why a strict order is rejected that would close a position which the account does not hold."""
NO_POSITION = "closing_with_no_position"


@dataclass(frozen=True, slots=True)
class Resolved:
    """An order as it is taken on, with what the broker says of it.

    With errors it is refused. With a `discard_reason` it is accepted, routed, and then rejected for that reason.
    """

    order: SimOrder
    errors: tuple[OrderError, ...] = ()
    warnings: tuple[OrderMessage, ...] = ()
    discard_reason: str | None = None


def resolve(order: SimOrder, shown: Mapping[str, int], working: Sequence[SimOrder], habits: Habits) -> Resolved:
    """The order as it is taken on, judged on the shown positions and the other working orders of its account.

    `shown` maps symbols to contracts or shares, negative when short.
    """
    taken = reserved_by(working) if habits.working_closes is WorkingCloses.RESERVE else Counter()
    lacking = [leg for leg in order.legs if not leg.opens and not _covers(leg, leg.quantity, shown, taken)]
    errors: list[OrderError] = []
    discard_reason = None
    if lacking and order.strict and habits.strict_without_position is WithoutPosition.DISCARD:
        discard_reason = WOULD_NOT_CLOSE
    elif lacking and order.strict:
        errors += [OrderError(NO_POSITION, _words(leg, shown, taken)) for leg in lacking]
    elif lacking and habits.relabel:
        order = relabelled(order, {leg.symbol for leg in lacking})
    else:
        errors += [OrderError("validation_error", _words(leg, shown, taken)) for leg in lacking]
    errors += _opposed(order, working, habits.opening_beside_close)
    warned = lacking if habits.warns_no_position else []
    warnings = tuple(OrderMessage(NO_POSITION, _words(leg, shown, taken)) for leg in warned)
    return Resolved(order, tuple(errors), warnings, discard_reason)


def resolved_at_fill(order: SimOrder, part: Sequence[int], held: Mapping[str, int], habits: Habits) -> SimOrder | None:
    """The order as it fills, when so many contracts of each leg trade now; None when it is rejected instead."""
    legs = [leg for leg, count in zip(order.legs, part, strict=True) if count and not leg.opens]
    counts = {leg.symbol: count for leg, count in zip(order.legs, part, strict=True)}
    lacking = {leg.symbol for leg in legs if not _covers(leg, counts[leg.symbol], held, Counter())}
    if not lacking:
        return order
    return None if order.strict or not habits.relabel else relabelled(order, lacking)


def opened_at_fill(order: SimOrder, filled: Sequence[FilledLeg], held: Mapping[str, int]) -> list[str]:
    """The symbols in which a fill opens a position though its leg asked to close one. `held` is before the fill."""
    legs = [(order.legs[index], count) for index, count, _ in filled]
    return [leg.symbol for leg, n in legs if leg.symbol in order.relabelled and not _covers(leg, n, held, Counter())]


def relabelled(order: SimOrder, symbols: Collection[str]) -> SimOrder:
    """The order with its legs in these symbols opening positions instead of closing them."""
    legs = tuple(
        replace(leg, action="Sell to Open" if leg.sells else "Buy to Open") if leg.symbol in symbols else leg
        for leg in order.legs
    )
    return replace(order, legs=legs, relabelled=(*order.relabelled, *sorted(symbols)))


def reserved_by(working: Sequence[SimOrder]) -> Counter[tuple[str, bool]]:
    """How many contracts or shares these orders close, by symbol and whether they sell.

    A contingent order closes nothing: it waits for another one that does. Of orders that cancel each other only the
    greatest counts.
    """
    taken: Counter[tuple[str, bool]] = Counter()
    together: defaultdict[int, Counter[tuple[str, bool]]] = defaultdict(Counter)
    for order in working:
        if order.status == "Contingent":
            continue
        closes = Counter({(leg.symbol, leg.sells): leg.remaining_quantity for leg in order.legs if not leg.opens})
        if order.complex_order_id is None:
            taken += closes
        else:
            together[order.complex_order_id] |= closes
    return sum(together.values(), taken)


def _covers(leg: SimLeg, count: int, held: Mapping[str, int], taken: Counter[tuple[str, bool]]) -> bool:
    """Whether the position is there that so many contracts of a leg close, beside what is taken of it."""
    position = held.get(leg.symbol, 0)
    return (position if leg.sells else -position) - taken[leg.symbol, leg.sells] >= count


def _words(leg: SimLeg, held: Mapping[str, int], taken: Counter[tuple[str, bool]]) -> str:
    text = f"{leg.action} {leg.quantity} {leg.symbol}: the position is {held.get(leg.symbol, 0)}"
    others = taken[leg.symbol, leg.sells]
    return f"{text}, and other orders close {others} of it" if others else text


def _opposed(order: SimOrder, working: Sequence[SimOrder], habit: OpeningBesideClose) -> list[OrderError]:
    """The errors of legs that meet a working leg on the other side, where one of the two opens and the other closes."""
    if habit is OpeningBesideClose.ALLOW:
        return []
    opens = habit is OpeningBesideClose.REFUSE_OPENING
    met = {
        (leg.symbol, leg.sells)
        for other in working
        for leg in other.legs
        if leg.opens is not opens and leg.remaining_quantity
    }
    return [
        OrderError("opposing_order", f"{leg.action} {leg.symbol}: an order on the other side works.")
        for leg in order.legs
        if leg.opens is opens and (leg.symbol, not leg.sells) in met
    ]
