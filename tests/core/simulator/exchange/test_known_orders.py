"""The orders that the broker knows: what the indices list is what a look through all of them finds."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from core.runtime.clock import exchange_time
from core.simulator.exchange.known_orders import KnownOrders
from core.simulator.exchange.orders import SimOrder

FIRST = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
ACCOUNTS = ("5WT00001", "5WT00002")


def order(number: int, account: str, at: datetime) -> SimOrder:
    return SimOrder(number, account, "GTC", "Limit", 1, "QQQ", "Equity", None, "Live", (), at, at)


def found_by_looking(orders: dict[int, SimOrder], account: str, today: date) -> list[SimOrder]:
    mine = [each for each in reversed(orders.values()) if each.account_number == account]
    return [each for each in mine if not each.terminal or exchange_time(each.updated_at).date() == today]


def test_the_indices_list_what_a_look_through_all_orders_finds() -> None:
    """Over days, with ends, revivals, orders forgotten, ids given again, and receipts a day out of order."""
    chance = random.Random(5)
    known, all_orders = KnownOrders(), dict[int, SimOrder]()
    now, listed = FIRST, 0
    for step in range(3000):
        now += timedelta(minutes=chance.randint(1, 40))
        number = chance.randint(1, 400) if chance.random() < 0.1 else step + 1000
        if chance.random() < 0.4 and all_orders:
            number = chance.choice(list(all_orders)[-60:])
            status = chance.choice(("Filled", "Cancelled", "Expired", "Live"))
            all_orders[number] = replace(all_orders[number], status=status, updated_at=now)
            known.put(all_orders[number])
        elif chance.random() < 0.1 and all_orders:
            number = chance.choice(list(all_orders))
            del all_orders[number]
            known.drop(number)
        else:
            skew = timedelta(seconds=chance.choice((0, 0, 0, -86_400, 86_400)))
            known.drop(number)
            all_orders.pop(number, None)
            all_orders[number] = order(number, chance.choice(ACCOUNTS), now + skew)
            known.put(all_orders[number])
        if step % 7 == 0:
            today, since = exchange_time(now).date(), now - timedelta(hours=chance.randint(0, 400))
            for account in ACCOUNTS:
                expected = found_by_looking(all_orders, account, today)
                assert known.of_today(account, today) == expected
                mine = [each for each in reversed(all_orders.values()) if each.account_number == account]
                assert known.of(account) == mine
                assert known.of(account, since) == [each for each in mine if each.received_at >= since]
                listed += len(expected)
        assert known.get(number) == all_orders.get(number)
    assert listed > 1000
