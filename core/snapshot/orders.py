"""The entries and their orders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class FillView:
    """One fill record of one leg."""

    leg: str
    quantity: Decimal
    price: Decimal
    at: datetime


class Reentry(StrEnum):
    """Whether an operator's cancel closed the account's day (SPEC 9); once allowed, proof of no fill frees it."""

    NONE = ""
    CLOSED = "closed"
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True)
class OrderView:
    """One entry. `state` is ours, `broker_status` the broker's word; account is masked.

    `evidence` says, for an unknown entry, what was looked for so far and what comes next; `identifier` is what the
    order carries at the broker.
    """

    entry_id: str
    order_id: str
    account: str
    underlying: str
    expiration: date
    strikes: str
    limit: Decimal
    state: str
    broker_status: str
    filled_contracts: int
    total_contracts: int
    fill_credit: Decimal | None
    fills: tuple[FillView, ...]
    at: datetime
    age_s: int
    detail: str = ""
    evidence: str = ""
    identifier: str = ""
    reentry: Reentry = Reentry.NONE
    holds_day: bool = False
