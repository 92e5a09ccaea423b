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
LAST_DAYS = 14
"""Calendar days before expiration from which on holders give up what is worth nothing beyond its intrinsic value."""
BEFORE_DIVIDEND, WITHOUT_EXTRINSIC, EARLIER, IN_THE_MONEY = 0.85, 0.02, 0.001, 0.0001
"""The chance of one contract in one night: of a call worth less than the dividend of the next morning beyond what is
in the money; of one with next to nothing beyond it, in its last days and earlier; of any other in the money.

The market's puts are worth at least what is in the money (broker 13). They come to that well before the price at which
exercise pays, so that few holders exercise there.
"""


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
        left = (option.expiration - hours.day).days
        chance = assignment_chance(option, spot, mark, amount, left)
        if chance:
            draws = np.random.default_rng([seed, hours.day.toordinal(), crc32(symbol.encode())]).random(short)
            count = int((draws < chance).sum())
            if count:
                assigned.append((option, -count))
    return assigned


def assignment_chance(option: ListedOption, spot: Decimal, mark: Decimal, dividend: Decimal, days_left: int) -> float:
    """The chance that one short contract is assigned tonight. All prices are $ per share of the contract.

    The middle of a wide quote may be less than the intrinsic value: without a dividend that is no reason to exercise.
    """
    worth = intrinsic(option, spot)
    if not worth:
        return 0.0
    extrinsic = mark - worth
    if option.right == "C" and dividend and extrinsic < dividend:
        return BEFORE_DIVIDEND
    if extrinsic >= LITTLE_EXTRINSIC:
        return IN_THE_MONEY
    return WITHOUT_EXTRINSIC if days_left <= LAST_DAYS else EARLIER
