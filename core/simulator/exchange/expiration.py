"""What becomes of contracts on their last day.

Index options settle in cash at the official close (or open, if AM-settled), and what is worthless expires: posted at
22:00. Options of an ETF that are 0.01 in the money at the official close are exercised and assigned for shares: posted
at 06:00 of the next day.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from random import Random
from zlib import crc32

from core.simulator.exchange.deliveries import NOTHING, Delivery, delivered
from core.simulator.exchange.habits import Habits
from core.simulator.exchange.instruments import DELIVERED
from core.simulator.exchange.ledger import Ledger, intrinsic
from core.simulator.exchange.session_hours import SessionHours
from core.simulator.exchange.transactions import Move, Posting, SimTransaction
from core.simulator.market.market_data import ListedOption

BY_EXCEPTION = Decimal("0.01")
"""How far in the money, in $ per share, an option of an ETF is exercised without an instruction."""
PIN_RANGE = Decimal("0.10")
"""Up to how far out of the money a short one may be assigned all the same."""


def expired(ledger: Ledger, at: datetime) -> list[tuple[ListedOption, int]]:
    """The contracts of an account that have expired and wait for their settlement, negative when short."""
    awaited = {move.symbol for posting in ledger.postings if not posting.settled for move in posting.moves}
    held = ledger.held()
    options = ((option, held.get(symbol, 0)) for symbol, option in ledger.options().items() if symbol not in awaited)
    return sorted(((o, n) for o, n in options if n and o.expires_at <= at), key=lambda each: each[0].occ)


def evening_posting(ledger: Ledger, hours: SessionHours, habits: Habits, seed: int) -> Posting | None:
    """What 22:00 posts to an account: cash for index options, and the end of all that is worthless."""
    rows: list[SimTransaction] = []
    moves: list[Move] = []
    for option, contracts in expired(ledger, hours.evening):
        settlement = ledger.market.settlement_price(option)
        worth = intrinsic(option, settlement)
        cash = option.underlying not in DELIVERED
        if not cash and (worth >= BY_EXCEPTION or _pinned(option, contracts, settlement, habits, seed)):
            continue
        executed = hours.evening if cash else hours.exercise
        delivery = Delivery(ledger.setup.number, executed, hours.day, habits.assignment_fee)
        if worth:
            rows.append(delivery.cash_settlement(option, contracts, worth))
            rows.append(delivery.removal(option, contracts, "Assignment" if contracts < 0 else "Exercise"))
        else:
            rows.append(delivery.removal(option, contracts, "Expiration"))
        moves.append(Move(option.occ, -contracts, worth))
    return _posting(ledger, hours.evening, rows, moves)


def morning_posting(
    ledger: Ledger, hours: SessionHours, habits: Habits, early: Iterable[tuple[ListedOption, int]] = ()
) -> Posting | None:
    """What 06:00 posts to an account: the exercises and assignments of the evening before, for shares.

    `early` are the contracts that were assigned before their last day, negative as they are short.
    """
    delivery = Delivery(ledger.setup.number, hours.exercise, hours.day, habits.assignment_fee)
    rows: list[SimTransaction] = []
    moves: list[Move] = []
    shares = {symbol: ledger.held().get(symbol, 0) for symbol in DELIVERED}
    due = [each for each in expired(ledger, hours.evening) if each[0].underlying in DELIVERED]
    for option, contracts in (*due, *early):
        added, moved = delivered(delivery, option, contracts, shares[option.underlying])
        shares[option.underlying] += sum(move.change for move in moved if move.symbol == option.underlying)
        rows += added
        moves += moved
    return _posting(ledger, hours.morning, rows, moves)


def _posting(ledger: Ledger, at: datetime, rows: list[SimTransaction], moves: list[Move]) -> Posting | None:
    return Posting(at, ledger.setup.number, tuple(rows), tuple(moves)) if rows else None


def _pinned(option: ListedOption, contracts: int, settlement: Decimal, habits: Habits, seed: int) -> bool:
    """Whether short contracts just out of the money are assigned all the same."""
    away = settlement - option.strike if option.right == "P" else option.strike - settlement
    if contracts > 0 or not habits.pin_assignment or not NOTHING <= away <= PIN_RANGE:
        return False
    drawn = Random(f"{seed} pin {option.expiration.toordinal()} {crc32(option.occ.encode())}").random()
    return drawn < habits.pin_assignment
