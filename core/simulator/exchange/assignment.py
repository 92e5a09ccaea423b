"""Early assignment: which short contracts of an ETF are assigned in a night before their last day.

The holders of contracts draw apart each night, from the seed, the date and the contract.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zlib import crc32

import numpy as np

from core.simulator.exchange.expiration import DELIVERED
from core.simulator.exchange.ledger import Ledger, intrinsic
from core.simulator.exchange.nightly_hours import NightlyHours
from core.simulator.market.market_data import ListedOption

LITTLE_EXTRINSIC = Decimal("0.02")
BEFORE_DIVIDEND, WITHOUT_EXTRINSIC, IN_THE_MONEY = 0.85, 0.20, 0.0005
"""The chance of one contract in one night: of a call worth less than the dividend of the next morning beyond what is
in the money; of one with next to nothing beyond it; of any other in the money."""


def early_assignments(
    ledger: Ledger, hours: NightlyHours, closed_at: datetime, dividend: Decimal, seed: int
) -> list[tuple[ListedOption, int]]:
    """The contracts assigned in the night after a session, negative as they are short.

    `closed_at` is when their trading ended, `dividend` what a share pays to who holds it until the next morning, in $.
    """
    held = ledger.held()
    assigned = []
    for symbol, option in sorted(ledger.options().items()):
        short = -held.get(symbol, 0)
        if short <= 0 or option.underlying not in DELIVERED or option.expires_at <= hours.evening:
            continue
        chance = assignment_chance(
            option, ledger.price(option.underlying, closed_at), ledger.price(symbol, closed_at), dividend
        )
        if chance:
            draws = np.random.default_rng([seed, hours.day.toordinal(), crc32(symbol.encode())]).random(short)
            count = int((draws < chance).sum())
            if count:
                assigned.append((option, -count))
    return assigned


def assignment_chance(option: ListedOption, spot: Decimal, mark: Decimal, dividend: Decimal) -> float:
    """The chance that one short contract is assigned tonight. All prices are $ per share."""
    worth = intrinsic(option, spot)
    if not worth:
        return 0.0
    extrinsic = mark - worth
    if option.right == "C" and extrinsic < dividend:
        return BEFORE_DIVIDEND
    return WITHOUT_EXTRINSIC if extrinsic < LITTLE_EXTRINSIC else IN_THE_MONEY
