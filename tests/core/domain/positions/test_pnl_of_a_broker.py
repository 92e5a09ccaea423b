"""What tridents earned by the rows of the simulated broker: however they end, it is the change of the cash."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from core.domain.orders.orders import Entry, Fill, Intent, OrderRequest, TimeInForce
from core.domain.positions.close_shape import close_shape
from core.domain.positions.closing import Gone, units_after
from core.domain.positions.credits import unit_credits
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.matching import Lot, Match, Role, exchange_day, match
from core.domain.positions.pnl import OfficialClose, Realized, by_broker, realized, total
from core.domain.positions.units import Ended, Unit, UnitName, units_of
from core.simulator.exchange.clearing import Late
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.habits import AssignmentFee, FeesFinal
from core.simulator.exchange.handling import Handling
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.money_rows import Correction
from core.simulator.exchange.orders import closing_order
from core.simulator.in_process.values import order_body, order_report, transaction
from tests.core.simulator.exchange.closing_prices import cash, closing_at, exchange_at, held
from tests.core.simulator.exchange.placed_orders import ONE, TEN, occ
from tests.support.tridents import CALL, PUT_1, PUT_2, D, entry, opening
from tests.support.tridents import exit as exit_of

EXPIRY = date(2027, 1, 8)
NIGHT = exchange_at(EXPIRY, 23)
NEXT_DAY = exchange_at(EXPIRY + timedelta(days=1), 7)
MINUTE = timedelta(minutes=1)
QQQ = tuple(occ(right, strike) for right, strike in (("P", 622), ("P", 619), ("C", 622), ("C", 625)))
SPXW = tuple(occ(right, strike, "SPXW") for right, strike in (("P", 6850), ("P", 6845), ("C", 6850), ("C", 6855)))


@dataclass
class Traded:
    """One trident at a broker: what was sent for it, and what left otherwise."""

    broker: Exchange
    symbols: Sequence[str] = QQQ
    underlying: str = "QQQ"
    exits: list[Exit] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    lots: list[Lot] = field(default_factory=list)
    closes: list[OfficialClose] = field(default_factory=list)
    final_before: date = date(2026, 1, 1)
    before: Decimal = field(init=False)
    entry: Entry = field(init=False)
    units: tuple[Unit, ...] = field(init=False)

    def open(self, credit: str, at: datetime = TEN) -> None:
        """Opens the trident, and waits for its fills."""
        self.before = cash(self.broker, at)
        request = replace(opening(self.symbols, self.underlying), credit=D(credit), identifier="senex-1")
        order_id, fills = self._filled(request, at)
        like = entry("1", "1", "1", "1", symbols=self.symbols, underlying=self.underlying)
        day, over = exchange_day(at), max(fill.at for fill in fills)
        self.entry = replace(
            like, account=ONE, session_day=day, request=request, order_id=order_id, fills=fills, terminal_at=over
        )
        width = D("3") if self.underlying == "QQQ" else D("5")
        credits = unit_credits(request, fills, width, (D("1.2"), D("1.7")))
        assert credits is not None
        self.units = tuple(
            replace(unit, credit=credits.put if unit.is_put else credits.call) for unit in units_of(request)
        )

    def close(self, names: Sequence[UnitName], debit: str, at: datetime, kind: ExitKind = ExitKind.TARGET) -> None:
        """Closes these units by an order of ours, and waits for its fills."""
        shape = close_shape([unit for unit in self.units if unit.name in names])
        assert shape is not None
        number = f"x{len(self.exits) + 1}"
        like = exit_of(names, of=self.units, kind=kind, id=number, debit=debit)
        request = OrderRequest(
            self.underlying, shape.legs, -D(debit), f"senexit-{number}", TimeInForce.DAY, strict=True
        )
        order_id, fills = self._filled(request, at)
        self.exits.append(replace(like, account=ONE, request=request, order_id=order_id, fills=fills))

    def by_hand(self, names: Sequence[UnitName], symbols: Iterable[str], at: datetime, cause: Ended) -> None:
        """Closes a contract of each symbol by an order that is not ours, for the first of these units."""
        positions = [p for p in self.broker.positions(ONE, at) if p.symbol in set(symbols)]
        order = self.broker.submit(
            ONE,
            closing_order([replace(p, quantity=1) for p in positions]),
            at,
            handling=Handling(plan=FillPlan.IMMEDIATE),
        )
        self.broker.advance(at + MINUTE)
        for name in names:
            for position in positions:
                self.leaves(name, position.symbol, cause, str(order.id))

    def leaves(self, name: UnitName, symbol: str, cause: Ended, order_id: str = "") -> None:
        """Notes that a contract of a unit left without an order of ours."""
        self.gone.append(Gone(name, symbol, cause, TEN))
        self.lots.append(Lot("T1", name, symbol, (order_id,) if order_id else ()))

    def expires(self, *causes: Ended) -> None:
        """Notes that all contracts left at expiration, each unit's short and long for these causes."""
        for unit in self.units:
            puts = Ended.EXPIRED, Ended.EXPIRED
            for symbol, cause in zip((unit.short, unit.long), causes if unit.is_put else puts, strict=True):
                self.leaves(unit.name, symbol, cause)

    def matches(self, at: datetime) -> tuple[Match, ...]:
        rows = [transaction(row) for row in self.broker.transactions(ONE, at)]
        orders: dict[str, list[Intent]] = {str(order.order_id): [order] for order in (self.entry, *self.exits)}
        found = match(rows, orders, {"T1": self.units}, self.lots)
        assert sum(one.net_value for one in found) == sum(row.net_value for row in rows), "each row is given away whole"
        return found

    def earned(self, at: datetime) -> tuple[Realized, Decimal | None]:
        """What it realized by our records, and by the broker's rows."""
        found = self.matches(at)
        by_unit = realized(
            self.entry,
            units_after(self.units, self.exits, self.gone),
            self.exits,
            found,
            self.closes,
            cash_settled=self.underlying == "SPX",
            final_before=self.final_before,
        )
        return total(by_unit.values()), by_broker(self.entry, found, self.closes)

    def agrees(self, at: datetime, *, shares: Decimal = Decimal(0), others: Decimal = Decimal(0)) -> Realized:
        """What it realized: the same by our records, by the broker's rows, and by its cash, with the shares that are
        held now and less the cash that is not ours."""
        found, broker = self.earned(at)
        assert found.unexplained == ()
        assert found.net == broker == cash(self.broker, at) - self.before + shares - others
        return found

    def _filled(self, request: OrderRequest, at: datetime) -> tuple[str, tuple[Fill, ...]]:
        self.broker.advance(at)
        order = self.broker.submit(ONE, order_body(request), at, handling=Handling(plan=FillPlan.NEVER))
        self.broker.advance(at + MINUTE)
        self.broker.back_office.fill(ONE, order.id, at + MINUTE)
        report = order_report(self.broker.order(ONE, order.id))
        fills = tuple(replace(fill, order_id=report.order_id) for leg in report.legs for fill in leg.fills)
        return report.order_id, fills


