"""Early assignment: which short contracts of an ETF are assigned in a night before their last day.

The holders of contracts draw apart each night, from the seed, the date and the contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from zlib import crc32

import numpy as np

from core.simulator.exchange.instruments import DELIVERED
from core.simulator.exchange.ledger import Ledger, intrinsic
from core.simulator.exchange.session_hours import SessionHours
from core.simulator.market.market_data import Dividend, ListedOption

LITTLE_EXTRINSIC = Decimal("0.02")
BEFORE_DIVIDEND, WITHOUT_EXTRINSIC, IN_THE_MONEY = 0.85, 0.20, 0.0005
"""The chance of one contract in one night: of a call worth less than the dividend of the next morning beyond what is
in the money; of one with next to nothing beyond it; of any other in the money."""


def early_assignments(
    ledger: Ledger, hours: SessionHours, closed_at: datetime, paid: Mapping[str, Dividend | None], seed: int
) -> list[tuple[ListedOption, int]]:
    """The contracts assigned in the night after a session, negative as they are short.

    `closed_at` is when their trading ended, `paid` the dividend of each underlying that goes ex in the next session.
    """
    held = ledger.held()
    assigned = []
    for symbol, option in sorted(ledger.options().items()):
        short = -held.get(symbol, 0)
        if short <= 0 or option.underlying not in DELIVERED or option.expires_at <= hours.evening:
            continue
        dividend = paid.get(option.underlying)
        amount = Decimal(0) if dividend is None else dividend.amount * option.deliverable
        spot, mark = ledger.spot(option, closed_at), ledger.price(symbol, closed_at)
        chance = assignment_chance(option, spot, mark, amount)
        if chance:
            draws = np.random.default_rng([seed, hours.day.toordinal(), crc32(symbol.encode())]).random(short)
            count = int((draws < chance).sum())
            if count:
                assigned.append((option, -count))
    return assigned


def assignment_chance(option: ListedOption, spot: Decimal, mark: Decimal, dividend: Decimal) -> float:
    """The chance that one short contract is assigned tonight. All prices are $ per share of the contract."""
    worth = intrinsic(option, spot)
    if not worth:
        return 0.0
    extrinsic = mark - worth
    if option.right == "C" and extrinsic < dividend:
        return BEFORE_DIVIDEND
    return WITHOUT_EXTRINSIC if extrinsic < LITTLE_EXTRINSIC else IN_THE_MONEY
