"""A fully priced trident with the evidence it was built on (SPEC 1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.domain.chain import Expiration
from core.domain.judgement import Judgement
from core.domain.pricing import Pricing
from core.domain.trident import Trident
from core.domain.underlying import Underlying


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`decided` is the clock's monotonic second of pricing; `at` the same moment in market time, UTC."""

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
