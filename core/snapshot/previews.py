"""Slices of a preview: what a cycle would do now for each account (rules 5).

The fields have the names of `core.cycle.preview_values`, of which they are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core.domain.trident.payoff import Payoff
from core.snapshot.pictures import PayoffView


@dataclass(frozen=True, slots=True)
class PreviewReason:
    """A step that would refuse, and why."""

    step: str
    sentence: str


@dataclass(frozen=True, slots=True)
class PreviewScore:
    """The verdict on an underlying; without a score something stopped it at once."""

    passed: bool
    score: Decimal | None
    minimum: Decimal
    direction: str | None
    regime: str


@dataclass(frozen=True, slots=True)
class PreviewLeg:
    """One leg as it was quoted. Prices are per share, `quantity` is in contracts, `symbol` the OCC symbol."""

    action: str
    quantity: int
    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    mid: Decimal | None
    age_s: float | None


@dataclass(frozen=True, slots=True)
class PreviewUnderlying:
    """What the steps find at one underlying. What could not be found is None.

    Credits are per share, risks in $. `max_risk` is at the natural credit. `break_evens` are of a fill at the limit,
    below and above the body.
    """

    underlying: str
    would_pass: bool
    reasons: tuple[PreviewReason, ...]
    judgement: PreviewScore | None
    price: Decimal | None
    expiration: date | None
    dte: int | None
    strikes: str | None
    body: Decimal | None
    width: Decimal | None
    legs: tuple[PreviewLeg, ...]
    subtraction: str | None
    natural: Decimal | None
    mid: Decimal | None
    offset: Decimal | None
    limit: Decimal | None
    floored: bool | None
    max_risk: Decimal | None
    max_risk_at_limit: Decimal | None
    budget: Decimal | None
    utilization: Decimal | None
    break_evens: tuple[Decimal | None, Decimal | None]

    @property
    def payoff(self) -> PayoffView | None:
        """Its payoff, filled at the limit, or at the natural credit where there is no limit; None without a credit."""
        credit = self.natural if self.limit is None else self.limit
        if self.body is None or self.width is None or self.expiration is None or credit is None:
            return None
        return PayoffView(
            underlying=self.underlying,
            expiration=self.expiration,
            strikes=self.strikes or "",
            account="",
            basis="natural" if self.limit is None else "limit",
            payoff=Payoff(self.body, self.width, credit),
            price=self.price,
            price_stale=False,
            profit_mid=None,
            profit_natural=None,
            marks_stale=False,
            others=0,
        )


@dataclass(frozen=True, slots=True)
class PreviewView:
    """What a cycle would do for one account, which is masked. `at` is the market time it was made at.

    `underlying` is the one that a cycle would take. `account_reasons` are those of the account and the market.
    `buying_power`, `open_risk` and `open_tridents` are None when the broker did not tell.
    """

    account: str
    at: datetime
    would_send: bool
    underlying: str | None
    account_reasons: tuple[PreviewReason, ...]
    buying_power: Decimal | None
    open_risk: Decimal | None
    open_tridents: int | None
    underlyings: tuple[PreviewUnderlying, ...]

    @property
    def chosen(self) -> PreviewUnderlying | None:
        """The underlying that a cycle would take, None when none passes."""
        return next((one for one in self.underlyings if one.underlying == self.underlying), None)

    @property
    def pictured(self) -> PreviewUnderlying | None:
        """The underlying whose payoff is shown: the chosen one, else the first with a credit."""
        return self.chosen or next((one for one in self.underlyings if one.payoff is not None), None)
