"""Orders as the broker and the records exchange them: requests, reports, fills, entries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import ClassVar, TypeVar

from core.domain.orders.order_states import OrderState
from core.domain.trident.trident import Action, Trident


@dataclass(frozen=True, slots=True)
class OrderLeg:
    """One leg of an order. `symbol` is the chain's OCC symbol; `quantity` is in contracts."""

    symbol: str
    action: Action
    quantity: int


class TimeInForce(Enum):
    """How long an order works. The value is the broker's word: to the end of its session, or until it is cancelled."""

    DAY = "Day"
    GTC = "GTC"


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A limit order with its legs in the order of rules 2. `credit` is per share: positive for an entry, negative, a
    debit, for an exit.

    `strict`: the broker must not let a leg open what it was to close (broker 2.3).
    """

    underlying: str
    legs: tuple[OrderLeg, ...]
    credit: Decimal
    identifier: str
    time_in_force: TimeInForce = TimeInForce.DAY
    strict: bool = False

    @property
    def debit(self) -> Decimal:
        """What the order may cost, per share."""
        return -self.credit

    @property
    def closes(self) -> bool:
        """Whether every leg closes a position."""
        return not any(leg.action.opens for leg in self.legs)

    @classmethod
    def for_trident(cls, trident: Trident, credit: Decimal, identifier: str) -> OrderRequest:
        """The order of one package of this trident, for this credit per share."""
        legs = tuple(OrderLeg(leg.symbols.occ, leg.action, leg.quantity) for leg in trident.legs)
        return cls(trident.underlying, legs, credit, identifier)


@dataclass(frozen=True, slots=True)
class Fill:
    """One fill record of one leg, known by its entry and the ids of its order and of the fill: ids may begin again
    (broker 8).

    `quantity` is in contracts, `price` per share. `order_id` is empty in records that an older version wrote.
    """

    fill_id: str
    symbol: str
    quantity: Decimal
    price: Decimal
    at: datetime
    order_id: str = ""


@dataclass(frozen=True, slots=True)
class ReportedLeg:
    """One leg of an order as the broker reports it. `action` is the broker's word; quantities are in contracts."""

    symbol: str
    action: str
    quantity: Decimal
    remaining: Decimal | None
    fills: tuple[Fill, ...]


@dataclass(frozen=True, slots=True)
class OrderReport:
    """An order as the broker reports it, in an answer, a listing or an alert. `status` is the broker's own word.

    `credit` is per share, negative for a debit. Instants are aware UTC. `replaces` and `replaced_by` are the ids of the
    orders that it replaces and that replaces it. `cancelled_by` is who cancelled it, where that was another user than
    the order's own, and `user` who placed it. These and the broker's words for type and time in force are empty where
    the broker says nothing.
    """

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
    replaces: str = ""
    replaced_by: str = ""
    cancelled_by: str = ""
    time_in_force: str = ""
    order_type: str = ""
    user: str = ""

    @property
    def fills(self) -> tuple[Fill, ...]:
        """The fills of all legs, each with this order's id."""
        return tuple(replace(fill, order_id=self.order_id) for leg in self.legs for fill in leg.fills)


ADOPTED = "adopted"
"""The origin of an entry that was made of an order found at the broker, on an operator's word."""


class SendClass(Enum):
    """What the evidence says of a send (rules 9)."""

    ACKNOWLEDGED = "acknowledged"
    REJECTED = "rejected"
    NOT_SENT = "not sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """The result of a send. `report` is set when it was acknowledged.

    `left` says whether the request hook let the order go; `status` and `code` are the HTTP status and the broker's
    error code.
    """

    kind: SendClass
    detail: str
    left: bool
    status: int | None = None
    code: str = ""
    report: OrderReport | None = None


class IntentKind(StrEnum):
    """What an intent is for: to open a position, or to close one."""

    ENTRY = "entry"
    EXIT = "exit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What is to be sent or was sent as one order: the record, its order at the broker and its state (rules 9).

    Instants are aware UTC; `session_day` is the exchange's date. `cancel_requested_by` is the operator who asked to
    cancel it, empty when nobody did. `engine_cancel_at` is when the broker took the engine's own cancel, None when it
    took none; `cancelled_by` is who else cancelled the order at the broker, as far as it says. `taken` is the order as
    the broker has it, where an operator has attested one that differs from the request.
    """

    KIND: ClassVar[IntentKind]

    id: str
    account: str
    session_day: date
    underlying: str
    identifier: str
    request: OrderRequest
    state: OrderState
    prepared_at: datetime
    sent_at: datetime | None
    order_id: str | None
    broker_status: str | None
    terminal_at: datetime | None
    detail: str
    fills: tuple[Fill, ...] = ()
    cancel_requested_by: str = ""
    engine_cancel_at: datetime | None = None
    cancelled_by: str = ""
    taken: OrderRequest | None = None

    @property
    def terms(self) -> OrderRequest:
        """The order whose legs its fills are counted against."""
        return self.taken or self.request


AnyIntent = TypeVar("AnyIntent", bound=Intent)
"""An intent of one kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Intent):
    """The entry of the day as recorded.

    Credits and `width` are per share, `max_risk` is in $ per package. An entry that `holds_day` forbids another entry
    of its account on that session day; one cancelled by an operator keeps holding it (rules 9). `origin` is how the
    entry came to be on record: empty for one of our own intents.
    """

    KIND: ClassVar[IntentKind] = IntentKind.ENTRY

    cycle: int
    suggestion_id: str
    expiration: date
    strikes: str
    limit: Decimal
    natural: Decimal
    mid: Decimal
    width: Decimal
    max_risk: Decimal
    holds_day: bool
    origin: str = ""

    @property
    def standing_limit(self) -> Decimal:
        """The credit that its order is at: the limit, or what an operator has attested in its place."""
        return self.limit if self.taken is None else self.taken.credit


@dataclass(frozen=True, slots=True)
class IntentOrder:
    """One order of an intent at the broker, as it was last seen there. Instants are aware UTC.

    An intent has more than one when a person replaced its order at the broker, or when its identifier is there twice.
    `updated_at` is the broker's own time of the status, None where it gave none; `ended` says that the order was shown
    to have ended. `replaces` is the id of the order it replaced, else empty.
    """

    intent_id: str
    account: str
    order_id: str
    status: str
    updated_at: datetime | None
    seen_at: datetime
    ended: bool = False
    replaces: str = ""
