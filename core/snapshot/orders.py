"""Slices of the entries and their orders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from core.domain.orders.settling import Settling
from core.snapshot.fates import FateView


@dataclass(frozen=True, slots=True)
class FillView:
    """One fill of one leg, as the broker reported it. `price` is per share."""

    leg: str
    quantity: Decimal
    price: Decimal
    at: datetime


class Reentry(StrEnum):
    """Whether a person's cancel closed the account's day (rules 9). Once re-entry is allowed, the day is free again
    as soon as it is proved that nothing was filled."""

    NONE = ""
    CLOSED = "closed"
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True)
class OrderView:
    """One entry. `state` is our word for it, `broker_status` the broker's; `account` is masked. Prices are per share.

    `evidence` tells of an entry whose fate is unknown: what was looked for so far, and what comes next. `identifier` is
    the mark that its order carries at the broker. `holds_day`: while it stands, its account enters nothing else today.
    `day` and `cycle` say which cycle of which session made it. `settling` is where the proof about it stands.
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
    fate: FateView | None = None
    day: date | None = None
    cycle: int | None = None
    settling: Settling | None = None
