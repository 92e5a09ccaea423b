"""Exits: the closing orders of a trident with their durable intents, and the units that each holds (rules 15.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from core.domain.orders.order_states import OPEN_STATES, OrderState
from core.domain.orders.orders import Intent, IntentKind
from core.domain.positions.units import UnitName


class ExitKind(StrEnum):
    """Why an exit was sent: a profit target, the time exit, or an operator's word."""

    TARGET = "target"
    TIME = "time"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit(Intent):
    """One closing order of a trident as recorded.

    `units` are those that it claims, from `prepared` to `released_at`: no other exit may be prepared for them
    meanwhile. Prices are debits per share of the order's price: `cap` is the highest that its rule allowed, None for a
    target; `basis` is the unit credit that a target was taken from; `mid` and `natural` are those at the decision.
    `step` counts the walk, from 0. Instants are aware UTC; `cancel_asked_at` is when the product asked for its own
    cancel, and `cancel_why` the reason. `origin` is how the exit came to be on record: empty for one of our own
    intents.
    """

    KIND: ClassVar[IntentKind] = IntentKind.EXIT

    trident_id: str
    kind: ExitKind
    units: tuple[UnitName, ...]
    cap: Decimal | None = None
    basis: Decimal | None = None
    mid: Decimal | None = None
    natural: Decimal | None = None
    step: int = 0
    cancel_asked_at: datetime | None = None
    cancel_why: str = ""
    released_at: datetime | None = None
    origin: str = ""

    @property
    def debit(self) -> Decimal:
        """What its order may cost, per share."""
        return self.terms.debit

    @property
    def may_fill(self) -> bool:
        """Whether its order may still take contracts, as far as anybody knows. An incident may be alive."""
        return self.state in OPEN_STATES or self.state is OrderState.INCIDENT

    @property
    def holds_units(self) -> bool:
        """Whether its units are claimed: no other exit may be prepared for them."""
        return self.released_at is None and (self.may_fill or self.needs_proof)

    @property
    def needs_proof(self) -> bool:
        """Whether its order ended without being filled, and nothing yet proves that it closed no more than is on
        record."""
        return self.released_at is None and self.state in _ENDS_BY_PROOF


_ENDS_BY_PROOF = frozenset({OrderState.CANCELLED, OrderState.EXPIRED, OrderState.REJECTED})


def unreleased(exits: Iterable[Exit]) -> tuple[Exit, ...]:
    """The exits that still claim their units, in the order given."""
    return tuple(one for one in exits if one.released_at is None)
