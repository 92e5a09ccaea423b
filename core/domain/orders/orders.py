"""Order values as the broker and the records share them: requests, reports, fills."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum

from core.domain.orders.order_states import EntryState
from core.domain.trident.trident import Action, Trident


@dataclass(frozen=True, slots=True)
class OrderLeg:
    """`symbol` is the chain's OCC symbol."""

    symbol: str
    action: Action
    quantity: int


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A limit day order for a credit, four legs in the order of SPEC 2. `credit` is per share, positive."""

    underlying: str
    legs: tuple[OrderLeg, ...]
    credit: Decimal
    identifier: str

    @classmethod
    def for_trident(cls, trident: Trident, credit: Decimal, identifier: str) -> OrderRequest:
        legs = tuple(OrderLeg(leg.symbols.occ, leg.action, leg.quantity) for leg in trident.legs)
        return cls(trident.underlying, legs, credit, identifier)


@dataclass(frozen=True, slots=True)
class Fill:
    """One fill record of one leg, keyed by the broker's fill id. `price` is per share."""

    fill_id: str
    symbol: str
    quantity: Decimal
    price: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class ReportedLeg:
    symbol: str
    action: str
    quantity: Decimal
    remaining: Decimal | None
    fills: tuple[Fill, ...]


@dataclass(frozen=True, slots=True)
class OrderReport:
    """One order as the broker tells it, by answer, listing or alert. `status` is the broker's own word."""

    order_id: str
    account: str
    status: str
    identifier: str | None
    underlying: str
    credit: Decimal | None
    legs: tuple[ReportedLeg, ...]
    received_at: datetime | None
    terminal_at: datetime | None
    updated_at: datetime | None
    reject_reason: str | None = None

    @property
    def fills(self) -> tuple[Fill, ...]:
        return tuple(fill for leg in self.legs for fill in leg.fills)


class SendClass(Enum):
    """What the evidence says of a send (SPEC 9, reference reliability 2.2)."""

    ACKNOWLEDGED = "acknowledged"
    REJECTED = "rejected"
    NOT_SENT = "not sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """`report` is there when acknowledged. `left` says whether the request hook saw the order leave."""

    kind: SendClass
    detail: str
    left: bool
    status: int | None = None
    code: str = ""
    report: OrderReport | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """The entry of the day as recorded: the intent and what became of it.

    `cancel_requested_by` is the operator who asked to cancel it, empty when nobody did: such a cancel keeps the day
    (SPEC 9).
    """

    id: str
    account: str
    session_day: date
    cycle: int
    suggestion_id: str
    underlying: str
    expiration: date
    strikes: str
    identifier: str
    request: OrderRequest
    limit: Decimal
    natural: Decimal
    mid: Decimal
    width: Decimal
    max_risk: Decimal
    state: EntryState
    holds_day: bool
    prepared_at: datetime
    sent_at: datetime | None
    order_id: str | None
    broker_status: str | None
    terminal_at: datetime | None
    detail: str
    fills: tuple[Fill, ...] = ()
    cancel_requested_by: str = ""
