"""The worked examples of the rules about a trident's end, figures exact."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest

from core.domain.market.chain import TickTable
from core.domain.market.sessions import Session
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Fill, OrderLeg, OrderRequest
from core.domain.positions.attribution import Loss, TridentUnits, cause, unit_losses
from core.domain.positions.cap import cap, part_of_loss
from core.domain.positions.close_shape import close_shape
from core.domain.positions.closing import Gone, units_after
from core.domain.positions.credits import unit_credits
from core.domain.positions.exits import ExitKind, unreleased
from core.domain.positions.fees import ASSIGNMENT_FEE, estimated_fees
from core.domain.positions.holdings import HeldTrident, closable, expected, working
from core.domain.positions.left import credit_left, most_worth, open_risk, worst_case
from core.domain.positions.matching import Lot, match
from core.domain.positions.pnl import by_broker, realized, total
from core.domain.positions.targets import target_price
from core.domain.positions.units import Ended, Unit, UnitName, UnitState, left_of, legs_of, units_of
from core.domain.positions.walk import ClosePrices, NextPrice, Rest, Walked, next_price
from core.domain.trident.payoff import Payoff
from core.domain.trident.sides import Direction
from core.domain.trident.trident import Action
from tests.support.tridents import entry, exit, row, units
from tests.support.world import et

CENT = TickTable((), Decimal("0.01"))
INDEX = TickTable(((Decimal(3), Decimal("0.05")),), Decimal("0.10"))
QQQ = ("QQQ   251219P00622000", "QQQ   251219P00619000", "QQQ   251219C00622000", "QQQ   251219C00625000")
ACTIONS = ((Action.SELL_TO_OPEN, 2), (Action.BUY_TO_OPEN, 2), (Action.SELL_TO_OPEN, 1), (Action.BUY_TO_OPEN, 1))
SESSION = Session(et("2025-12-12").date(), et("2025-12-12", "09:30"), et("2025-12-12", "16:00"))
PERCENTS = {UnitName.PUT_1: 40, UnitName.PUT_2: 60, UnitName.CALL: 40}


def D(text: str) -> Decimal:
    return Decimal(text)


LOST_PUT = Loss((QQQ[0], Direction.SHORT), Decimal(1))


def request(symbols: tuple[str, ...] = QQQ) -> OrderRequest:
    legs = tuple(OrderLeg(symbol, *action) for symbol, action in zip(symbols, ACTIONS, strict=True))
    return OrderRequest("QQQ", legs, D("4.00"), "senex-1")


def trident(put: str, call: str, *ended: UnitName) -> tuple[Unit, ...]:
    """The units of a trident with these unit credits, of which some are closed."""
    return tuple(
        replace(
            unit, credit=D(put if unit.is_put else call), state=UnitState.CLOSED if unit.name in ended else unit.state
        )
        for unit in units_of(request())
    )


A = trident("1.20", "1.70")
B = trident("1.22", "1.62")
F = trident("2.05", "2.70")


def targets(units: tuple[Unit, ...], ticks: TickTable) -> list[Decimal | None]:
    return [None if u.credit is None else target_price(u.credit, PERCENTS[u.name], ticks) for u in units]


@pytest.mark.parametrize(
    ("units", "ticks", "prices"),
    [
        pytest.param(A, CENT, ["0.72", "0.48", "1.02"], id="A"),
        pytest.param(B, CENT, ["0.73", "0.48", "0.97"], id="B"),
        pytest.param(F, INDEX, ["1.20", "0.80", "1.60"], id="F"),
    ],
)
def test_targets(units: tuple[Unit, ...], ticks: TickTable, prices: list[str]) -> None:
    assert targets(units, ticks) == [D(price) for price in prices]


def test_what_the_targets_of_a_earn() -> None:
    gains = [100 * (u.credit - price) for u, price in zip(A, targets(A, CENT), strict=True) if u.credit and price]
    closes = [close_shape([unit]) for unit in A]
    fees = [estimated_fees(shape.legs, cash_settled=False) for shape in closes if shape]
    opening = estimated_fees(request().legs, cash_settled=False)
    assert (gains, opening, fees) == ([48, 72, 68], D("6.73"), [D("0.24")] * 3)
    assert sum(gains) - opening - sum(fees) == D("180.55")


@pytest.mark.parametrize(
    ("units", "width", "ticks", "cash_settled", "caps"),
    [
        pytest.param(A, 3, CENT, False, ["4.10", "5.43", "5.62", "5.81", "6.00"], id="A"),
        pytest.param(B, 3, CENT, False, ["4.06", "5.41", "5.61", "5.80", "6.00"], id="B"),
        pytest.param(
            trident("1.20", "1.70", UnitName.PUT_1), 3, CENT, False, ["2.90", "2.97", "2.98", "2.99", "3.00"], id="C"
        ),
        pytest.param(
            trident("1.20", "1.70", UnitName.CALL), 3, CENT, False, ["1.20", "2.46", "2.64", "2.82", "3.00"], id="D"
        ),
        pytest.param(F, 5, INDEX, True, ["6.80", "9.00", "9.30", "9.60", "9.60"], id="F"),
    ],
)
def test_caps_at_dte_7_to_3(
    units: tuple[Unit, ...], width: int, ticks: TickTable, cash_settled: bool, caps: list[str]
) -> None:
    left = [unit for unit in units if unit.state is UnitState.WHOLE]
    shape, credit = close_shape(left), credit_left(units)
    assert shape is not None
    assert credit is not None
    found = [
        cap(
            credit,
            most_worth(units, Decimal(width)),
            part_of_loss(dte, last_day=False, cash_settled=cash_settled),
            shape.per,
            ticks,
        )
        for dte in (7, 6, 5, 4, 3)
    ]
    assert found == [D(price) for price in caps]


def test_the_last_day_pays_all_and_above_seven_days_nothing() -> None:
    assert part_of_loss(4, last_day=True, cash_settled=False) == 1
    assert part_of_loss(4, last_day=True, cash_settled=True) == D("0.90")
    assert part_of_loss(30, last_day=False, cash_settled=False) == 0


def test_close_orders_of_b() -> None:
    b, s = Action.BUY_TO_CLOSE, Action.SELL_TO_CLOSE
    short_put, long_put, short_call, long_call = QQQ
    put, call = ((short_put, b, 1), (long_put, s, 1)), ((short_call, b, 1), (long_call, s, 1))
    wanted = {
        ("put-1",): (put, 1),
        ("put-2",): (put, 1),
        ("call",): (call, 1),
        ("put-2", "call"): (put + call, 1),
        ("put-1", "put-2"): (((short_put, b, 2), (long_put, s, 2)), 2),
        ("put-1", "put-2", "call"): (((short_put, b, 2), (long_put, s, 2), *call), 1),
    }
    for names, (legs, per) in wanted.items():
        shape = close_shape([unit for unit in B if unit.name.value in names])
        assert shape is not None
        assert (tuple((g.symbol, g.action, g.quantity) for g in shape.legs), shape.per) == (legs, per), names


@pytest.mark.parametrize(
    ("ended", "realized", "worst"),
    [
        ((), 0, -190),
        ((UnitName.PUT_1,), 48, 38),
        ((UnitName.PUT_2,), 72, 62),
        ((UnitName.CALL,), 68, -292),
        ((UnitName.PUT_1, UnitName.CALL), 116, -64),
        ((UnitName.PUT_2, UnitName.CALL), 140, -40),
        ((UnitName.PUT_1, UnitName.PUT_2), 120, -10),
        (tuple(UnitName), 188, 188),
    ],
)
def test_the_worst_case_of_a_after_its_targets(ended: tuple[UnitName, ...], realized: int, worst: int) -> None:
    units = trident("1.20", "1.70", *ended)
    assert worst_case(units, Decimal(3), Decimal(realized)) == worst


def test_the_open_risk_of_d_and_of_nothing_left() -> None:
    assert open_risk(trident("1.20", "1.70", UnitName.CALL), Decimal(3)) == 360
    assert open_risk(trident("1.20", "1.70", *UnitName), Decimal(3)) == 0
    assert open_risk(units_of(request()), Decimal(3)) is None


def _walk(mid: str, natural: str, capped: str, times: list[str]) -> list[tuple[str, Decimal]]:
    """What is sent when the next price is asked for at these times, with the same quotes all day."""
    walked, sent, sends = None, [], count(1)
    prices = ClosePrices(D(mid), D(natural))
    for at in times:
        now = et("2025-12-12", at)
        found = next_price(walked, prices, D(capped), now, SESSION, last_day=False, ticks=CENT)
        if isinstance(found, NextPrice):
            sent.append((at, found.debit))
            walked = Walked(found.step, found.debit, now, works=True, sends=next(sends))
    return sent


EVERY_MINUTE = [f"{hour}:{minute:02}" for hour in range(10, 16) for minute in range(60)]


def test_walk_of_e() -> None:
    assert _walk("3.60", "3.84", "4.10", EVERY_MINUTE) == [
        ("10:00", D("3.60")),
        ("10:03", D("3.66")),
        ("10:06", D("3.72")),
        ("15:00", D("3.78")),
        ("15:03", D("3.84")),
    ]
    shape = close_shape(A)
    assert shape is not None
    opening, closing = (estimated_fees(legs, cash_settled=False) for legs in (request().legs, shape.legs))
    assert 100 * (D("4.10") - D("3.66")) - opening - closing == D("36.54")


def test_walk_of_e_rests_at_its_cap() -> None:
    assert _walk("4.50", "4.80", "4.10", EVERY_MINUTE) == [("10:00", D("4.10"))]
    assert _walk("4.50", "4.80", "5.81", ["10:00"]) == [("10:00", D("4.50"))]


def test_a_walk_sends_twenty_orders_at_most_and_keeps_six_for_the_last_hour() -> None:
    walked, at, sent = None, et("2025-12-12", "10:00"), []
    while at < SESSION.close:
        rising = D("3.00") + D("0.01") * len(sent)
        prices = ClosePrices(rising, rising + D("0.20"))
        found = next_price(walked, prices, D("6.00"), at, SESSION, last_day=False, ticks=CENT)
        if isinstance(found, NextPrice):
            sent.append(at)
            walked = Walked(found.step, found.debit, at, works=True, sends=len(sent))
        at += timedelta(minutes=1)
    early = [one for one in sent if one < SESSION.close - timedelta(minutes=60)]
    assert (len(early), len(sent)) == (14, 20)
    assert sent[-1] < SESSION.close - timedelta(minutes=15)


def test_f_to_cash() -> None:
    settlement = Payoff(D("6850"), D("5"), D("6.80")).at(D("6846"))
    opening = estimated_fees(request().legs, cash_settled=True)
    assert (settlement, opening) == (-120, D("10.63"))
    assert settlement - ASSIGNMENT_FEE - opening == D("-135.63")


def test_f_to_cash_by_the_rows_of_the_broker() -> None:
    """Two short puts are settled for 400 $ each, by one row of cash and one that removes them; the other legs end
    without value. No order closed anything."""
    symbols = tuple(f"SPXW  251219{leg}" for leg in ("P06850000", "P06845000", "C06850000", "C06855000"))
    opened = entry("45.00", "42.95", "44.00", "41.30", symbols=symbols, underlying="SPX")
    of = units("2.05", "2.70", symbols)
    left = [(unit.name, symbol) for unit in of for symbol in (unit.short, unit.long)]
    rows = [
        *(
            row(
                f"1{n}",
                leg.action.value,
                leg.symbol,
                leg.quantity,
                kind="Trade",
                action=leg.action.value,
                value=str((1 if n % 2 == 0 else -1) * 100 * leg.quantity * opened.fills[n].price),
                fees=fee,
                order_id="11",
            )
            for n, (leg, fee) in enumerate(zip(opened.request.legs, ("3.55", "3.54", "1.77", "1.77"), strict=True))
        ),
        row("20", "Cash Settled Assignment", symbols[0], 2, price="6850", value="-800", fees=str(ASSIGNMENT_FEE)),
        row("21", "Assignment", symbols[0], 2),
        *(row(f"3{n}", "Expiration", symbol, 2 - n // 2) for n, symbol in enumerate(symbols) if n),
    ]
    matches = match(rows, {"11": [opened]}, {"T1": of}, [Lot("T1", *lot) for lot in left])
    now = units_after(of, [], [Gone(name, symbol, Ended.EXPIRED, rows[-1].executed_at) for name, symbol in left])
    found = realized(opened, now, [], matches, cash_settled=True, final_before=rows[-1].day)
    trident_earned = total(found.values())
    assert (trident_earned.gross + trident_earned.settlement, trident_earned.fees) == (-120, D("15.63"))
    assert trident_earned.net == by_broker(opened, matches) == D("-135.63")
    assert not trident_earned.estimated
    assert not trident_earned.unexplained


def test_an_assigned_put_of_b() -> None:
    """H: a 622 put is assigned. put-2 is broken, a long 619 put of it is left; put-1 and the call keep their targets,
    and put-1 is the only put that may still be closed."""
    of = units()
    [lost] = unit_losses([TridentUnits("T1", entry("4.22", "3.00", "5.12", "3.50").prepared_at, of)], [LOST_PUT])
    assert (lost.unit, lost.legs, lost.whole) == (UnitName.PUT_2, (LOST_PUT.leg,), False)
    how = cause(LOST_PUT.leg, lost.order_ids, shares=Decimal(100), rows=())
    assert how is Ended.ASSIGNED
    now = units_after(of, [], [Gone(lost.unit, QQQ[0], how, et("2025-11-29"))])
    assert [unit.state for unit in now] == [UnitState.WHOLE, UnitState.BROKEN, UnitState.WHOLE]
    assert legs_of(unit for unit in now if unit.is_put) == {LOST_PUT.leg: 1, (QQQ[1], Direction.LONG): 2}
    assert now[1].held == (QQQ[1],)
    assert targets(left_of(now), CENT) == [D("0.73"), D("0.97")]
    assert close_shape(now) is None
    shape = close_shape(left_of(now))
    assert shape is not None
    assert [leg.quantity for leg in shape.legs] == [1, 1, 1, 1]


def test_race_in_b() -> None:
    """I: put-1 fills at its target while its cancel is asked. What is left is closed 1:1:1:1, never 2:2:1:1."""
    target = exit(
        [UnitName.PUT_1],
        (QQQ[0], 1, "1.53"),
        (QQQ[1], 1, "0.80"),
        state=OrderState.FILLED,
        kind=ExitKind.TARGET,
        debit="0.73",
    )
    now = units_after(units(), [target], [])
    ranges = expected([HeldTrident(now, [target])], [], {})
    assert {leg: (allowed.low, allowed.high) for leg, allowed in ranges.items()} == dict.fromkeys(ranges, (1, 1))
    shape = close_shape(left_of(now))
    assert shape is not None
    assert [leg.quantity for leg in shape.legs] == [1, 1, 1, 1]
    assert credit_left(now) == D("2.84")
    assert cap(D("2.84"), Decimal(3), part_of_loss(7, last_day=False, cash_settled=False), 1, CENT) == D("2.84")


def test_a_lost_answer() -> None:
    """J: while the close is unknown all three units are its own, and no contract may be sent a second time."""
    unknown = exit(UnitName, state=OrderState.UNKNOWN, debit="4.06")
    in_orders = working(units(), [unknown])
    for leg, quantity in legs_of(units()).items():
        assert closable(Decimal(quantity), Decimal(quantity), Decimal(0), in_orders[leg]) == 0
    assert unreleased([unknown]) == (unknown,)
    assert unknown.may_fill
    assert not unknown.needs_proof


def fills(*prices: str) -> list[Fill]:
    at = datetime(2025, 11, 6, 15, tzinfo=UTC)
    return [
        Fill(str(n), leg.symbol, Decimal(leg.quantity), D(price), at, "1")
        for n, (leg, price) in enumerate(zip(request().legs, prices, strict=True))
    ]


def test_unit_credits_are_those_of_the_fills() -> None:
    found = unit_credits(request(), fills("4.21", "3.01", "5.20", "3.50"), Decimal(3), None)
    assert found is not None
    assert (found.put, found.call, found.estimated) == (D("1.20"), D("1.70"), False)


def test_odd_fill_prices_are_divided_by_the_mids() -> None:
    odd = fills("4.21", "4.51", "8.20", "3.50")
    found = unit_credits(request(), odd, Decimal(3), (D("1.20"), D("1.70")))
    assert found is not None
    assert found.estimated
    assert (found.put, found.call) == (D("1.20"), D("1.70"))
    assert unit_credits(request(), odd, Decimal(3), None) is None
    assert unit_credits(request(), odd[:-1], Decimal(3), (D("1.20"), D("1.70"))) is None


def test_rest_says_until_when() -> None:
    walked = Walked(2, D("3.72"), et("2025-12-12", "10:06"), works=True, sends=3)
    now = et("2025-12-12", "15:46")
    prices = ClosePrices(D("3.60"), D("3.84"))
    found = next_price(walked, prices, D("4.10"), now, SESSION, last_day=True, ticks=CENT)
    assert found == Rest(None, "no price changes in the last 15 minutes")
