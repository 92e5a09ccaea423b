"""The orders of the simulated days as the exchange had them last, also those that it no longer knows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from core.domain.orders.orders import OrderRequest
from core.runtime.clock import exchange_time
from core.simulator.exchange.orders import SimOrder
from core.simulator.in_process.broker import Posted
from tests.proofs.days import rival
from tests.proofs.days.world import DayWorld
from tests.support.oracle import is_ours


@dataclass(eq=False)
class ExchangeOrders:
    """Keeps every order that the exchange told of. `asked` has what was sent, by identifier."""

    world: DayWorld
    asked: dict[str, OrderRequest] = field(default_factory=dict)
    _last: dict[tuple[str | None, int], SimOrder] = field(default_factory=dict)

    def posted(self, posted: Posted) -> None:
        """An order is sent."""
        self.asked[posted.request.identifier] = posted.request

    def changed(self, order: SimOrder) -> bool:
        """Keeps the order as it is now. Whether it is the first that is heard of it."""
        key = (order.external_identifier, order.id)
        first = key not in self._last
        self._last[key] = order
        return first

    def of(self, identifier: str) -> list[SimOrder]:
        """All orders that ever were under this identifier."""
        return [order for order in self._last.values() if order.external_identifier == identifier]

    def present(self, identifier: str) -> list[SimOrder]:
        """Those of them that the broker knows now."""
        return [order for order in self.of(identifier) if self.is_known(order)]

    def is_known(self, order: SimOrder) -> bool:
        """Whether the broker knows this order now."""
        return any(
            one.id == order.id and one.external_identifier == order.external_identifier
            for one in self.world.exchange.orders(order.account_number)
        )

    def is_renumbered(self, order: SimOrder) -> bool:
        """Whether another order has its id now: the broker forgot the order, and kept what it traded."""
        return not self.is_known(order) and any(
            one.id == order.id for number in self.world.accounts for one in self.world.exchange.orders(number)
        )

    def lost(self, recorded: Iterable[str]) -> Iterator[SimOrder]:
        """Our own orders that work or have fills, and whose identifier is not among the recorded ones."""
        names = set(recorded)
        for order in self._last.values():
            identifier = order.external_identifier
            if identifier in self.asked and identifier not in names and self.is_known(order) and trades(order):
                yield order

    def of_others(self, number: str) -> list[SimOrder]:
        """The account's orders that another trader placed."""
        return [o for o in self._last.values() if o.account_number == number and is_rivals(o)]

    def strangers(self, number: str) -> list[SimOrder]:
        """Those of them that carry our prefix, or that opened something on a day on which ours did."""
        own = {
            exchange_time(order.received_at).date()
            for order in self._last.values()
            if order.account_number == number and not is_rivals(order) and fills_of(order)
        }
        opened_by_close = self.world.exchange.opened_by_close
        return [
            order
            for order in self.of_others(number)
            if self.is_known(order)
            and (
                is_ours(order.external_identifier)
                or (opens_any(order, opened_by_close) and exchange_time(order.received_at).date() in own)
            )
        ]

    def signed_fills(self, orders: Iterable[SimOrder]) -> dict[str, int]:
        """The contracts that these orders bought, by symbol; sold ones are negative."""
        found: defaultdict[str, int] = defaultdict(int)
        for order in orders:
            for leg in order.legs:
                filled = sum(fill.quantity for fill in leg.fills)
                found[leg.symbol] += -filled if leg.sells else filled
        return found

    def all_of(self, number: str) -> list[SimOrder]:
        """Every order of the account whose trades still count there."""
        return [
            order
            for order in self._last.values()
            if order.account_number == number and (self.is_known(order) or self.is_renumbered(order))
        ]


def is_rivals(order: SimOrder) -> bool:
    """Whether another trader placed it."""
    return order.username == rival.LOGIN


def trades(order: SimOrder) -> bool:
    """Whether the order works or has a fill."""
    return not order.terminal or bool(fills_of(order))


def fills_of(order: SimOrder) -> set[tuple[str, str]]:
    """The ids of its fills, each with the order's."""
    return {(str(order.id), fill.fill_id) for leg in order.legs for fill in leg.fills}


def opens_any(order: SimOrder, opened_by_close: Collection[tuple[int, str]]) -> bool:
    """Whether the order has opened positions: a close by hand is no trident beside ours.

    The broker calls a closing leg an opening one where other orders may close the whole position, as our targets may.
    It closes all the same. Only what the exchange has `opened_by_close`, by order id and symbol, was opened by it.
    """
    return any(
        leg.fills
        and leg.action.endswith("to Open")
        and (leg.symbol not in order.relabelled or (order.id, leg.symbol) in opened_by_close)
        for leg in order.legs
    )


def differs(asked: OrderRequest, order: SimOrder) -> bool:
    """Whether the broker has another order than the one that was asked for."""
    wanted = sorted((leg.symbol, leg.action.value, leg.quantity) for leg in asked.legs)
    return order.price != asked.credit or sorted((g.symbol, g.action, g.quantity) for g in order.legs) != wanted