def trident(close: str = "622.00", *, symbols: Sequence[str] = QQQ, credit: str = "4.06", **habits: object) -> Traded:
    """A trident, opened at the broker, whose underlying closes at this price on the day of expiration."""
    habits = {"early_assignment": False, **habits}
    traded = Traded(closing_at(EXPIRY, close, **habits), symbols, "QQQ" if symbols is QQQ else "SPX")
    traded.open(credit)
    return traded


@pytest.mark.parametrize(
    ("habit", "fee"), [(AssignmentFee.SYMBOL, "5.00"), (AssignmentFee.CONTRACT, "10.00")], ids=["symbol", "contract"]
)
def test_an_index_settles_in_cash(habit: AssignmentFee, fee: str) -> None:
    traded = trident("6846", symbols=SPXW, credit="6.80", assignment_fee=habit)
    traded.expires(Ended.ASSIGNED, Ended.EXPIRED)
    found = traded.agrees(NIGHT)
    assert (found.received, found.paid, found.settlement) == (680, 0, -800)
    assert (found.fees, found.opening_fees) == (D("10.63") + D(fee), D("10.63"))
    assert found.net == D("-130.63") - D(fee)


def test_an_index_beyond_its_wing_settles_both_of_its_puts() -> None:
    traded = trident("6840", symbols=SPXW, credit="6.80")
    traded.expires(Ended.ASSIGNED, Ended.EXERCISED)
    found = traded.agrees(NIGHT)
    assert (found.settlement, found.fees) == (-1000, D("20.63"))


