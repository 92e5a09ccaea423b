"""The spread being priced, leg by leg."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class LegView:
    """One leg as priced, or live while its subscription lasts."""

    role: str
    action: str
    strike: Decimal
    right: str
    quantity: int
    bid: Decimal | None
    ask: Decimal | None
    mid: Decimal | None
    age_s: int | None


@dataclass(frozen=True, slots=True)
class SpreadSlice:
    """The trident being priced, or the last one priced. Credits per share, risks in $ per package.

    `live` is true while the leg quotes are still subscribed. `verdict` is a word: pricing, passed, refused,
    working, filled, validated. `utilization` is the part of the risk budget in use once filled (SPEC 7).
    """

    underlying: str
    expiration: date
    dte: int
    strikes: str
    body: Decimal
    width: Decimal
    legs: tuple[LegView, ...]
    live: bool
    natural: Decimal | None
    mid: Decimal | None
    limit: Decimal | None
    offset: Decimal | None
    floored: bool
    max_risk_natural: Decimal | None
    max_risk_mid: Decimal | None
    max_risk_limit: Decimal | None
    fill_credit: Decimal | None
    max_risk_fill: Decimal | None
    verdict: str
    reason: str
    utilization: Decimal | None = None
