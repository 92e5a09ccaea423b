"""What happens to accounts around each session: by their operator at 10:00, by the broker at 15:30, 22:00 and 06:00."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from core.simulator.exchange.assignment import early_assignments
from core.simulator.exchange.clearing import Clearing
from core.simulator.exchange.expiration import evening_posting, morning_posting
from core.simulator.exchange.habits import FeesFinal, Habits
from core.simulator.exchange.handling import Handling
from core.simulator.exchange.instruments import DELIVERED
from core.simulator.exchange.ledger import Ledger
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.matching import CENT
from core.simulator.exchange.money_rows import correction_rows, dividend_row
from core.simulator.exchange.orders import OrderRefused, closing_order
from core.simulator.exchange.risk_desk import RiskDesk
from core.simulator.exchange.session_hours import SessionHours, hours_of, morning_of
from core.simulator.exchange.transactions import Posting
from core.simulator.market.market import Market
from core.simulator.market.market_data import Dividend

HAND = "hand"
"""Who sells the shares of an assignment, under the habit that somebody does."""


class Hour(Enum):
    """The instants at which somebody acts."""

    HAND = "hand"
    DESK = "desk"
    EVENING = "evening"
    MORNING = "morning"


@dataclass(eq=False)
class Nights:
    """Settles the accounts of one broker. `habits` returns those it has now."""

    market: Market
    ledgers: Mapping[str, Ledger]
    clearing: Clearing
    desk: RiskDesk
    habits: Callable[[], Habits]
    seed: int
    _next: tuple[datetime, datetime, Hour, SessionHours] | None = field(default=None, init=False)
    """The last answer: it holds from the first instant until the second."""

    def next_after(self, after: datetime) -> tuple[datetime, Hour, SessionHours]:
        """The first instant after this one at which somebody acts."""
        if self._next is None or not self._next[0] <= after < self._next[1]:
            last, current, following = self.market.sessions_around(after)
            hours = [hours_of(session) for session in (last, current, following) if session is not None]
            ahead = [
                (at, hour, each)
                for each in hours
                for at, hour in (
                    (each.hand, Hour.HAND),
                    (each.desk, Hour.DESK),
                    (each.evening, Hour.EVENING),
                    (each.morning, Hour.MORNING),
                )
                if at > after
            ]
            self._next = (after, *min(ahead, key=lambda each: each[0]))
        return self._next[1:]

    def idle(self) -> bool:
        """Whether no account has anything to settle."""
        return not any(ledger.unsettled() for ledger in self.ledgers.values())

    def run(self, hour: Hour, hours: SessionHours) -> None:
        """Does what is done at this hour."""
        habits = self.habits()
        if hour is Hour.EVENING:
            self._evening(hours, habits)
        elif hour is Hour.MORNING:
            self._morning(hours, habits)
        elif hour is Hour.DESK and habits.desk:
            self.desk.look(self.ledgers.values(), hours.day, hours.desk)
        elif hour is Hour.HAND and habits.hand_sells_shares:
            self._sell_shares(hours.hand)

    def _sell_shares(self, at: datetime) -> None:
        """Closes the shares of every account at the market, as an operator does who was assigned."""
        for number, ledger in self.ledgers.items():
            shares = {symbol: count for symbol, count in ledger.shown.held().items() if symbol in DELIVERED}
            if shares:
                positions = [ledger.position(symbol, at) for symbol in shares]
                with suppress(OrderRefused):
                    at_once = Handling(plan=FillPlan.IMMEDIATE)
                    self.desk.submit(number, closing_order(positions), at, by=HAND, handling=at_once)

    def _evening(self, hours: SessionHours, habits: Habits) -> None:
        """22:00: cash for index options, and the end of all that is worthless."""
        for ledger in tuple(self.ledgers.values()):
            self._post(evening_posting(ledger, hours, habits, self.seed))

    def _morning(self, hours: SessionHours, habits: Habits) -> None:
        """06:00: final fees, exercises and assignments, dividends, corrections, margin calls."""
        session = self.market.sessions_around(hours.morning)[0]
        paid = {symbol: self._dividend(symbol, hours) for symbol in DELIVERED}
        for ledger in tuple(self.ledgers.values()):
            if habits.fees_final is FeesFinal.OVERNIGHT:
                ledger.log.settle_fees(hours.morning)
            early = []
            if habits.early_assignment:
                early = early_assignments(ledger, hours, session.options_close, paid, self.seed)
            self._post(morning_posting(ledger, hours, habits, early))
            for symbol, dividend in paid.items():
                self._entitle(ledger, symbol, dividend)
            self._correct(ledger, hours)
            ledger.drop_closed(hours.day)
            if not ledger.call_by_hand:
                called = ledger.maintenance_excess(hours.morning) < 0
                ledger.setup = replace(ledger.setup, is_in_margin_call=called)

    def _dividend(self, symbol: str, hours: SessionHours) -> Dividend | None:
        """The dividend of an underlying that goes ex in the session after this night."""
        following = self.market.sessions_around(hours.morning)[2].day
        dividend = self.market.next_dividend(symbol, following)
        return dividend if dividend is not None and dividend.ex == following else None

    def _entitle(self, ledger: Ledger, symbol: str, dividend: Dividend | None) -> None:
        """Has a dividend posted on its pay date for the shares held now. Who is short pays it."""
        shares = ledger.held().get(symbol, 0)
        if dividend is not None and shares:
            at, number = morning_of(dividend.pay), ledger.setup.number
            row = dividend_row(number, symbol, (shares * dividend.amount).quantize(CENT), at)
            ledger.expect(Posting(at, number, (row,)))

    def _correct(self, ledger: Ledger, hours: SessionHours) -> None:
        number = ledger.setup.number
        correction = self.clearing.correction(number)
        if correction is not None:
            rows = correction_rows(correction, ledger.log, number, hours.morning)
            self._post(Posting(hours.morning, number, tuple(rows)) if rows else None)

    def _post(self, posting: Posting | None) -> None:
        if posting is not None:
            self.clearing.post(posting)