def test_options_of_an_etf_that_are_worthless_leave_the_credit() -> None:
    traded = trident("622.00")
    traded.expires(Ended.EXPIRED, Ended.EXPIRED)
    found = traded.agrees(NEXT_DAY)
    assert (found.net, found.fees) == (D("406") - D("6.73"), D("6.73"))


def test_puts_assigned_and_exercised_leave_no_shares() -> None:
    traded = trident("615.00")
    traded.expires(Ended.ASSIGNED, Ended.EXERCISED)
    found, broker = traded.earned(NEXT_DAY)
    assert (found.unexplained, broker) == ((PUT_1, PUT_2), None), "no official close has come since"
    traded.closes.append(OfficialClose(exchange_at(EXPIRY + timedelta(days=3), 16), D("633.21")))
    found = traded.agrees(NEXT_DAY)
    assert "QQQ" not in held(traded.broker, NEXT_DAY)
    assert found.settlement == -600, "what the shares close at is nothing to a trident that has none left"


def test_puts_between_their_strikes_leave_shares_at_the_first_close_after_them() -> None:
    traded = trident("620.50")
    traded.expires(Ended.ASSIGNED, Ended.EXPIRED)
    traded.closes = [
        OfficialClose(exchange_at(EXPIRY, 16), D("620.50")),
        OfficialClose(exchange_at(EXPIRY + timedelta(days=3), 16), D("618.00")),
        OfficialClose(exchange_at(EXPIRY + timedelta(days=4), 16), D("700.00")),
    ]
    assert held(traded.broker, NEXT_DAY) == {"QQQ": 200}
    found = traded.agrees(NEXT_DAY, shares=200 * D("618.00"))
    assert found.settlement == 200 * (D("618.00") - 622)


def test_a_short_put_assigned_early_is_open_until_its_long_is_sold() -> None:
    traded = trident()
    day = TEN.date()
    evening, morning = exchange_at(day, 20), exchange_at(day + timedelta(days=1), 6)
    traded.broker.back_office.assign(ONE, QQQ[0], 1, evening, at_once=False)
    traded.broker.advance(morning)
    traded.leaves(PUT_2, QQQ[0], Ended.ASSIGNED)
    close = OfficialClose(exchange_at(day + timedelta(days=1), 16), D("610.00"))
    traded.closes = [OfficialClose(exchange_at(day, 16), D("1")), close]
    found, _ = traded.earned(morning)
    assert (found.net, found.fees) == (-found.fees, D("6.73") + 5), "its cash waits for the long put"
    later = morning + timedelta(hours=4)
    traded.by_hand([PUT_2], [QQQ[1]], later, Ended.HAND)
    traded.close([PUT_1], "0.73", later + 5 * MINUTE)
    traded.close([CALL], "0.97", later + 10 * MINUTE)
    found = traded.agrees(later + timedelta(hours=1), shares=100 * D("610.00"))
    assert found.settlement == 100 * (D("610.00") - 622)


def test_targets_that_all_fill_are_the_worked_example() -> None:
    traded = trident()
    for minutes, (name, debit) in enumerate(((PUT_1, "0.73"), (PUT_2, "0.48"), (CALL, "0.97"))):
        traded.close([name], debit, TEN + (10 + minutes) * MINUTE)
    found = traded.agrees(TEN + timedelta(hours=1))
    assert (found.received, found.paid, found.gross) == (406, 218, 188)
    assert found.fees == D("6.73") + 3 * D("0.24")


