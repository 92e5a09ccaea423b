"""What is not known of the real broker: each habit it may have, with the answers that were seen or read of.

A client has to hold under all of them. The defaults are the likelier answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class WithoutPosition(Enum):
    """What happens to a strict order that would close a position the account does not hold."""

    DISCARD = "discard"
    """It is accepted, routed and then rejected."""
    REFUSE = "refuse"
    """It is refused with 422 before it is accepted."""


class WorkingCloses(Enum):
    """How much of a position an order may close while other orders that close it work."""

    RESERVE = "reserve"
    """Only what the others leave."""
    IGNORE = "ignore"
    """All of it."""


class OpeningBesideClose(Enum):
    """What happens to an order that opens in a symbol on the side on which a working one closes, and the reverse."""

    ALLOW = "allow"
    REFUSE_OPENING = "refuse-opening"
    REFUSE_CLOSING = "refuse-closing"


class TradesPosted(Enum):
    """When the row of a trade is among the transactions."""

    AT_ONCE = "at once"
    """As soon as the position shows it."""
    EVENING = "22:00"
    """At 22:00 exchange time of its day."""


class FeesFinal(Enum):
    """When the fees of a transaction are no estimate any more."""

    OVERNIGHT = "overnight"
    """From 06:00 exchange time of the next day on."""
    NEVER = "never"


class AssignmentFee(Enum):
    """What the fee of an assignment or an exercise is charged for."""

    SYMBOL = "symbol"
    """Once for each symbol that is settled."""
    CONTRACT = "contract"
    """For each contract."""


@dataclass(frozen=True, slots=True)
class Habits:
    """The habits of one simulated broker."""

    position_lag_s: tuple[float, float] = (0.0, 3.0)
    """At least and at most how many wall seconds after a fill the positions show it."""
    strict_without_position: WithoutPosition = WithoutPosition.DISCARD
    relabel: bool = True
    """Whether a leg that would close a position the account does not hold becomes one that opens, unless the order is
    strict. Otherwise the order is refused."""
    working_closes: WorkingCloses = WorkingCloses.RESERVE
    opening_beside_close: OpeningBesideClose = OpeningBesideClose.ALLOW
    warns_no_position: bool = True
    """Whether a dry run warns of a leg that closes a position the account does not hold."""
    gtc_touched_daily: bool = False
    """Whether an order that works over nights is routed anew at each open, under another number of the exchange."""
    trades_posted: TradesPosted = TradesPosted.AT_ONCE
    fees_final: FeesFinal = FeesFinal.OVERNIGHT
    assignment_fee: AssignmentFee = AssignmentFee.SYMBOL
    desk: bool = True
    """Whether the broker's risk desk closes expiring positions that the account could not carry as shares."""
    early_assignment: bool = True
    """Whether holders exercise contracts before their last day. One that is told to assign does so in any case."""
    pin_assignment: float = 0.0
    """The chance that a short contract within 0.10 $ out of the money is assigned at expiration."""
    hand_sells_shares: bool = False
    """Whether the operator of the account sells shares of an assignment at 10:00 of the next session."""

    def __post_init__(self) -> None:
        """Raises ValueError for a lag or a chance out of range."""
        least, most = self.position_lag_s
        if not 0 <= least <= most <= 3600:
            raise ValueError(f"position_lag_s {least:g}..{most:g} is no range within 0..3600 seconds")
        if not 0 <= self.pin_assignment <= 1:
            raise ValueError(f"pin_assignment {self.pin_assignment:g} is outside 0..1")
