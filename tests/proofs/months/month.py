"""Lives the months of one seed: the days of a world with exits on, and every night what their invariants say."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial

from core.domain.operation.account_settings import AccountField
from core.domain.operation.commands import CommandKind
from core.runtime.clock import EXCHANGE_ZONE, exchange_time
from core.simulator.exchange.handling import Handling
from core.simulator.exchange.instruments import DELIVERED
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.orders import Notice, OrderLeg, OrderRefused, OrderRequest, SimOrder
from core.simulator.in_process.broker import Posted
from tests.proofs.days.day import Days, SeedResult, run_plan
from tests.proofs.days.plan import Plan
from tests.proofs.days.rival import LOGIN
from tests.proofs.days.world import DayWorld
from tests.proofs.exits.exit_times import free_to_the_end
from tests.proofs.exits.facts import EXIT_MARK, Facts, is_exit
from tests.proofs.exits.invariants import ExitWorldFacts, Kept, quick, violations
from tests.proofs.exits.steps import ExitSteps
from tests.proofs.months.exit_operator import ExitOperator
from tests.proofs.months.exit_send_checks import exit_send_violations

AT_REST = time(23)
"""When the broker has posted the day, and the console has read it."""
_ZERO, _ONE = Decimal(0), Decimal(1)
LOOKS_BACK = timedelta(days=2)
"""After a commit tridents are judged that are held, or ended not longer ago than this."""
KEEPS_SHARES = 5
"""Mornings."""
FILLS_AFTER_S = (6.0, 25.0, 90.0, 170.0)
"""How long after it is live a close fills at the price asked: before its walk goes on. One of these, by its id."""


@dataclass
class MonthResult:
    """The outcome of the months of a seed: how many units ended, by how, and what was found wrong. `judged` counts how
    often the invariants were judged after a commit, `last_hours` the tridents that had to be closed and in whose last
    hour nothing stood in the way."""

    days: SeedResult
    ended: Counter[str] = field(default_factory=Counter)
    tridents: Counter[str] = field(default_factory=Counter)
    realized: str = ""
    judged: int = 0
    last_hours: int = 0


def run_months(plan: Plan, *, until: datetime | None = None) -> MonthResult:
    """Lives the plan's sessions."""
    lived: list[Months] = []

    def months(world: DayWorld, until: datetime | None) -> Months:
        lived.append(Months(world, until))
        return lived[0]

    result = run_plan(plan, until=until, days=months)
    (one,) = lived
    return MonthResult(result, one.ended, one.tridents, one.realized, one.judged, one.last_hours)


