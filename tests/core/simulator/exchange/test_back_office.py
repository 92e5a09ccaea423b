"""What happens at the exchange without its client: orders changed, forgotten, revived and late, positions given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.simulator.exchange.handling import Handling
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.orders import Notice, OrderChanges, OrderRefused, closing_order
from tests.core.simulator.exchange.placed_orders import (
    ONE,
    OPTIONS_CLOSE,
    TEN,
    TWO,
    at_mid,
    credit,
    exchange,
    occ,
    trident_legs,
)

SECOND = timedelta(seconds=1)
NEXT_TEN = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
GIVEN = {occ("P", 622): -2, occ("P", 619): 2, occ("C", 622): -1, occ("C", 625): 1}


def test_ids_of_orders_and_fills_begin_with_one_in_each_session() -> None:
    broker = exchange(cash="500000")
    broker.fill_plan = "immediate"
    again = Handling(order_ids_begin_again=True, fill_ids_begin_again=True)
    seen: list[tuple[int, list[str]]] = []
    for day in (TEN, NEXT_TEN):
        for minute in range(2):
            at = day + timedelta(minutes=minute)
            order = broker.submit(ONE, at_mid(at=at), at, handling=again)
            broker.advance(at + 30 * SECOND)
            fills = [fill.fill_id for leg in broker.order(ONE, order.id).legs for fill in leg.fills]
            seen.append((order.id, sorted(fills, key=int)))
    assert [order_id for order_id, _ in seen] == [1, 2, 1, 2]
    assert seen[0][1][0] == seen[2][1][0] == "1"
    for first, second in (seen[:2], seen[2:]):
        assert [*first[1], *second[1]] == [str(number + 1) for number in range(len(first[1]) + len(second[1]))]
    assert [order.received_at.date() for order in broker.orders(ONE)] == [NEXT_TEN.date()] * 2


def test_an_id_that_still_works_is_not_given_twice() -> None:
    broker = exchange(cash="500000")
    broker.fill_plan = "never"
    again = Handling(order_ids_begin_again=True)
    resting = broker.submit(ONE, credit(trident_legs(), "2.00", "GTC"), TEN, handling=again)
    broker.advance(NEXT_TEN)
    assert broker.submit(ONE, at_mid(at=NEXT_TEN), NEXT_TEN, handling=again).id == 2
    assert broker.order(ONE, resting.id).status == "Live"


@pytest.mark.parametrize("plan", [FillPlan.IMMEDIATE, FillPlan.PARTIAL, FillPlan.NEVER])
def test_a_forgotten_order_leaves_the_account_as_it_was(plan: FillPlan) -> None:
    broker = exchange()
    before = broker.balances(ONE, TEN)
    order = broker.submit(ONE, at_mid(), TEN, handling=Handling(plan=plan))
    later = TEN + 5 * SECOND
    broker.advance(later)
    assert (broker.balances(ONE, later).cash_balance == before.cash_balance) is (plan is FillPlan.NEVER)
    broker.back_office.forget(ONE, order.id, later)
    after = broker.balances(ONE, later)
    assert (after.cash_balance, after.derivative_buying_power) == (before.cash_balance, before.derivative_buying_power)
    assert broker.positions(ONE, later) == []
    assert broker.live_orders(ONE, later) == broker.orders(ONE) == []
    with pytest.raises(OrderRefused, match="record_not_found"):
        broker.order(ONE, order.id)
    assert broker.advance(TEN + timedelta(hours=2)) == []


def test_a_wiped_account_begins_again_and_the_others_stay() -> None:
    broker = exchange()
    broker.fill_plan = "immediate"
    kept = broker.submit(TWO, at_mid(), TEN)
    broker.submit(ONE, at_mid(), TEN)
    broker.advance(TEN + 30 * SECOND)
    broker.back_office.wipe(ONE, TEN + 30 * SECOND)
    assert broker.orders(ONE) == broker.positions(ONE, TEN + 30 * SECOND) == []
    assert broker.balances(ONE, TEN + 30 * SECOND).cash_balance == Decimal(25_000)
    assert broker.order(TWO, kept.id).status == "Filled"
    assert len(broker.positions(TWO, TEN + 30 * SECOND)) == 4
    again = broker.submit(ONE, at_mid(at=TEN + 60 * SECOND), TEN + 60 * SECOND)
    broker.advance(TEN + 90 * SECOND)
    assert broker.order(ONE, again.id).status == "Filled"


def test_a_removed_order_says_so_and_a_partly_filled_one_too() -> None:
    for plan, status in ((FillPlan.NEVER, "Removed"), (FillPlan.PARTIAL, "Partially Removed")):
        broker = exchange()
        order = broker.submit(ONE, at_mid(), TEN, handling=Handling(plan=plan))
        broker.advance(TEN + 3 * SECOND)
        removed = broker.back_office.remove(ONE, order.id, TEN + 3 * SECOND)
        assert (removed.status, removed.cancel_username) == (status, "staff")
        with pytest.raises(OrderRefused, match="does not work"):
            broker.back_office.remove(ONE, order.id, TEN + 4 * SECOND)


def test_a_revived_order_fills_what_was_left_and_ends_by_itself() -> None:
    broker = exchange()
    order = broker.submit(ONE, at_mid(), TEN, handling=Handling(plan=FillPlan.PARTIAL))
    broker.advance(TEN + 3 * SECOND)
    cancelled = broker.cancel(ONE, order.id, TEN + 3 * SECOND)
    broker.advance(TEN + 5 * SECOND)
    assert broker.order(ONE, order.id).status == "Cancelled"
    left = cancelled.remaining
    assert 0 < left < 6
    revived = broker.back_office.revive(ONE, order.id, TEN + 20 * SECOND)
    assert (revived.status, revived.remaining, revived.terminal_at, revived.cancel_username) == (
        "Live",
        left,
        None,
        None,
    )
    broker.advance(TEN + 60 * SECOND)
    filled = broker.order(ONE, order.id)
    assert (filled.status, [leg.remaining_quantity for leg in filled.legs]) == ("Filled", [0, 0, 0, 0])
    assert sum(p.quantity for p in broker.positions(ONE, TEN + 60 * SECOND)) == 6
    with pytest.raises(OrderRefused, match="cannot be revived"):
        broker.back_office.revive(ONE, order.id, TEN + 61 * SECOND)


def test_an_order_revived_and_left_alone_expires_when_options_close() -> None:
    broker = exchange()
    order = broker.submit(ONE, at_mid(), TEN, handling=Handling(plan=FillPlan.NEVER, revived_after=10 * SECOND))
    broker.fill_plan = "never"
    broker.advance(TEN + 3 * SECOND)
    broker.cancel(ONE, order.id, TEN + 3 * SECOND)
    broker.advance(TEN + 10 * SECOND)
    assert broker.order(ONE, order.id).status == "Cancelled"
    broker.advance(TEN + 20 * SECOND)
    assert broker.order(ONE, order.id).status == "Live"
    broker.advance(OPTIONS_CLOSE)
    assert broker.order(ONE, order.id).status == "Expired"


def test_a_late_order_arrives_by_itself_or_is_refused_in_silence() -> None:
    broker = exchange()
    broker.submit_late(ONE, at_mid(), TEN + 60 * SECOND, by="rival")
    broker.submit_late(ONE, credit(trident_legs(), "0"), TEN + 60 * SECOND)
    broker.submit_late(TWO, credit(trident_legs(body=7), "4.00"), TEN + 60 * SECOND)
    assert broker.advance(TEN + 59 * SECOND) == []
    assert broker.next_event_at() == TEN + 60 * SECOND
    broker.advance(TEN + 61 * SECOND)
    (first, second) = broker.orders(ONE)
    assert (second.received_at, second.username, first.username) == (TEN + 60 * SECOND, "rival", "main")
    assert broker.orders(TWO) == []
    with pytest.raises(OrderRefused, match="record_not_found"):
        broker.submit_late("5WT99999", at_mid(), TEN + 120 * SECOND)


def test_a_replacement_drops_the_identifier_when_told_to() -> None:
    for keeps, shown in ((True, "senex-1"), (False, None)):
        broker = exchange()
        broker.fill_plan = "never"
        order = broker.submit(ONE, credit(trident_legs(), "2.00", identifier="senex-1"), TEN)
        broker.advance(TEN + 5 * SECOND)
        changes = OrderChanges("Day", "Limit", Decimal("2.10"), "Credit")
        new = broker.replace(ONE, order.id, changes, TEN + 5 * SECOND, by="rival", keeps_identifier=keeps)
        broker.advance(TEN + 10 * SECOND)
        assert broker.order(ONE, order.id).status == "Cancelled"
        found = broker.order(ONE, new.id)
        assert (found.status, found.external_identifier, found.username) == ("Live", shown, "rival")


def test_given_positions_cost_nothing_and_bind_margin() -> None:
    broker = exchange()
    before = broker.balances(ONE, TEN)
    broker.back_office.give(ONE, GIVEN, TEN)
    after = broker.balances(ONE, TEN)
    assert after.cash_balance == before.cash_balance
    assert after.derivative_buying_power < before.derivative_buying_power
    held = {p.symbol: p.quantity if p.quantity_direction == "Long" else -p.quantity for p in broker.positions(ONE, TEN)}
    assert held == GIVEN
    told = [notice.type for notice in broker.advance(TEN)]
    assert told == ["CurrentPosition"] * 4 + ["AccountBalance"]
    broker.submit(
        ONE, closing_order(broker.positions(ONE, TEN)), TEN, by="rival", handling=Handling(plan=FillPlan.IMMEDIATE)
    )
    broker.advance(TEN + 10 * SECOND)
    assert broker.positions(ONE, TEN + 10 * SECOND) == []
    with pytest.raises(OrderRefused, match="does not exist"):
        broker.back_office.give(ONE, {occ("P", 622): 1, "SPX": 1}, TEN + 10 * SECOND)
    assert broker.positions(ONE, TEN + 10 * SECOND) == []


def test_who_listens_hears_each_notice_once_until_it_stops() -> None:
    broker = exchange()
    heard: list[Notice] = []
    stop = broker.notices.listen(heard.append)
    broker.submit(ONE, at_mid(), TEN)
    notices = broker.advance(TEN + 5 * SECOND)
    assert heard == notices != []
    stop()
    broker.submit(ONE, at_mid(), TEN + 10 * SECOND)
    assert broker.advance(TEN + 10 * SECOND) != []
    assert heard == notices