@pytest.mark.parametrize("names", [[PUT_1, PUT_2, CALL], [PUT_1, CALL], [PUT_1, PUT_2]], ids=["all", "pair", "puts"])
def test_a_time_exit_and_the_rest_by_hand(names: list[UnitName]) -> None:
    traded = trident()
    later = TEN + timedelta(hours=1)
    traded.close(names, {3: "3.66", 2: "1.70"}[len(names)], later, ExitKind.TIME)
    for name in {PUT_1, PUT_2, CALL} - set(names):
        legs = QQQ[2:] if name is CALL else QQQ[:2]
        traded.by_hand([name], legs, later + 10 * MINUTE, Ended.HAND)
    found = traded.agrees(later + timedelta(hours=1))
    assert found.estimated, "the broker says so of its own fees on that day"
    assert not traded.earned(exchange_at(TEN.date() + timedelta(days=1), 7))[0].estimated


def test_a_fee_that_stays_an_estimate_counts_as_final_once_its_day_is_old() -> None:
    traded = trident(fees_final=FeesFinal.NEVER)
    traded.close([PUT_1, PUT_2, CALL], "3.66", TEN + 10 * MINUTE, ExitKind.TIME)
    week_later = exchange_at(TEN.date() + timedelta(days=7), 23)
    assert traded.earned(week_later)[0].estimated
    traded.final_before = TEN.date() + timedelta(days=1)
    assert not traded.agrees(week_later).estimated


@dataclass
class Troubled:
    """Postings that are late, or corrected on the next morning."""

    lateness: Late | None = None
    corrects: Correction | None = None

    def position_lag(self, number: str) -> timedelta | None:
        return None

    def late(self, number: str) -> Late | None:
        return self.lateness

    def correction(self, number: str) -> Correction | None:
        return self.corrects if number == ONE else None


def test_rows_that_come_late_change_the_fees_alone() -> None:
    traded = trident()
    traded.broker.trouble(Troubled(Late(timedelta(hours=3), with_positions=False)))
    traded.close([PUT_1, PUT_2, CALL], "3.66", TEN + 10 * MINUTE, ExitKind.TIME)
    early, late = TEN + timedelta(hours=1), TEN + timedelta(hours=4)
    before, broker = traded.earned(early)
    assert before.estimated
    assert broker == D("406") - D("6.73"), "its closing is not told yet"
    after = traded.agrees(late)
    assert (before.gross, before.net) == (after.gross, after.net)
    assert after.net == D("40.00") - D("6.73") - D("0.73")


@pytest.mark.parametrize("corrects", list(Correction))
def test_what_the_broker_corrects_keeps_the_sum(corrects: Correction) -> None:
    traded = trident()
    traded.close([PUT_1, PUT_2, CALL], "3.66", TEN + 10 * MINUTE, ExitKind.TIME)
    traded.broker.trouble(Troubled(corrects=corrects))
    morning = exchange_at(TEN.date() + timedelta(days=1), 7)
    traded.broker.advance(morning)
    others = sum((one.net_value for one in traded.matches(morning) if one.role is Role.NOT_OURS), Decimal(0))
    assert others == (D("-0.02") if corrects is Correction.FEE else 0)
    found = traded.agrees(morning, others=others)
    assert found.net == D("40.00") - D("6.73") - D("0.73")
    undone = [one for one in traded.matches(morning) if one.quantity < 0]
    assert bool(undone) is (corrects is Correction.REVERSAL)


def test_contracts_of_another_trident_of_the_operator_stay_theirs() -> None:
    traded = trident("615.00")
    traded.broker.back_office.give(ONE, {QQQ[0]: -1}, TEN + 10 * MINUTE)
    traded.expires(Ended.ASSIGNED, Ended.EXERCISED)
    traded.closes.append(OfficialClose(exchange_at(EXPIRY + timedelta(days=3), 16), D("633.21")))
    found = traded.matches(NEXT_DAY)
    [foreign] = [one for one in found if one.role is Role.NOT_OURS and one.row.symbol == QQQ[0]]
    assert (foreign.quantity, foreign.row.quantity) == (1, 3)
    shares = [one for one in found if one.role is Role.NOT_OURS and one.row.symbol == "QQQ"]
    assert sum(one.quantity for one in shares) == 100
    earned, broker = traded.earned(NEXT_DAY)
    assert earned.net == broker
    assert earned.settlement == -600
