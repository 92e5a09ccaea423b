"""What happens behind a client's back, over the wire and in process: transactions, nights, halts, the risk desk."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from core.domain.orders.transactions import Transaction
from core.simulator.exchange.faults import FaultKind, FaultMatch
from core.simulator.market.market import Market
from core.simulator.market.market_data import ListedStrike
from core.simulator.wire.settings import DEFAULT_ACCOUNT
from tests.core.simulator.both_ways import ACCOUNT, DAY, MONDAY_TEN, SYMBOLS, Side, on_both, posted

FRIDAY_NOON = datetime(2026, 11, 27, 17, 0, tzinfo=UTC)
"""12:00 at the exchange on a half day: SPXW of that date stops at 13:00, QQQ's options at 13:15."""
SATURDAY = datetime(2026, 11, 28, 13, 0, tzinfo=UTC)


def moved(row: Transaction) -> tuple[object, ...]:
    """What a row says, without its id, times and prices of the market."""
    return row.kind, row.sub_kind, row.symbol, row.action, row.quantity, row.order_id != "", row.fees


def expiring(symbol: str, at: datetime, points: int) -> tuple[ListedStrike, ListedStrike]:
    """The strikes so far above and below the price of an underlying, in the expiration of that date."""
    market = Market(7, at)
    trade = market.trade(symbol, at)
    assert trade is not None
    listed = [e for root in market.chain(symbol, at.date()) for e in root.expirations if e.day == at.date()]
    strikes = [s for e in listed if e.settlement_type == "PM" for s in e.strikes]
    above = min((s for s in strikes if s.strike > trade.price + points), key=lambda s: s.strike)
    return above, max((s for s in strikes if s.strike < trade.price - points), key=lambda s: s.strike)


def test_the_next_dividend_is_told_with_its_date_and_amount() -> None:
    async def script(side: Side) -> object:
        qqq, spx = await side.broker.metrics(["QQQ", "SPX"])
        return qqq.ex_dividend, qqq.dividend, spx.ex_dividend, spx.dividend

    assert on_both(script) == (date(2026, 12, 21), Decimal("0.7941"), None, None)


def test_the_rows_of_a_fill_are_the_same_and_add_up_to_the_cash() -> None:
    async def script(side: Side) -> object:
        side.exchange.fill_plan = "immediate"
        order_id = (await side.send()).report.order_id
        fills = {fill.symbol: fill for fill in (await side.shows(order_id, "Filled")).fills}
        rows = await posted(side, len(SYMBOLS))
        for row in rows:
            fill = fills[row.symbol]
            assert (row.quantity, row.price, row.order_id) == (fill.quantity, fill.price, order_id)
            assert abs(row.value) == fill.price * fill.quantity * 100
            assert (row.day, row.fees_estimated, row.account) == (DAY, True, ACCOUNT)
        cash = side.exchange.balances(ACCOUNT, side.clock.now()).cash_balance
        assert cash == DEFAULT_ACCOUNT.cash + sum((row.net_value for row in rows), Decimal(0))
        assert [row.id for row in rows] == sorted(row.id for row in rows)
        assert await side.broker.transactions(ACCOUNT, DAY + timedelta(days=1)) == ()
        return sorted(moved(row) for row in rows)

    found = on_both(script)
    assert [row[1] for row in found] == ["Buy to Open", "Buy to Open", "Sell to Open", "Sell to Open"]  # type: ignore[index]


def test_overlapping_pages_of_transactions_prove_nothing() -> None:
    async def script(side: Side) -> object:
        side.exchange.fill_plan = "immediate"
        await side.send()
        whole = await posted(side, len(SYMBOLS))
        side.arm(FaultKind.TRANSACTIONS_OVERLAPPING_PAGES, seconds=0.5, match=FaultMatch(field="2"))
        torn = await side.refusal(side.broker.transactions(ACCOUNT, DAY))
        await side.clock.sleep(0.6)
        return torn, await side.broker.transactions(ACCOUNT, DAY) == whole

    assert on_both(script) == ("unreadable", True)


