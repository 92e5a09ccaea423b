"""What exits read of an account and of options, over the wire through the adapter and in process: the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.broker.port import Position
from core.domain.orders.orders import OrderReport
from core.simulator.exchange.faults import FaultKind, FaultMatch
from tests.core.simulator.both_ways import ACCOUNT, MONDAY_TEN, SYMBOLS, Side, on_both, other_order, terms

NIGHT = MONDAY_TEN + timedelta(hours=8)
"""18:00 at the exchange: quotes stand still."""


async def filled(side: Side) -> OrderReport:
    """A trident that the account holds, and its order."""
    side.exchange.fill_plan = "immediate"
    order_id = (await side.send()).report.order_id
    report = await side.shows(order_id, "Filled")
    await side.holds(len(SYMBOLS))
    side.exchange.fill_plan = "never"
    return report


def test_positions_alone_are_those_of_the_account_reads() -> None:
    async def script(side: Side) -> object:
        await filled(side)
        alone = await side.broker.positions(ACCOUNT)
        reads = await side.broker.account_reads(ACCOUNT)
        assert [unmarked(p) for p in alone] == [unmarked(p) for p in reads.positions]
        assert all(p.mark is not None for p in alone)
        return [(p.symbol, p.quantity, p.direction, p.instrument_type) for p in alone]

    short_put, long_put, short_call, long_call = SYMBOLS
    assert on_both(script) == [
        (short_call, Decimal(1), "Short", "Equity Option"),
        (long_call, Decimal(1), "Long", "Equity Option"),
        (long_put, Decimal(2), "Long", "Equity Option"),
        (short_put, Decimal(2), "Short", "Equity Option"),
    ]


def unmarked(position: Position) -> Position:
    """The position without its mark, which moves between two reads."""
    return replace(position, mark=None)


def test_half_of_the_positions_may_be_shown() -> None:
    async def script(side: Side) -> object:
        await filled(side)
        side.arm(FaultKind.POSITIONS_INCOMPLETE)
        return len(await side.broker.positions(ACCOUNT)), len(await side.broker.positions(ACCOUNT))

    assert on_both(script) == (2, 4)


def test_positions_that_cannot_be_read_are_an_error() -> None:
    async def script(side: Side) -> object:
        path = FaultMatch(method="GET", path_end="/positions")
        side.arm(FaultKind.REST_GARBAGE, match=path)
        return await side.refusal(side.broker.positions(ACCOUNT))

    assert on_both(script) == "unreadable"


def test_live_orders_are_the_working_ones_and_those_of_today_by_id() -> None:
    async def script(side: Side) -> list[tuple[object, ...]]:
        await filled(side)
        await side.act({"act": "place", "account": ACCOUNT, "order": {**other_order(), "time-in-force": "GTC"}})
        await side.go_to(MONDAY_TEN + timedelta(days=1))
        working = (await side.send("senex-2")).report.order_id
        await side.shows(working, "Live")
        return [
            (*terms(report), report.status, report.time_in_force) for report in await side.broker.live_orders(ACCOUNT)
        ]

    found = on_both(script)
    assert [one[0] for one in found] == [None, "senex-2"]  # yesterday's filled one is gone
    assert [one[-2:] for one in found] == [("Live", "GTC"), ("Live", "Day")]


def test_a_part_of_the_live_orders_looks_like_the_whole() -> None:
    async def script(side: Side) -> object:
        for identifier in ("senex-1", "senex-2"):
            await side.shows((await side.send(identifier)).report.order_id, "Live")
        side.arm(FaultKind.ORDERS_PARTIAL_PAGE)
        part = await side.broker.live_orders(ACCOUNT)
        return [report.identifier for report in part], len(await side.broker.live_orders(ACCOUNT))

    assert on_both(script) == (["senex-2"], 2)


def test_option_quotes_are_bid_and_ask_by_occ_symbol() -> None:
    async def script(side: Side) -> tuple[list[tuple[str, Decimal | None, Decimal | None]], set[int]]:
        found = await side.broker.option_quotes((*SYMBOLS, SYMBOLS[0], "QQQ   270108P00000001"))
        ages = [quote.age(side.clock.monotonic()) for quote in found.values()]
        return [(q.symbol, q.bid, q.ask) for q in found.values()], {round((age or 0.0) / 600) for age in ages}

    quotes, ages = on_both(script, NIGHT)
    assert [symbol for symbol, *_ in quotes] == list(SYMBOLS)
    assert all(bid is not None and ask is not None and 0 <= bid < ask for _, bid, ask in quotes)
    assert all(age > 0 for age in ages)  # dated when it was made, and not when it was read


def test_option_quotes_in_the_session_are_fresh() -> None:
    async def script(side: Side) -> object:
        found = await side.broker.option_quotes(SYMBOLS)
        return [(quote.age(side.clock.monotonic()) or 0.0) <= 30 for quote in found.values()]

    assert on_both(script) == [True] * len(SYMBOLS)


def test_an_option_without_bid_and_ask_has_no_quote() -> None:
    async def script(side: Side) -> object:
        side.arm(FaultKind.MARKET_NAN, match=FaultMatch(symbol=".QQQ270108P622"))
        return list(await side.broker.option_quotes(SYMBOLS))

    assert on_both(script) == list(SYMBOLS[1:])


@pytest.mark.parametrize(
    ("restricted", "restriction", "exits_barred"),
    [
        ({}, None, ""),
        ({"is_closed": True}, "closed", "closed"),
        ({"is_frozen": True}, "frozen", "frozen"),
        ({"is_closing_only": True}, "closing only", ""),
        ({"is_in_margin_call": True}, "margin call", ""),
        ({"is_frozen": True, "is_in_margin_call": True}, "frozen", "frozen"),
    ],
)
def test_only_a_closed_or_frozen_account_bars_exits(
    restricted: dict[str, bool], restriction: str | None, exits_barred: str
) -> None:
    async def script(side: Side) -> object:
        side.exchange.restrict(ACCOUNT, **restricted)
        reads = await side.broker.account_reads(ACCOUNT)
        return reads.restriction, reads.exits_barred

    assert on_both(script) == (restriction, exits_barred)


def test_more_options_than_one_request_takes_are_asked_for_in_parts() -> None:
    async def script(side: Side) -> list[str]:
        many = [f"QQQ   270108P00{strike}000" for strike in range(500, 760)]
        return list(await side.broker.option_quotes(many))

    found = on_both(script, NIGHT)
    assert len(found) > 100
    assert SYMBOLS[0] in found
