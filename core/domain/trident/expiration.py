"""Chooses the expiration (rules 2)."""

from __future__ import annotations

from datetime import date

from core.domain.market.chain import Expiration, OptionChain
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.trident.trident import SHARES_PER_CONTRACT

MIN_DTE = 30
MAX_DTE = 50
TARGET_DTE = 45


def choose_expiration(chain: OptionChain, today: date) -> Expiration | Refusal:
    """The expiration nearest to 45 days within 30..50; a tie goes to the earlier.

    Of two roots on one date, the one that settles in the afternoon is taken (rules 2). Adjusted chains (not 100 shares,
    or not standard) are never traded. `today` is the session's date.
    """
    usable = [
        e
        for e in chain.expirations
        if e.standard and e.shares_per_contract == SHARES_PER_CONTRACT and MIN_DTE <= (e.day - today).days <= MAX_DTE
    ]
    if not usable:
        return refuse(Reason.NO_EXPIRATION, symbol=chain.underlying, low=MIN_DTE, high=MAX_DTE)
    return min(usable, key=lambda e: (abs((e.day - today).days - TARGET_DTE), e.day, not e.pm_settled, e.root))