def test_a_row_of_an_unknown_kind_is_kept_and_costs_no_other() -> None:
    async def script(side: Side) -> object:
        side.exchange.fill_plan = "immediate"
        await side.send()
        known = await posted(side, len(SYMBOLS))
        side.arm(FaultKind.REST_FOREIGN_ITEM, match=FaultMatch(path_end="/transactions"))
        foreign, *others = await side.broker.transactions(ACCOUNT, DAY)
        told = foreign.kind, foreign.sub_kind, foreign.text, foreign.value, foreign.symbol, foreign.quantity
        return told, tuple(others) == known, foreign.executed_at == known[-1].executed_at

    assert on_both(script) == (("Barter", "Goat", "7", Decimal(0), "", None), True, True)


def test_positions_may_follow_a_fill_late() -> None:
    async def script(side: Side) -> object:
        side.exchange.fill_plan = "immediate"
        side.arm(FaultKind.POSITIONS_LAG, seconds=600.0)
        before = await side.broker.account_reads(ACCOUNT)
        await side.shows((await side.send()).report.order_id, "Filled")
        early = await side.broker.account_reads(ACCOUNT)
        rows = await side.broker.transactions(ACCOUNT, DAY)
        await side.go_to(MONDAY_TEN + timedelta(minutes=12))
        after = await side.broker.account_reads(ACCOUNT)
        margin_at_once = early.derivative_buying_power < before.derivative_buying_power
        return early.positions, rows, margin_at_once, len(after.positions), len(await posted(side, len(SYMBOLS)))

    assert on_both(script) == ((), (), True, len(SYMBOLS), len(SYMBOLS))


@pytest.mark.parametrize(("named", "held_meanwhile"), [(None, len(SYMBOLS)), ("all", 0)])
def test_transactions_may_be_posted_late(named: str | None, held_meanwhile: int) -> None:
    async def script(side: Side) -> object:
        side.exchange.fill_plan = "immediate"
        side.exchange.habits = replace(side.exchange.habits, position_lag_s=(0.0, 0.0))
        side.arm(FaultKind.TRANSACTIONS_LATE, seconds=3600.0, match=FaultMatch(field=named))
        filled = await side.shows((await side.send()).report.order_id, "Filled")
        held = len((await side.broker.account_reads(ACCOUNT)).positions)
        rows = await side.broker.transactions(ACCOUNT, DAY)
        await side.go_to(MONDAY_TEN + timedelta(hours=1, minutes=5))
        later = await posted(side, len(SYMBOLS))
        executed = {row.executed_at == filled.fills[0].at for row in later}
        return held, rows, executed, len((await side.broker.account_reads(ACCOUNT)).positions)

    assert on_both(script) == (held_meanwhile, (), {True}, len(SYMBOLS))


@pytest.mark.parametrize(
    ("named", "kinds", "net", "reversed_rows"),
    [
        (None, [("Money Movement", "Balance Adjustment")], Decimal("-0.02"), 0),
        ("reversal", [("Trade", "Buy to Open")] * 2, Decimal(0), 1),
    ],
)
def test_the_broker_corrects_what_it_posted(
    named: str | None, kinds: list[tuple[str, str]], net: Decimal, reversed_rows: int
) -> None:
    async def script(side: Side) -> object:
        side.exchange.fill_plan = "immediate"
        side.arm(FaultKind.TRANSACTIONS_CORRECTED, match=FaultMatch(field=named))
        await side.shows((await side.send()).report.order_id, "Filled")
        before = await posted(side, len(SYMBOLS))
        await side.go_to(datetime(2026, 11, 24, 13, tzinfo=UTC))
        rows = await side.broker.transactions(ACCOUNT, DAY)
        known = {row.id for row in before}
        added = [row for row in rows if row.id not in known]
        kept = [row for row in rows if row.id in known]
        assert [replace(row, fees_estimated=True) for row in kept] == list(before), "only the estimates end"
        assert not any(row.fees_estimated for row in rows)
        cash = side.exchange.balances(ACCOUNT, side.clock.now()).cash_balance
        assert cash == DEFAULT_ACCOUNT.cash + sum((row.net_value for row in rows), Decimal(0))
        undone = {row.reverses for row in added} & known
        moved = sum((row.net_value for row in added), Decimal(0))
        return [(row.kind, row.sub_kind) for row in added], moved, len(undone)

    assert on_both(script) == (kinds, net, reversed_rows)


