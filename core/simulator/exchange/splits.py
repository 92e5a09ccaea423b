"""What a split does to an account: its contracts become adjusted ones, its shares more or fewer."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from core.runtime.clock import exchange_time
from core.simulator.exchange.instruments import Instrument, symbol_of, type_of, underlying_of
from core.simulator.exchange.ledger import Ledger
from core.simulator.exchange.orders import NO_FEES
from core.simulator.exchange.transactions import RECEIVE_DELIVER, Move, Posting, SimTransaction
from core.simulator.market.market_data import ListedOption


def split_posting(ledger: Ledger, underlying: str, ratio: Decimal, at: datetime) -> Posting | None:
    """What a split posts to an account: each position out, and in again as what it has become, at the same cost."""
    rows: list[SimTransaction] = []
    moves: list[Move] = []
    for symbol, holding in sorted(ledger.true.holdings.items()):
        count, price = holding.quantity, holding.average_open_price
        became = _became(ledger, holding.instrument, underlying)
        if not count or became is None:
            continue
        shares = not isinstance(became, ListedOption)
        into = int(count * ratio) if shares else count
        cost = price / ratio if shares else price
        moves += [Move(symbol, -count, price, converts=True), Move(symbol_of(became), into, cost, converts=True)]
        rows += [
            _row(ledger, holding.instrument, abs(count), "out", ratio, at),
            _row(ledger, became, abs(into), "in", ratio, at),
        ]
    return Posting(at, ledger.setup.number, tuple(rows), tuple(moves)) if rows else None


def _became(ledger: Ledger, instrument: Instrument, underlying: str) -> Instrument | None:
    """What a position has become by the split; None for one that it does not touch."""
    if underlying_of(instrument) != underlying:
        return None
    return ledger.market.adjusted(instrument) if isinstance(instrument, ListedOption) else instrument


def _row(ledger: Ledger, instrument: Instrument, count: int, way: str, ratio: Decimal, at: datetime) -> SimTransaction:
    sub_kind = "Forward Split" if ratio > 1 else "Reverse Split"
    return SimTransaction(
        id=0,
        account=ledger.setup.number,
        kind=RECEIVE_DELIVER,
        sub_kind=sub_kind,
        description=f"{sub_kind} of {underlying_of(instrument)} into {ratio}: {count} {symbol_of(instrument)} {way}",
        instrument_type=type_of(instrument),
        symbol=symbol_of(instrument),
        underlying=underlying_of(instrument),
        action=None,
        quantity=Decimal(count),
        price=None,
        value=Decimal(0),
        fees=NO_FEES,
        executed_at=at,
        day=exchange_time(at).date(),
        created_at=at,
        estimated=False,
    )
