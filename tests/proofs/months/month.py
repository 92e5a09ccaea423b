"""Lives the months of one seed: the days of a world with exits on, and every night what their invariants say."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from core.runtime.clock import EXCHANGE_ZONE, exchange_time
from core.simulator.exchange.handling import Handling
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.orders import OrderLeg, OrderRefused, OrderRequest
from tests.proofs.days.day import Days, SeedResult, run_plan
from tests.proofs.days.plan import Plan
from tests.proofs.days.rival import LOGIN
from tests.proofs.days.world import DayWorld
from tests.proofs.exits.invariants import ExitWorldFacts, Kept, quick, violations
from tests.proofs.months.exit_operator import ExitOperator
from tests.support.oracle import is_ours

AT_REST = time(23)
"""When the broker has posted the day, and the console has read it."""
_MARK = "senexit-"
_ZERO, _ONE = Decimal(0), Decimal(1)
QUICK_EVERY = 20
"""After how many commits the quick invariants are judged."""


@dataclass
class MonthResult:
    """The outcome of the months of a seed: how many units ended, by how, and what was found wrong."""

    days: SeedResult
    ended: Counter[str] = field(default_factory=Counter)
    tridents: Counter[str] = field(default_factory=Counter)
    realized: str = ""


def run_months(plan: Plan, *, until: datetime | None = None) -> MonthResult:
    """Lives the plan's sessions."""
    lived: list[Months] = []

    class Kept(Months):
        def __init__(self, world: DayWorld, until: datetime | None) -> None:
            super().__init__(world, until)
            lived.append(self)

    result = run_plan(plan, until=until, days=Kept)
    (months,) = lived
    return MonthResult(result, months.ended, months.tridents, months.realized)


class Months(Days):
    """Runs the days, and judges the invariants of exits each night and after commits."""

    def __init__(self, world: DayWorld, until: datetime | None) -> None:
        super().__init__(world, until)
        self.operator = ExitOperator(world, self.injector)
        self.ended: Counter[str] = Counter()
        self.tridents: Counter[str] = Counter()
        self.realized = ""
        self._kept = Kept()
        self._told: set[str] = set()
        self._commits = 0
        self._first_cash = dict(zip(world.accounts, world.plan.cash, strict=True))
        self._free: list[tuple[datetime, datetime]] = []
        self._closed_remains: set[tuple[str, str]] = set()

    def committed(self) -> None:
        super().committed()
        self._commits += 1
        if self._commits % QUICK_EVERY == 0:
            self._judge(quick(self._facts(at_rest=False)))

    async def operator_settles(self) -> None:
        self.operator.settle()
        await super().operator_settles()

    async def morning(self, at: datetime) -> None:
        await super().morning(at)
        self.world.own(self._sell_remains(at))

    async def night(self, day: date) -> None:
        """Waits until the broker has posted everything, and judges."""
        world = self.world
        self._note_free(day)
        await world.sleep_until(datetime.combine(day, AT_REST, EXCHANGE_ZONE))
        self._judge(violations(self._facts(at_rest=True)))
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
            posts=() if world.plan.saves else world.broker.posted,
            stops=self.operator.stops,
            free=self._free,
            first_cash=self._first_cash,
            at_rest=at_rest,
            foreign_money=self._foreign_money() if at_rest else (),
            kept=self._kept,
        )

    def _foreign_money(self) -> set[str]:
        return {
            number
            for number in self.world.accounts
            for order in self.world.exchange.orders(number)
            if any(leg.fills for leg in order.legs)
            and not (is_ours(order.external_identifier) or (order.external_identifier or "").startswith(_MARK))
        }

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