def test_index_options_settle_in_cash_overnight_by_two_rows() -> None:
    async def script(side: Side) -> object:
        above, below = expiring("SPX", FRIDAY_NOON, 200)
        await side.act({"act": "give", "account": ACCOUNT, "contracts": {above.put_occ: -2, below.put_occ: 2}})
        await side.go_to(FRIDAY_NOON + timedelta(hours=8))
        waiting = (
            len((await side.broker.account_reads(ACCOUNT)).positions),
            await side.broker.transactions(ACCOUNT, DAY),
        )
        await side.go_to(SATURDAY)
        rows = await side.broker.transactions(ACCOUNT, DAY)
        assert all(row.day == FRIDAY_NOON.date() and row.order_id == "" for row in rows)
        assert {row.executed_at for row in rows} == {datetime(2026, 11, 28, 3, tzinfo=UTC)}
        cash = side.exchange.balances(ACCOUNT, side.clock.now()).cash_balance
        (settled,) = (row for row in rows if row.value)
        assert (settled.price, settled.fees) == (above.strike, Decimal(5))
        assert cash == DEFAULT_ACCOUNT.cash + settled.net_value
        kinds = sorted((row.sub_kind, row.symbol == above.put_occ, row.quantity) for row in rows)
        return waiting, kinds, settled.value < 0, (await side.broker.account_reads(ACCOUNT)).positions

    kinds = [("Assignment", True, 2), ("Cash Settled Assignment", True, 2), ("Expiration", False, 2)]
    assert on_both(script, FRIDAY_NOON) == ((2, ()), kinds, True, ())


def test_assigned_shares_are_seen_the_next_morning() -> None:
    async def script(side: Side) -> object:
        side.exchange.habits = replace(side.exchange.habits, desk=False)
        above, below = expiring("QQQ", FRIDAY_NOON, 30)
        await side.act({"act": "give", "account": ACCOUNT, "contracts": {above.put_occ: -1, below.put_occ: 1}})
        await side.go_to(datetime(2026, 11, 28, 4, tzinfo=UTC))
        evening = [(row.sub_kind, row.symbol == below.put_occ) for row in await side.broker.transactions(ACCOUNT, DAY)]
        held_overnight = [p.symbol == above.put_occ for p in (await side.broker.account_reads(ACCOUNT)).positions]
        await side.go_to(SATURDAY)
        rows = (await side.broker.transactions(ACCOUNT, DAY))[len(evening) :]
        delivered = [(row.sub_kind, row.instrument_type, row.quantity, row.action, row.fees) for row in rows]
        (shares,) = (row for row in rows if row.instrument_type == "Equity")
        assert (shares.price, shares.value) == (above.strike, -100 * above.strike)
        assert {row.executed_at for row in rows} == {datetime(2026, 11, 27, 22, tzinfo=UTC)}
        (held,) = (await side.broker.account_reads(ACCOUNT)).positions
        assert held.average_open_price == above.strike
        return evening, held_overnight, delivered, (held.symbol, held.instrument_type, held.direction, held.quantity)

    delivered = [
        ("Assignment", "Equity Option", Decimal(1), "", Decimal(0)),
        ("Buy to Open", "Equity", Decimal(100), "Buy to Open", Decimal(5)),
    ]
    shares = ("QQQ", "Equity", "Long", Decimal(100))
    assert on_both(script, FRIDAY_NOON) == ([("Expiration", True)], [True], delivered, shares)


