"""The broker's risk desk: closes expiring options of an ETF that an account could not carry as shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from core.simulator.exchange.handling import AS_ASKED, Handling
from core.simulator.exchange.instruments import DELIVERED, SHARES_PER_CONTRACT
from core.simulator.exchange.ledger import Ledger, intrinsic
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.order_book import OrderBook
from core.simulator.exchange.orders import OrderLeg, OrderRefused, OrderRequest, SimOrder
from core.simulator.exchange.validation import MAX_LEGS
from core.simulator.market.market_data import ListedOption

DESK_USER = "tradedesk"
DESK_SOURCE = "tastytrade risk"
NEAR_STRIKE = Decimal("0.0025")
"""How near its strike, as a fraction of it, a short contract counts as if it were in the money."""
EQUITY_NEEDED = Decimal("0.5")
"""The equity that carries shares, as a fraction of what they cost."""


class Submit(Protocol):
    """Places an order in an account; see `Exchange.submit`."""

    def __call__(
        self, number: str, order: OrderRequest, now: datetime, *, by: str = "", handling: Handling = AS_ASKED
    ) -> SimOrder: ...


@dataclass(frozen=True, eq=False)
class RiskDesk:
    """Looks at accounts on the last day of their contracts."""

    book: OrderBook
    submit: Submit

    def look(self, ledgers: Iterable[Ledger], day: date, at: datetime) -> None:
        """Closes what expires on the date in the accounts that could not carry it."""
        for ledger in ledgers:
            if self.endangered(ledger, day, at):
                with suppress(OrderRefused):
                    self.liquidate(ledger, day, at)

    def endangered(self, ledger: Ledger, day: date, at: datetime) -> bool:
        """Whether an assignment of what expires on the date would be more than the account can carry."""
        equity = ledger.net_liquidating_value(at)
        return any(
            count < 0
            and near_or_in_the_money(option, ledger.spot(option, at))
            and equity < EQUITY_NEEDED * option.strike * SHARES_PER_CONTRACT * -count
            for option, count in expiring(ledger, day)
        )

    def liquidate(self, ledger: Ledger, day: date, at: datetime) -> list[SimOrder]:
        """Removes the account's working orders on what expires on the date, and closes all of it at the market.

        Raises OrderRefused when the account may not trade.
        """
        number, closing = ledger.setup.number, expiring(ledger, day)
        symbols = {option.occ for option, _ in closing}
        for order in self.book.working(number):
            entry = self.book.entry(order.id)
            if entry is not None and symbols.intersection(leg.symbol for leg in order.legs):
                self.book.remove(entry, at, DESK_USER)
        requests = [closing_request(closing[i : i + MAX_LEGS]) for i in range(0, len(closing), MAX_LEGS)]
        at_once = Handling(plan=FillPlan.IMMEDIATE)
        return [self.submit(number, request, at, by=DESK_USER, handling=at_once) for request in requests]


def expiring(ledger: Ledger, day: date) -> list[tuple[ListedOption, int]]:
    """The shown contracts of an account that deliver shares and expire on the date, negative when short."""
    held = ledger.shown.held()
    options = ledger.shown.options().values()
    found = [(o, held[o.occ]) for o in options if o.occ in held and o.expiration == day and o.underlying in DELIVERED]
    return sorted(found, key=lambda each: each[0].occ)


def near_or_in_the_money(option: ListedOption, spot: Decimal) -> bool:
    """Whether the contract is in the money, or so near that it may be at the close."""
    return intrinsic(option, spot) > 0 or abs(spot - option.strike) <= NEAR_STRIKE * option.strike


def closing_request(contracts: Sequence[tuple[ListedOption, int]]) -> OrderRequest:
    """The desk's market order for the day that closes these contracts."""
    legs = tuple(
        OrderLeg("Equity Option", option.occ, "Sell to Close" if count > 0 else "Buy to Close", Decimal(abs(count)))
        for option, count in contracts
    )
    return OrderRequest("Day", "Market", legs, source=DESK_SOURCE)
