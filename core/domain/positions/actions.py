"""What may be done next for a trident (rules 15.7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.positions.plans import ExitPlan

NOTHING_DUE = "nothing is due"
"""Why a trident waits whose orders, if it has any, rest as they should."""

WALK_GOES_ON = "the market is closed; its walk goes on"
"""Why a trident waits whose time exit has begun, until the walk of the next session."""


class Alert(StrEnum):
    """What the operator has to be told while nothing is done."""

    BROKEN = "broken"
    CREDIT_UNKNOWN = "credit unknown"
    DIVIDEND_UNKNOWN = "dividend unknown"
    MUST_CLOSE = "must close"
    QUOTES_STALE = "quotes stale"
    REFUSED = "refused"


class CancelWhy(StrEnum):
    """Why an exit of ours is cancelled by us. After `STEP` the walk goes on."""

    NO_LONGER_FITS = "it no longer fits what is left"
    LEFT_ALONE = "the trident is left alone"
    CLOSING = "what is left is closed"
    STEP = "the next step of the walk"
    DESK = "the broker may close the legs now"
    NEW_TARGETS = "the operator gives it new targets"


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is done before `until`, aware UTC; None: not before something changes. `why` is told."""

    until: datetime | None
    why: str
    alert: Alert | None = None


@dataclass(frozen=True, slots=True)
class Prove:
    """These exits have ended, or were asked to: their end is to be proved."""

    exit_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cancel:
    """These exits are to be cancelled, in this order."""

    exit_ids: tuple[str, ...]
    why: CancelWhy


@dataclass(frozen=True, slots=True)
class PlaceTargets:
    """These targets are due."""

    plans: tuple[ExitPlan, ...]


@dataclass(frozen=True, slots=True)
class PlaceClose:
    """This close is due."""

    plan: ExitPlan


@dataclass(frozen=True, slots=True)
class MarkClosing:
    """Its time exit begins."""

    why: str


@dataclass(frozen=True, slots=True)
class MarkSplit:
    """Its puts and its call are closed apart from now on."""


@dataclass(frozen=True, slots=True)
class LeaveToDesk:
    """No order of ours is sent for it any more today: a second closer beside the broker's desk is worse than none."""


@dataclass(frozen=True, slots=True)
class MarkSettling:
    """It has expired."""


@dataclass(frozen=True, slots=True)
class End:
    """Its last unit has ended."""


Action = Wait | Prove | Cancel | PlaceTargets | PlaceClose | MarkClosing | MarkSplit | LeaveToDesk | MarkSettling | End
