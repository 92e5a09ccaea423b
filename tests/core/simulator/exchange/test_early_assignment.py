"""How often tridents held to their expiration are assigned early: the figures that broker 13 tells of."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from core.runtime.clock import exchange_time
from core.simulator.exchange.assignment import LAST_DAYS
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.habits import Habits
from core.simulator.market.market import Market
from tests.support.world import account, et

SESSIONS = 80
"""From March on: the ex-date in June finds calls in the money in their last weeks."""
MARKETS = 6
NUMBER = "5WT00001"
WIDTH = 5
Assigned = tuple[int, date, str, int, bool]
"""The market, the evening, P or C, the days left, and whether QQQ goes ex the next morning."""


@pytest.fixture(scope="module")
def assigned() -> list[Assigned]:
    """Every contract assigned early where a trident of QQQ is entered in each session and held to its end."""
    return [one for seed in range(MARKETS) for one in _assigned_in(seed)]


def _assigned_in(seed: int) -> list[Assigned]:
    at = et("2026-03-02", "10:00")
    market = Market(seed, at)
    exchange = Exchange(market, seed, [account(NUMBER)])
    exchange.habits = Habits(hand_sells_shares=True)
    for _ in range(SESSIONS):
        exchange.advance(at)
        exchange.back_office.give(NUMBER, _trident(market, at), at)
        at = market.sessions_around(at)[2].open + timedelta(minutes=30)
    exchange.advance(at)
    found = []
    for row in exchange.transactions(NUMBER, at):
        option = market.option(row.symbol or "")
        evening = exchange_time(row.executed_at).date()
        if row.sub_kind == "Assignment" and option is not None and evening < option.expiration:
            following = market.sessions_around(row.executed_at + timedelta(hours=8))[2].day
            dividend = market.next_dividend("QQQ", following)
            is_before_ex = dividend is not None and dividend.ex == following
            found.append((seed, evening, option.right, (option.expiration - evening).days, is_before_ex))
    return found


def _trident(market: Market, at: datetime) -> dict[str, int]:
    """The contracts of a trident at the money, about 45 days out."""
    day = exchange_time(at).date()
    trade = market.trade("QQQ", at)
    assert trade is not None
    body = round(trade.price / WIDTH) * WIDTH
    ends = [e.day for root in market.chain("QQQ", day) for e in root.expirations]
    end = min(ends, key=lambda one: abs((one - day).days - 45))

    def occ(right: str, strike: int) -> str:
        return f"{'QQQ':<6}{end:%y%m%d}{right}{strike * 1000:08d}"

    return {occ("P", body): -2, occ("P", body - WIDTH): 2, occ("C", body): -1, occ("C", body + WIDTH): 1}


def test_few_mornings_tell_of_an_early_assignment(assigned: list[Assigned]) -> None:
    mornings = {(seed, evening) for seed, evening, *_ in assigned}
    assert 0.002 < len(mornings) / (MARKETS * SESSIONS) < 0.05


def test_puts_are_assigned_early_in_their_last_weeks(assigned: list[Assigned]) -> None:
    puts = [left for _, _, right, left, _ in assigned if right == "P"]
    early = sum(left > LAST_DAYS for left in puts)
    assert len(puts) - early > 0
    assert early <= len(puts) / 10


def test_calls_are_assigned_early_before_a_dividend(assigned: list[Assigned]) -> None:
    before = [is_before_ex for _, _, right, _, is_before_ex in assigned if right == "C"]
    assert sum(before) > len(before) / 2
