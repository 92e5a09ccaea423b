"""A fully priced trident with the evidence it was built on (rules 1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.domain.market.chain import Expiration
from core.domain.market.judgement import Judgement
from core.domain.market.underlying import Underlying
from core.domain.trident.pricing import Pricing
from core.domain.trident.trident import Trident


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A fully priced trident.

    `decided` is the clock's monotonic second of its pricing, `at` the same moment in market time, UTC.

    `price` is the underlying's, in dollars.
    """

    id: str
    attempt: int
    at: datetime
    decided: float
    underlying: Underlying
    price: Decimal
    expiration: Expiration
    trident: Trident
    pricing: Pricing
    judgement: Judgement
