"""The transactions of contracts that end by expiration, exercise or assignment, and of the shares they deliver."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core.simulator.exchange.fees import assignment_fees
from core.simulator.exchange.habits import AssignmentFee
from core.simulator.exchange.instruments import SHARES_PER_CONTRACT
from core.simulator.exchange.matching import CENT
from core.simulator.exchange.orders import NO_FEES, FeeCalculation
from core.simulator.exchange.transactions import RECEIVE_DELIVER, Move, SimTransaction
from core.simulator.market.market_data import ListedOption

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Delivery:
    """Writes the rows of one account for what was executed at one instant, and counts on the exchange date `day`."""

    account: str
    executed_at: datetime
    day: date
    fee: AssignmentFee

    def removal(self, option: ListedOption, contracts: int, sub_kind: str) -> SimTransaction:
        """The row that takes contracts out: for their Expiration, Assignment or Exercise."""
        words = f"Removal of option due to {sub_kind.lower()}"
        return self._row(sub_kind, words, option, abs(contracts), None, NOTHING, NO_FEES)

    def cash_settlement(self, option: ListedOption, contracts: int, worth: Decimal) -> SimTransaction:
        """The row of the cash for contracts in the money, negative when short. Its price is the strike (as seen)."""
        sub_kind = "Cash Settled Assignment" if contracts < 0 else "Cash Settled Exercise"
        value = contracts * SHARES_PER_CONTRACT * worth
        fees = assignment_fees(abs(contracts), self.fee)
        words = f"{sub_kind} of option"
        return self._row(sub_kind, words, option, abs(contracts), option.strike, value, fees)

    def shares(self, option: ListedOption, change: int, held: int) -> list[SimTransaction]:
        """The rows of shares bought (negative: sold) for the strike by an exercise or an assignment.

        What closes shares that the account holds is a row of its own. The fee is on the first.
        """
        closing = min(abs(change), abs(held)) if held * change < 0 else 0
        verb, sign = ("Buy", -1) if change > 0 else ("Sell", 1)
        fees = assignment_fees(abs(change) // delivered_shares(option), self.fee)
        rows = []
        for count, effect in ((closing, "Close"), (abs(change) - closing, "Open")):
            if count:
                action = f"{verb} to {effect}"
                rows.append(
                    self._share_row(option, action, count, (sign * count * price_of_share(option)).quantize(CENT), fees)
                )
                fees = NO_FEES
        return rows

    def _share_row(
        self, option: ListedOption, action: str, count: int, value: Decimal, fees: FeeCalculation
    ) -> SimTransaction:
        words = f"{action} {count} {option.underlying} @ {price_of_share(option):.2f}"
        return SimTransaction(
            0,
            self.account,
            RECEIVE_DELIVER,
            action,
            words,
            "Equity",
            option.underlying,
            option.underlying,
            action,
            Decimal(count),
            price_of_share(option),
            value,
            fees,
            self.executed_at,
            self.day,
            self.executed_at,
            bool(fees.total_fees),
        )

    def _row(
        self,
        sub_kind: str,
        words: str,
        option: ListedOption,
        contracts: int,
        price: Decimal | None,
        value: Decimal,
        fees: FeeCalculation,
    ) -> SimTransaction:
        return SimTransaction(
            0,
            self.account,
            RECEIVE_DELIVER,
            sub_kind,
            words,
            "Equity Option",
            option.occ,
            option.underlying,
            None,
            Decimal(contracts),
            price,
            value,
            fees,
            self.executed_at,
            self.day,
            self.executed_at,
            bool(fees.total_fees),
        )


def delivered_shares(option: ListedOption) -> int:
    """How many shares one contract delivers: 100, or what a split has made of them."""
    return int(SHARES_PER_CONTRACT * option.deliverable)


def price_of_share(option: ListedOption) -> Decimal:
    """What an exercise pays for each share it delivers, in $."""
    return option.strike / option.deliverable


def delivered(
    delivery: Delivery, option: ListedOption, contracts: int, shares_held: int
) -> tuple[list[SimTransaction], list[Move]]:
    """The exercise of contracts (negative when short: their assignment) for shares, as rows and moves."""
    buys = (contracts > 0) == (option.right == "C")
    change = abs(contracts) * delivered_shares(option) * (1 if buys else -1)
    sub_kind = "Exercise" if contracts > 0 else "Assignment"
    rows = [delivery.removal(option, contracts, sub_kind), *delivery.shares(option, change, shares_held)]
    return rows, [Move(option.occ, -contracts, NOTHING), Move(option.underlying, change, price_of_share(option))]