@pytest.mark.parametrize("at_once", [True, False])
def test_one_contract_is_assigned_early(at_once: bool) -> None:
    """Example H of an assignment: one of two short puts becomes shares, its long stays."""

    async def script(side: Side) -> object:
        given = dict(zip(SYMBOLS, (-2, 2, -1, 1), strict=True))
        await side.act({"act": "give", "account": ACCOUNT, "contracts": given})
        wanted = {"act": "assign", "account": ACCOUNT, "symbol": SYMBOLS[0], "quantity": 1}
        await side.act({**wanted, "now": True} if at_once else wanted)
        before = len(await side.broker.transactions(ACCOUNT, DAY))
        await side.go_to(datetime(2026, 11, 24, 13, tzinfo=UTC))
        rows = await side.broker.transactions(ACCOUNT, DAY)
        positions = (await side.broker.account_reads(ACCOUNT)).positions
        told = [(row.sub_kind, row.symbol, row.quantity, row.value, row.fees) for row in rows]
        return before, told, {p.symbol: (p.direction, p.quantity) for p in positions}

    short, long = "Short", "Long"
    held: dict[str, tuple[str, int]] = dict(
        zip(SYMBOLS, ((short, 1), (long, 2), (short, 1), (long, 1)), strict=True), QQQ=(long, 100)
    )
    told = [("Assignment", SYMBOLS[0], 1, 0, 0), ("Buy to Open", "QQQ", 100, -62_200, 5)]
    assert on_both(script) == (2 if at_once else 0, told, held)


def test_the_desk_closes_what_expires_next() -> None:
    async def script(side: Side) -> object:
        given = dict(zip(SYMBOLS, (-2, 2, -1, 1), strict=True))
        await side.act({"act": "give", "account": ACCOUNT, "contracts": given})
        await side.act({"act": "desk", "account": ACCOUNT})
        (order,) = await side.listed()
        filled = await side.shows(order.order_id, "Filled")
        rows = await posted(side, len(SYMBOLS))
        held = (await side.holds(0)).positions
        actions = {leg.symbol: leg.action for leg in filled.legs}
        return filled.identifier, filled.order_type, actions, {row.order_id == order.order_id for row in rows}, held

    actions = ("Buy to Close", "Sell to Close", "Buy to Close", "Sell to Close")
    assert on_both(script) == (None, "Market", dict(zip(SYMBOLS, actions, strict=True)), {True}, ())


def test_nothing_fills_while_the_underlying_is_halted() -> None:
    async def script(side: Side) -> object:
        side.exchange.fill_plan = "immediate"
        await side.act({"act": "halt", "symbol": "QQQ", "seconds": 600})
        order_id = (await side.send()).report.order_id
        await side.shows(order_id, "Live")
        await side.go_to(MONDAY_TEN + timedelta(minutes=9))
        halted = (await side.broker.order(ACCOUNT, order_id)).status
        await side.go_to(MONDAY_TEN + timedelta(minutes=12))
        return halted, (await side.shows(order_id, "Filled")).status

    assert on_both(script) == ("Live", "Filled")


def test_a_split_changes_positions_and_ends_the_orders_on_them() -> None:
    async def script(side: Side) -> object:
        side.exchange.fill_plan = "never"
        given = dict(zip(SYMBOLS, (-2, 2, -1, 1), strict=True), QQQ=100)
        await side.act({"act": "give", "account": ACCOUNT, "contracts": given})
        order = {"time-in-force": "GTC", "order-type": "Limit", "price": "0.05", "price-effect": "Debit"}
        leg = {"instrument-type": "Equity Option", "symbol": SYMBOLS[2], "action": "Buy to Close", "quantity": 1}
        await side.act({"act": "place", "account": ACCOUNT, "order": {**order, "legs": [leg]}})
        (resting,) = await side.listed()
        await side.shows(resting.order_id, "Live")
        await side.act({"act": "split", "symbol": "QQQ", "ratio": "2", "date": "2026-11-24"})
        await side.go_to(MONDAY_TEN + timedelta(days=1))
        removed = await side.broker.order(ACCOUNT, resting.order_id)
        positions = (await side.broker.account_reads(ACCOUNT)).positions
        rows = await side.broker.transactions(ACCOUNT, DAY)
        assert sum((row.net_value for row in rows), Decimal(0)) == 0
        held = {p.symbol: (p.direction, p.quantity) for p in positions}
        return removed.status, held, {(row.kind, row.sub_kind) for row in rows}, len(rows)

    names = [symbol.replace("QQQ   ", "QQQ1  ") for symbol in SYMBOLS]
    short, long = "Short", "Long"
    held: dict[str, tuple[str, int]] = dict(
        zip(names, ((short, 2), (long, 2), (short, 1), (long, 1)), strict=True), QQQ=(long, 200)
    )
    assert on_both(script) == ("Removed", held, {("Receive Deliver", "Forward Split")}, 10)
