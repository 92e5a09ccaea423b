"""What a trident earned: by its fills at once, and to the cent by the broker's rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.market.quotes import Quote
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, Intent
from core.domain.orders.transactions import Transaction
from core.domain.positions.closing import Gone, units_after
from core.domain.positions.earned import Left, explained
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.matching import Lot, Role, is_known, match, newest, split
from core.domain.positions.pnl import OfficialClose, Realized, Unrealized, by_broker, realized, total, unrealized
from core.domain.positions.units import Ended, Unit, UnitName
from tests.support.tridents import (
    AT,
    CALL,
    LONG_CALL,
    LONG_PUT,
    PUT_1,
    PUT_2,
    SHORT_CALL,
    SHORT_PUT,
    D,
    entry,
    exit,
    row,
    units,
)

OPENED = entry("4.20", "3.00", "5.20", "3.50")
"""Credit 4.10: put 1.20, call 1.70."""
UNITS = units("1.20", "1.70")
TODAY = AT.date()
TARGETS = (
    exit(
        [PUT_1], (SHORT_PUT, 1, "1.50"), (LONG_PUT, 1, "0.78"), state=OrderState.FILLED, kind=ExitKind.TARGET, id="x1"
    ),
    exit(
        [PUT_2],
        (SHORT_PUT, 1, "1.20"),
        (LONG_PUT, 1, "0.72"),
        state=OrderState.FILLED,
        kind=ExitKind.TARGET,
        id="x2",
        order_id="72",
    ),
    exit(
        [CALL],
        (SHORT_CALL, 1, "1.52"),
        (LONG_CALL, 1, "0.50"),
        state=OrderState.FILLED,
        kind=ExitKind.TARGET,
        id="x3",
        order_id="73",
    ),
)


def trades(order: Intent, fees: Iterable[str] = (), *, estimated: bool = False) -> list[Transaction]:
    """The broker's rows of an order's fills, with these fees, else 0.12 a contract."""
    actions = {leg.symbol: leg.action for leg in order.terms.legs}
    found = []
    charged = list(fees)
    for n, fill in enumerate(order.fills):
        action = actions[fill.symbol].value
        value = (1 if action.startswith("Sell") else -1) * 100 * fill.quantity * fill.price
        fee = charged[n] if n < len(charged) else str(D("0.12") * fill.quantity)
        found.append(
            row(
                f"{order.order_id}{n}",
                action,
                fill.symbol,
                int(fill.quantity),
                kind="Trade",
                action=action,
                value=str(value),
                fees=fee,
                order_id=order.order_id or "",
                estimated=estimated,
            )
        )
    return found


def earned(
    rows: Sequence[Transaction] = (),
    exits: Sequence[Exit] = (),
    gone: Sequence[Gone] = (),
    lots: Sequence[Lot] = (),
    closes: Sequence[OfficialClose] = (),
    opened: Entry = OPENED,
    of: Sequence[Unit] = UNITS,
    final_before: date = TODAY,
) -> tuple[Realized, Decimal | None]:
    """The trident's realized figure, and the broker's."""
    orders: dict[str, list[Intent]] = {str(order.order_id): [order] for order in (opened, *exits)}
    matches = match(rows, orders, {opened.id: of}, lots)
    now = units_after(of, exits, gone)
    found = realized(opened, now, exits, matches, closes, cash_settled=False, final_before=final_before)
    return total(found.values()), by_broker(opened, matches, closes)


def test_before_any_row_fees_are_estimated() -> None:
    found, broker = earned(exits=TARGETS)
    assert (found.gross, found.fees, found.net, found.estimated) == (188, D("7.45"), D("180.55"), True)
    assert (found.received, found.paid, found.opening_fees) == (410, 222, D("6.73"))
    assert broker == 0


def test_an_open_trident_has_realized_its_fees_alone() -> None:
    none = Decimal(0)
    assert earned()[0] == Realized(none, none, D("6.73"), estimated=True, opening_fees=D("6.73"))


def test_the_rows_are_the_last_word_on_fees() -> None:
    rows = [*trades(OPENED, ["2.25", "2.24", "1.13", "1.12"]), *[r for t in TARGETS for r in trades(t)]]
    found, broker = earned(rows, TARGETS)
    assert (found.gross, found.fees, found.estimated) == (188, D("7.46"), False)
    assert found.net == broker == D("180.54")


def test_an_estimated_fee_is_marked_until_its_day_is_old() -> None:
    rows = [*trades(OPENED, estimated=True), *[r for t in TARGETS for r in trades(t)]]
    assert earned(rows, TARGETS)[0].estimated
    assert not earned(rows, TARGETS, final_before=TODAY + timedelta(days=1))[0].estimated


def test_a_row_written_again_counts_as_it_is_now() -> None:
    rows = [*trades(OPENED, estimated=True), *[r for t in TARGETS for r in trades(t)]]
    again = [*rows, *trades(OPENED, ["2.25", "2.24", "1.13", "1.12"])]
    assert len(newest(again)) == len(rows)
    assert earned(again, TARGETS)[0].fees == D("7.46")
    assert not earned(again, TARGETS)[0].estimated


def test_a_correction_undoes_its_row_and_stands_for_it() -> None:
    rows = [*trades(OPENED), *[r for t in TARGETS for r in trades(t)]]
    wrong = rows[-1]
    undone = replace(wrong, id="9001", value=-wrong.value, net_value=-wrong.net_value, reverses=wrong.id)
    found, broker = earned([*rows, undone], TARGETS)
    assert found.estimated
    assert broker == earned(rows, TARGETS)[0].net - wrong.net_value
    anew = replace(wrong, id="9002", net_value=wrong.value - D("0.20"))
    found, broker = earned([*rows, undone, anew], TARGETS)
    assert not found.estimated
    assert found.net == broker == earned(rows, TARGETS)[0].net - D("0.08")


def test_a_price_that_the_broker_booked_otherwise_is_a_difference() -> None:
    rows = [*trades(OPENED), *[r for t in TARGETS for r in trades(t)]]
    rows[-1] = replace(rows[-1], value=rows[-1].value - 1, net_value=rows[-1].net_value - 1)
    found, broker = earned(rows, TARGETS)
    assert broker == found.net - 1


def by_hand(order_id: str, *legs: tuple[str, str, str]) -> list[Transaction]:
    return [
        row(f"{order_id}{n}", action, symbol, kind="Trade", action=action, value=value, fees="0.12", order_id=order_id)
        for n, (action, symbol, value) in enumerate(legs)
    ]


def test_a_unit_closed_by_hand_counts_by_its_rows_alone() -> None:
    gone = [Gone(PUT_2, SHORT_PUT, Ended.HAND, AT), Gone(PUT_2, LONG_PUT, Ended.HAND, AT)]
    lots = [Lot("T1", PUT_2, SHORT_PUT, ("90",)), Lot("T1", PUT_2, LONG_PUT, ("90",))]
    found, _ = earned(trades(OPENED), gone=gone, lots=lots)
    assert (found.gross, found.unexplained) == (0, (PUT_2,))
    rows = [*trades(OPENED), *by_hand("90", ("Buy to Close", SHORT_PUT, "-200"), ("Sell to Close", LONG_PUT, "110"))]
    found, _ = earned(rows, gone=gone, lots=lots)
    assert (found.gross, found.fees, found.unexplained) == (30, D("0.96"), ())


def test_more_than_our_contracts_by_hand_is_not_ours() -> None:
    sold = row(
        "900",
        "Buy to Close",
        SHORT_PUT,
        3,
        kind="Trade",
        action="Buy to Close",
        value="-300",
        fees="0.37",
        order_id="90",
    )
    found = match([sold], {}, {"T1": UNITS}, [Lot("T1", PUT_2, SHORT_PUT, ("90",))])
    assert [(m.role, m.unit, m.quantity, m.value, m.fees) for m in found] == [
        (Role.HAND, PUT_2, 1, -100, D("0.12")),
        (Role.NOT_OURS, None, 2, -200, D("0.25")),
    ]


def test_an_order_nobody_saw_explains_a_contract_that_left() -> None:
    gone = [Gone(PUT_2, SHORT_PUT, None, AT), Gone(PUT_2, LONG_PUT, None, AT)]
    lots = [Lot("T1", PUT_2, symbol, unexplained=True) for symbol in (SHORT_PUT, LONG_PUT)]
    closed = by_hand("90", ("Buy to Close", SHORT_PUT, "-200"), ("Sell to Close", LONG_PUT, "110"))
    found, _ = earned([*trades(OPENED), *closed], gone=gone, lots=lots)
    assert (found.gross, found.unexplained) == (30, ())
    opened = by_hand("90", ("Sell to Open", SHORT_PUT, "200"), ("Buy to Open", LONG_PUT, "-110"))
    assert earned([*trades(OPENED), *opened], gone=gone, lots=lots)[0].unexplained == (PUT_2,), "these open"
    known = [Lot("T1", PUT_2, symbol) for symbol in (SHORT_PUT, LONG_PUT)]
    assert earned([*trades(OPENED), *closed], gone=gone, lots=known)[0].unexplained == (PUT_2,), "its end is known"
    matches = match(closed, {}, {"T1": UNITS}, lots)
    left = [Left("T1", one) for one in gone]
    assert [(one.gone.cause, one.transaction_id, one.order_id, one.is_new) for one in explained(matches, left)] == [
        (Ended.HAND, "900", "90", False),
        (Ended.HAND, "901", "90", False),
    ]


def test_one_of_two_orders_closed_a_contract_and_it_left_once() -> None:
    lots = [Lot("T1", PUT_2, SHORT_PUT, ("90", "91"))]
    rows = [*by_hand("90", ("Buy to Close", SHORT_PUT, "-200")), *by_hand("91", ("Buy to Close", SHORT_PUT, "-210"))]
    assert [(one.role, one.unit) for one in match(rows, {}, {"T1": UNITS}, lots)] == [
        (Role.HAND, PUT_2),
        (Role.NOT_OURS, None),
    ]


def test_rows_of_others_and_cash_are_not_ours() -> None:
    rows = [
        row("1", "Balance Adjustment", "", 0, kind="Money Movement", value="-3"),
        row("2", "Expiration", "QQQ   251219P00500000"),
        row("3", "Lending", "", kind="Rebate"),
    ]
    found = match(rows, {}, {}, [])
    assert [(one.role, one.value) for one in found] == [(Role.NOT_OURS, -3), (Role.NOT_OURS, 0), (Role.NOT_OURS, 0)]
    assert [is_known(one) for one in rows] == [True, True, False]


ASSIGNED = [
    row("501", "Assignment", SHORT_PUT, minute=60),
    row(
        "502",
        "Buy to Open",
        "QQQ",
        100,
        action="Buy to Open",
        price="622",
        value="-62200",
        fees="5.00",
        minute=60,
        instrument_type="Equity",
    ),
]
"""One short put is assigned: 100 shares for 622 each."""
LONG_SOLD = by_hand("91", ("Sell to Close", LONG_PUT, "850"))
CLOSE = OfficialClose(AT + timedelta(hours=5), D("612.00"))


def test_an_assigned_unit_stays_open_until_its_long_is_sold() -> None:
    gone = [Gone(PUT_2, SHORT_PUT, Ended.ASSIGNED, AT)]
    lots = [Lot("T1", PUT_2, SHORT_PUT)]
    found, _ = earned([*trades(OPENED), *ASSIGNED], gone=gone, lots=lots, closes=[CLOSE])
    assert (found.net, found.unexplained) == (-found.fees, ())
    assert found.fees == D("0.72") + 5
    gone.append(Gone(PUT_2, LONG_PUT, Ended.HAND, AT))
    lots.append(Lot("T1", PUT_2, LONG_PUT, ("91",)))
    rows = [*trades(OPENED), *ASSIGNED, *LONG_SOLD]
    found, _ = earned(rows, gone=gone, lots=lots, closes=[CLOSE])
    assert (found.gross, found.settlement) == (120 + 850, -1000)
    assert earned(rows, gone=gone, lots=lots)[0].unexplained == (PUT_2,)
    assert earned(rows, gone=gone, lots=lots)[1] is None
    assert earned([r for r in rows if r.id != "502"], gone=gone, lots=lots, closes=[CLOSE])[0].unexplained == (PUT_2,)


def test_the_broker_and_the_units_agree_on_an_assignment() -> None:
    exits = (TARGETS[0], TARGETS[2])
    gone = [Gone(PUT_2, SHORT_PUT, Ended.ASSIGNED, AT), Gone(PUT_2, LONG_PUT, Ended.HAND, AT)]
    lots = [Lot("T1", PUT_2, SHORT_PUT), Lot("T1", PUT_2, LONG_PUT, ("91",))]
    rows = [*trades(OPENED), *ASSIGNED, *LONG_SOLD, *[r for t in exits for r in trades(t)]]
    found, broker = earned(rows, exits, gone, lots, [CLOSE])
    assert found.net == broker
    assert found.gross + found.settlement == 48 + 68 + 120 + 850 - 1000


def test_shares_taken_back_later_count_at_the_close_at_which_they_came() -> None:
    gone = [Gone(PUT_2, SHORT_PUT, Ended.ASSIGNED, AT), Gone(PUT_2, LONG_PUT, Ended.HAND, AT)]
    lots = [Lot("T1", PUT_2, SHORT_PUT), Lot("T1", PUT_2, LONG_PUT, ("91",))]
    shares = ASSIGNED[1]
    undone = replace(shares, id="504", value=-shares.value, net_value=-shares.net_value, reverses="502")
    undone = replace(undone, executed_at=AT + timedelta(days=1))
    rows = [*trades(OPENED), *ASSIGNED, *LONG_SOLD, undone]
    closes = [CLOSE, OfficialClose(AT + timedelta(days=2), D("650.00"))]
    found, broker = earned(rows, gone=gone, lots=lots, closes=closes)
    assert found.unexplained == (PUT_2,)
    assert broker == sum(r.net_value for r in (*trades(OPENED), *LONG_SOLD))


def test_shares_delivered_in_two_rows_are_those_of_one_assignment() -> None:
    closing = replace(ASSIGNED[1], sub_kind="Buy to Close", action="Buy to Close", quantity=Decimal(30))
    closing = replace(closing, value=D("-18660"), net_value=D("-18665"))
    opening = replace(ASSIGNED[1], id="503", quantity=Decimal(70), value=D("-43540"), net_value=D("-43540"))
    found = match([ASSIGNED[0], closing, opening], {}, {"T1": UNITS}, [Lot("T1", PUT_2, SHORT_PUT)])
    assert [(one.role, one.unit, one.quantity, one.fees) for one in found] == [
        (Role.REMOVAL, PUT_2, 1, 0),
        (Role.SHARES, PUT_2, 30, 5),
        (Role.SHARES, PUT_2, 70, 0),
    ]


def quote(symbol: str, bid: str, ask: str, at: int = 100) -> Quote:
    return Quote(symbol, D(bid), D(ask), at, at)


def test_unrealized_by_mid_and_at_once() -> None:
    quotes = {
        one.symbol: one
        for one in (
            quote(SHORT_PUT, "1.50", "1.60"),
            quote(LONG_PUT, "0.80", "0.90"),
            quote(SHORT_CALL, "1.50", "1.60"),
            quote(LONG_CALL, "0.50", "0.60"),
        )
    }
    assert unrealized(UNITS, quotes, 100) == Unrealized(D("170"), D("140"))
    assert unrealized(UNITS, quotes, 131) is None
    assert unrealized(UNITS, {**quotes, LONG_PUT: quote(LONG_PUT, "0.90", "0.80")}, 100) is None
    assert unrealized(UNITS, {SHORT_PUT: quotes[SHORT_PUT]}, 100) is None
    assert unrealized(units_after(UNITS, TARGETS, []), {}, 100) == Unrealized(Decimal(0), Decimal(0))


cents = st.integers(-10_000, 10_000).map(lambda n: Decimal(n) / 100)


@given(cents, st.lists(st.integers(0, 5).map(Decimal), min_size=1, max_size=5).filter(any))
def test_parts_add_up_to_the_cent(amount: Decimal, weights: list[Decimal]) -> None:
    parts = split(amount, weights)
    assert sum(parts) == amount
    assert all(part == part.quantize(D("0.01")) for part in parts)
    assert all(abs(part - amount * w / sum(weights)) < D("0.02") for part, w in zip(parts, weights, strict=True))


prices = st.integers(1, 900).map(lambda n: str(Decimal(n) / 100))
fees = st.lists(st.integers(0, 300).map(lambda n: str(Decimal(n) / 100)), min_size=4, max_size=4)
ways = st.sampled_from(
    [
        [tuple(UnitName)],
        [(PUT_1, PUT_2), (CALL,)],
        [(PUT_1,), (PUT_2,), (CALL,)],
        [(PUT_1,), (PUT_2, CALL)],
        [(CALL,), (PUT_1, PUT_2)],
    ]
)


@given(ways, st.lists(prices, min_size=4, max_size=4), st.data())
def test_units_and_broker_tell_one_sum(
    way: list[tuple[UnitName, ...]], opening: list[str], data: st.DataObject
) -> None:
    """However a trident is closed, and at whatever prices and fees: what its units realized is what the broker's rows
    add up to, and each row is given away whole."""
    opened = entry(*opening)
    exits = []
    for n, names in enumerate(way):
        shape = exit(names).request.legs
        filled = [(leg.symbol, 1, data.draw(prices)) for leg in shape for _ in range(leg.quantity)]
        exits.append(exit(names, *filled, state=OrderState.FILLED, id=f"x{n}", order_id=f"7{n}"))
    rows = trades(opened, data.draw(fees))
    for one in exits:
        rows += trades(one, data.draw(fees))
    found, broker = earned(rows, exits, opened=opened)
    assert found.net == broker == sum(r.net_value for r in rows)
    assert not found.estimated
    matches = match(rows, {str(o.order_id): [o] for o in (opened, *exits)}, {"T1": UNITS}, [])
    for r in rows:
        parts = [one for one in matches if one.row.id == r.id]
        assert sum(one.value for one in parts) == r.value
        assert sum(one.net_value for one in parts) == r.net_value
        assert sum(one.quantity for one in parts) == r.quantity
        assert all(one.trident_id == "T1" for one in parts)


@pytest.mark.parametrize("posted", [0, 1, 2, 3])
def test_rows_that_come_in_parts_are_not_half_believed(posted: int) -> None:
    """Of an order whose rows are not all here, the fees stay estimated, and the cash is that of its fills."""
    rows = [*trades(OPENED)[:posted], *[r for t in TARGETS for r in trades(t)]]
    found, _ = earned(rows, TARGETS)
    assert (found.gross, found.fees, found.estimated) == (188, D("6.73") + D("0.72"), True)


@pytest.mark.parametrize("days", [1, 7, 30])
def test_order_ids_that_begin_again_give_each_row_to_the_order_of_its_day(days: int) -> None:
    """Two tridents of the same legs, whose orders have the same ids, and a foreign order's id that was there before."""
    later = timedelta(days=days)
    closed = exit([CALL], (SHORT_CALL, 1, "1.52"), (LONG_CALL, 1, "0.50"), state=OrderState.FILLED)
    closed = replace(closed, terminal_at=AT)
    opened_again = replace(
        OPENED, id="T2", session_day=(AT + later).date(), prepared_at=AT + later, terminal_at=AT + later
    )
    closed_again = replace(
        closed,
        id="x2",
        trident_id="T2",
        session_day=(AT + later).date(),
        prepared_at=AT + later,
        terminal_at=AT + later,
    )
    first = [*trades(OPENED), *trades(closed)]
    second = [
        replace(one, id=f"9{one.id}", executed_at=AT + later, day=(AT + later).date())
        for one in (*trades(opened_again), *trades(closed_again))
    ]
    hand = [
        row(id, "Buy to Close", SHORT_PUT, kind="Trade", action="Buy to Close", value="-150", order_id="90")
        for id in ("801", "802")
    ]
    hand[1] = replace(hand[1], executed_at=AT + later)
    before, after = AT.date(), (AT + later).date()
    lots = [
        Lot("T1", PUT_2, SHORT_PUT, ("90",), opened=before, left=before),
        Lot("T2", PUT_1, SHORT_PUT, ("90",), opened=after, left=after),
    ]
    orders: dict[str, list[Intent]] = {"11": [OPENED, opened_again], "71": [closed, closed_again]}
    found = match([*first, *second, *hand], orders, {"T1": UNITS, "T2": UNITS}, lots)
    of = {(one.row.id, one.trident_id) for one in found}
    assert of == {
        *((one.id, "T1") for one in (*first, hand[0])),
        *((one.id, "T2") for one in (*second, hand[1])),
    }
    for opened, done in ((OPENED, closed), (opened_again, closed_again)):
        units_now = units_after(UNITS, [done], [])
        figures = realized(opened, units_now, [done], found, cash_settled=False, final_before=TODAY)
        assert figures[CALL].gross == D("68.00")
        assert not figures[CALL].estimated


def test_a_row_of_an_order_of_before_is_not_ours() -> None:
    old = [replace(one, executed_at=AT - timedelta(days=3)) for one in trades(OPENED)]
    assert {one.role for one in match(old, {"11": [OPENED]}, {"T1": UNITS}, [])} == {Role.NOT_OURS}
    ended = replace(OPENED, terminal_at=AT)
    late = [replace(one, executed_at=AT + timedelta(days=3)) for one in trades(OPENED)]
    assert {one.role for one in match(late, {"11": [ended]}, {"T1": UNITS}, [])} == {Role.NOT_OURS}
