"""Money without a trade: dividends, and corrections of what was posted before."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from enum import Enum

from core.runtime.clock import exchange_time
from core.simulator.exchange.orders import NO_FEES
from core.simulator.exchange.transactions import (
    DIVIDEND,
    MONEY_MOVEMENT,
    TRADE,
    SimTransaction,
    TransactionLog,
)

FEE_CHANGE = Decimal("0.02")


class Correction(Enum):
    """What the broker corrects."""

    FEE = "fee"
    """It takes 0.02 $ more in fees, as a Balance Adjustment."""
    REVERSAL = "reversal"
    """It reverses the newest trade and posts it again."""


def correction_rows(correction: Correction, log: TransactionLog, account: str, at: datetime) -> list[SimTransaction]:
    """The rows of a correction; none for a reversal where there is no trade to reverse."""
    if correction is Correction.FEE:
        return [_money(account, -FEE_CHANGE, "Balance Adjustment", "Regulatory fee adjustment", None, at)]
    undone = {row.reverses for row in log.posted.values()}
    trades = [r for r in log.posted.values() if r.kind == TRADE and r.reverses is None and r.id not in undone]
    if not trades:
        return []
    newest, fees = trades[-1], trades[-1].fees
    words = f"Reversal of {newest.description}"
    undoing = replace(newest, value=-newest.value, fees=NO_FEES - fees, description=words, reverses=newest.id)
    return [replace(undoing, estimated=False), replace(newest, estimated=False)]


def dividend_row(account: str, symbol: str, value: Decimal, at: datetime) -> SimTransaction:
    """The dividend on the shares of an account, in $: negative when it was short of them."""
    return _money(account, value, DIVIDEND, f"Dividend of {symbol}", symbol, at)


def _money(account: str, value: Decimal, sub_kind: str, words: str, symbol: str | None, at: datetime) -> SimTransaction:
    return SimTransaction(
        id=0,
        account=account,
        kind=MONEY_MOVEMENT,
        sub_kind=sub_kind,
        description=words,
        instrument_type=None if symbol is None else "Equity",
        symbol=symbol,
        underlying=symbol,
        action=None,
        quantity=None,
        price=None,
        value=value,
        fees=NO_FEES,
        executed_at=at,
        day=exchange_time(at).date(),
        created_at=at,
        estimated=False,
    )
