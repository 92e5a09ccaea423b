"""Slices of the spread being priced and of its legs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.snapshot.fates import FateView


@dataclass(frozen=True, slots=True)
class LegView:
    """One leg: live while its quotes are subscribed, else as it was priced. Prices are per share.

    `action` begins with what is done, such as Sell to Open; of an open trident's leg it is Short or Long.

    `crossed`: its bid is above its ask, so that it has no mid.
    """

    role: str
    action: str
    strike: Decimal
    right: str
    quantity: int
    bid: Decimal | None
    ask: Decimal | None
    mid: Decimal | None
    age_s: int | None
    crossed: bool = False


@dataclass(frozen=True, slots=True)
class SpreadSlice:
    """The trident being priced, or else the last one that was. Credits are per share, risks in $ per trident.

    `live` is true while the quotes of its legs are subscribed. `verdict` is a word: pricing, passed, refused, working,
    filled or validated. `utilization` is the share of the risk budget in use once it is filled (rules 7). `cycle` and
    `account` (masked) say whose it is; `fate` is that of its entry and `entry_id` its id: None and empty before one.
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
    cycle: int | None = None
    account: str = ""
    fate: FateView | None = None
    entry_id: str = ""

    @property
    def is_under_way(self) -> bool:
        """Whether it is being priced, or its order may still fill."""
        return self.verdict in ("pricing", "passed") if self.fate is None else not self.fate.is_over
