"""Checks the simulated broker's books every morning, when everything of the day before is posted.

The cash is the first cash and the net value of every transaction; the positions are what the transactions add up to;
nothing expired is held; and no order of ours that closes has opened a position.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal

from core.runtime.clock import exchange_time
from core.simulator.exchange.exchange import Exchange
from core.simulator.market.market import Market
from tests.support.held_by_rows import held_by_rows


def check_books(
    exchange: Exchange, market: Market, cash: Mapping[str, Decimal], now: datetime, add: Callable[[str, str], None]
) -> None:
    """Calls `add` with the rule and a sentence for each thing that is wrong. `cash` is each account's first cash."""
    today = exchange_time(now).date()
    for number, first in cash.items():
        rows = exchange.transactions(number, now)
        waiting = [p for p in exchange.back_office.ledgers[number].postings if p.settled]
        unposted = [row for posting in waiting for row in posting.rows]
        told = first + sum((row.net_value for row in (*rows, *unposted)), Decimal(0))
        has = exchange.balances(number, now).cash_balance
        if has != told:
            add("9", f"account {number} has {has} $, and its transactions tell of {told} $")
        held = exchange.back_office.ledgers[number].held()
        if held != held_by_rows((*rows, *unposted)):
            add(
                "9", f"account {number} holds {held}, and its transactions add up to {held_by_rows((*rows, *unposted))}"
            )
        for symbol in held:
            option = market.option(symbol)
            if option is not None and option.expiration < today:
                add("9", f"account {number} still holds {symbol}, and no transaction tells what became of it")
    for order_id, symbol in exchange.opened_by_close:
        add("1", f"order {order_id} opened a position in {symbol} where it was to close one")
