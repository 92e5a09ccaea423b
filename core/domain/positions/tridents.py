"""A trident whose exits are ours to send: its rules, its phase, and why it is left alone (rules 15.7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from core.domain.market.chain import TickTable
from core.domain.positions.units import Unit, UnitName


class ExitMode(StrEnum):
    """What is sent for an account: nothing, targets alone, or targets and time exits."""

    OFF = "off"
    TARGETS = "targets"
    ALL = "all"


class Phase(StrEnum):
    """How far a trident has come. Once it is `closing` no target returns; `settling` begins at its expiration."""

    OPEN = "open"
    CLOSING = "closing"
    SETTLING = "settling"
    ENDED = "ended"


class HandsOff(StrEnum):
    """Why no new order is sent for a trident: it is `adjusted` by a split or the like, a close that is not ours works
    on it, the broker's `desk` may close it, or the operator has taken it over."""

    NONE = ""
    ADJUSTED = "adjusted"
    FOREIGN_CLOSE = "foreign close"
    DESK = "desk"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class ExitRules:
    """The settings under which a trident was filled. `targets` has the percent of each unit, None for off; `exit_dte`
    is in calendar days; `call_last`: the call's target waits for those of both puts."""

    mode: ExitMode
    targets: Mapping[UnitName, int | None]
    exit_dte: int = 7
    let_index_expire: bool = False
    call_last: bool = False


@dataclass(frozen=True, slots=True)
class ManagedTrident:
    """A trident of one package. `units` are as they are now; `body` and `width` are in dollars; `filled_at`, aware UTC,
    is when its last fill was recorded. `cash_settled`: its underlying delivers cash, and at most once; `split`: its
    puts and its call are closed apart, for good."""

    id: str
    underlying: str
    expiration: date
    body: Decimal
    width: Decimal
    units: tuple[Unit, ...]
    rules: ExitRules
    ticks: TickTable
    filled_at: datetime
    cash_settled: bool = False
    phase: Phase = Phase.OPEN
    split: bool = False
    hands_off: HandsOff = HandsOff.NONE
