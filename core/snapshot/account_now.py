"""The slice of an account as it stands now: the truth about its day and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.domain.orders.next_step import NextStep
from core.snapshot.fates import FateView


@dataclass(frozen=True, slots=True)
class AccountNow:
    """One account. `account` is masked; amounts are in $.

    `fate` is that of its newest entry of today, of so many `packages`, and `profit` the P&L of that trident at the mid;
    None without. `step` is what comes next. `held` counts its open tridents, `held_profit` is what closing what is left
    of them would realize at the mid, None unless all of it is known; `stale`: it is by old quotes. `targets` and
    `closes` count closing orders that work: those that rest at a target, and others. `ended` counts units that ended
    today, `realized` is what today brought after fees, None while nothing ended; `estimated`: a fee in it is an
    estimate. `exits_stopped` says that exits are held or blocked, and why. The balances are as of `balances_at`, None
    before they were read.
    """

    account: str
    step: NextStep
    fate: FateView | None = None
    packages: int | None = None
    profit: Decimal | None = None
    held: int = 0
    held_profit: Decimal | None = None
    stale: bool = False
    targets: int = 0
    closes: int = 0
    ended: int = 0
    realized: Decimal | None = None
    estimated: bool = False
    exits_stopped: str = ""
    net_liquidation: Decimal | None = None
    buying_power: Decimal | None = None
    balances_at: datetime | None = None