class Months(Days):
    """Runs the days, and judges the invariants of exits each night and after commits."""

    def __init__(self, world: DayWorld, until: datetime | None) -> None:
        super().__init__(world, until)
        self.operator = ExitOperator(world, self.injector)
        self.ended: Counter[str] = Counter()
        self.tridents: Counter[str] = Counter()
        self.realized = ""
        self._kept = Kept()
        self._is_set = False
        self._told: set[str] = set()
        self._steps = ExitSteps()
        self.judged = self.last_hours = self.sent = 0
        self._first_cash = dict(zip(world.accounts, world.plan.cash, strict=True))
        self._free: list[tuple[datetime, datetime]] = []
        self._closed_remains: set[tuple[str, str]] = set()
        self._to_fill: set[int] = set()
        self._mornings_with_shares = 0

    def committed(self) -> None:
        super().committed()
        if self._steps.moved(self.checker.reader):
            self.judged += 1
            self._judge(quick(self._facts(at_rest=False)))

    def _posted(self, posted: Posted) -> None:
        super()._posted(posted)
        if posted.request.identifier.startswith(EXIT_MARK):
            self.sent += 1
            self._judge(list(exit_send_violations(self.world, self.checker.reader, posted)))

    def _at_exchange(self, notice: Notice) -> None:
        super()._at_exchange(notice)
        order = notice.obj
        if not self.world.plan.fills_as_asked or not isinstance(order, SimOrder) or order.id in self._to_fill:
            return
        if is_exit(order) and order.time_in_force == "Day" and order.status == "Live":
            self._to_fill.add(order.id)
            self.world.later(FILLS_AFTER_S[order.id % len(FILLS_AFTER_S)], partial(self._fill, order))

    def _fill(self, order: SimOrder) -> None:
        """The close fills at the price asked, unless it has ended meanwhile or nothing trades."""
        world = self.world
        with suppress(OrderRefused):
            world.exchange.back_office.fill(order.account_number, order.id, world.exchange_clock.now(), None)
            world.broker.alerts.wake()

    async def operator_settles(self) -> None:
        self.operator.settle()
        await super().operator_settles()

    async def morning(self, at: datetime) -> None:
        await super().morning(at)
        if not self._is_set:
            self._is_set = True
            for number in self.world.accounts:
                note = f"{AccountField.EXIT_DTE.value} {self.world.plan.exit_dte}"
                self.command(CommandKind.SET_ACCOUNT, number, note)
        self._sell_old_shares()
        self.world.own(self._sell_remains(at))

    def _sell_old_shares(self) -> None:
        """The operator closes the shares of an assignment after a week at the latest: beside them is no buying power,
        and no entry follows."""
        exchange = self.world.exchange
        ledgers = exchange.back_office.ledgers.values()
        holds = any(symbol in DELIVERED for ledger in ledgers for symbol in ledger.held())
        self._mornings_with_shares = self._mornings_with_shares + 1 if holds else 0
        sells = self.world.plan.habits.hand_sells_shares or self._mornings_with_shares >= KEEPS_SHARES
        exchange.habits = replace(exchange.habits, hand_sells_shares=sells)

    async def night(self, day: date) -> None:
        """Waits until the broker has posted everything, and judges."""
        world = self.world
        self._note_free(day)
        await world.sleep_until(datetime.combine(day, AT_REST, EXCHANGE_ZONE))
        facts = self._facts(at_rest=True)
        self._judge(violations(facts))
        self.last_hours = sum(1 for _ in free_to_the_end(Facts(facts)))
        self._count()

    def _judge(self, found: list[str]) -> None:
        for text in found:
            if text not in self._told:
                self._told.add(text)
                self.checker.add("exits", text)

    def _facts(self, *, at_rest: bool) -> ExitWorldFacts:
        world = self.world
        return ExitWorldFacts(
            reader=self.checker.reader,
            exchange=world.exchange,
            market=world.market,
            now=world.exchange_clock.now(),
            posts=world.broker.posted,
            cancels=world.broker_side.cancels,
            stops=self.operator.stops,
            free=self._free,
            fills_as_asked=world.plan.fills_as_asked,
            first_cash=self._first_cash,
            at_rest=at_rest,
            kept=self._kept,
            recent=None if at_rest else world.exchange_clock.now() - LOOKS_BACK,
        )

    def _note_free(self, day: date) -> None:
        """A day on which nothing was drawn blocks no exit, from a minute after its open on."""
        session = self.world.market.session(day)
        days = {exchange_time(trouble.at).date() for trouble in self.world.plan.troubles}
        before = max((one for one in self.world.plan.days if one < day), default=day)
        if session is not None and not {day, before} & days:
            self._free.append((session.open + timedelta(minutes=1), session.close))

    async def _sell_remains(self, at: datetime) -> None:
        """The operator closes at the broker what is left of broken units, after the open."""
        world = self.world
        await world.sleep_until(at + timedelta(minutes=9))
        rows = self.checker.reader.execute(
            "SELECT u.trident_id, u.unit, t.account, u.remainder, u.short_symbol FROM units u "
            "JOIN tridents t ON t.id = u.trident_id WHERE u.state = 'broken' AND u.remainder IS NOT NULL"
        ).fetchall()
        for trident, unit, number, symbol, short in rows:
            if (trident, unit) in self._closed_remains:
                continue
            action = "Buy to Close" if symbol == short else "Sell to Close"
            request = OrderRequest("Day", "Market", (OrderLeg("Equity Option", symbol, action, _ONE),))
            try:
                now = world.exchange_clock.now()
                world.exchange.submit(number, request, now, by=LOGIN, handling=Handling(FillPlan.IMMEDIATE))
            except OrderRefused:
                continue
            self._closed_remains.add((trident, unit))
            world.broker.alerts.wake()

    def _count(self) -> None:
        read = self.checker.reader.execute
        self.ended = Counter(
            dict(read("SELECT coalesce(how, '?'), count(*) FROM units WHERE state IN ('closed', 'gone') GROUP BY how"))
        )
        self.tridents = Counter(dict(read("SELECT phase, count(*) FROM tridents GROUP BY phase")))
        total = sum((Decimal(row[0]) for row in read("SELECT realized FROM units WHERE realized IS NOT NULL")), _ZERO)
        self.realized = f"{total:.2f}"
