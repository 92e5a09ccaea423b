"""What is odd about the broker's data on a simulated day: candles missing, orders of a foreign kind in listings.

Drawn from a chance of their own, so that the other troubles of a seed stay as they are.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta

from core.simulator.exchange.faults import FaultKind
from tests.proofs.days.trouble import Trouble
from tests.support.world import calendar_around


def data_troubles(seed: int, days: Sequence[date]) -> list[Trouble]:
    """The odd data of these days. Candles are missing from before they are read, or from the first slots on."""
    chance = random.Random(f"broker data {seed}")
    found: list[Trouble] = []
    for day in days:
        session = calendar_around(day.year).on(day)
        if session is None:
            raise ValueError(f"{day} is no session")
        if chance.random() < 0.15:
            at = session.open + timedelta(seconds=round(chance.uniform(-290.0, 900.0), 1))
            lasts = chance.choice((30.0, 600.0, 1500.0, 9000.0))
            symbol = chance.choice(("*", "QQQ", "SPX"))
            found.append(Trouble(at, FaultKind.MARKET_CANDLES_MISSING.value, lasts, 1, symbol))
        if chance.random() < 0.2:
            length = (session.close - session.open).total_seconds()
            at = session.open + timedelta(seconds=round(chance.uniform(-240.0, length), 1))
            kind = FaultKind.REST_FOREIGN_ITEM.value
            found.append(
                Trouble(at, kind, round(chance.uniform(5.0, 900.0), 1), chance.randint(1, 40), "GET /accounts")
            )
    return found
