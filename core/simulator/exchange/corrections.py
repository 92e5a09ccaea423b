"""Corrections of transactions that were posted before: a changed fee, and a row that is reversed and posted again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from enum import Enum

from core.runtime.clock import exchange_time
from core.simulator.exchange.orders import NO_FEES
from core.simulator.exchange.transactions import MONEY_MOVEMENT, TRADE, SimTransaction, TransactionLog

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
        return [adjustment(account, -FEE_CHANGE, "Balance Adjustment", "Regulatory fee adjustment", at)]
    undone = {row.reverses for row in log.posted.values()}
    trades = [r for r in log.posted.values() if r.kind == TRADE and r.reverses is None and r.id not in undone]
    if not trades:
        return []
    newest, fees = trades[-1], trades[-1].fees
    words = f"Reversal of {newest.description}"
    undoing = replace(newest, value=-newest.value, fees=NO_FEES - fees, description=words, reverses=newest.id)
    return [replace(undoing, estimated=False), replace(newest, estimated=False)]


def adjustment(account: str, value: Decimal, sub_kind: str, words: str, at: datetime) -> SimTransaction:
    """A movement of money without a trade, in $: positive when the account gets it."""
    return SimTransaction(
        id=0,
        account=account,
        kind=MONEY_MOVEMENT,
        sub_kind=sub_kind,
        description=words,
        instrument_type=None,
        symbol=None,
        underlying=None,
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
