"""Slices of how tridents are taken to their end: their units, the closing orders, the switch (rules 15)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core.domain.positions.resting import Resting
from core.domain.trident.book_payoff import LeftAtExpiry


@dataclass(frozen=True, slots=True)
class UnitView:
    """A unit of a trident: its name, and how it stands in words.

    `order` is what the order is called that works on it alone, such as target, and `works_at` its debit per share:
    empty and None without one. `mid` is what closing the unit costs at the midpoints, None without fresh quotes.
    """

    name: str
    told: str
    order: str = ""
    works_at: Decimal | None = None
    mid: Decimal | None = None

    @property
    def away(self) -> Decimal | None:
        """How far the mid is above the order that works on it, per share; None where one of them is not known."""
        return None if self.mid is None or self.works_at is None else self.mid - self.works_at


@dataclass(frozen=True, slots=True)
class TridentExits:
    """How a trident stands on its way to its end.

    `state` is a word, `next` what comes next for it. Results are in $ before fees: `realized` by the fills of its
    exits, `unrealized` of the units left at mid and at natural, None without fresh quotes; `worst_case` at
    expiration, None while nobody knows it. `is_part`: a unit of it has ended, so that marks and results of the
    whole package say nothing any more. `realized_net` is after all fees so far, those of its opening too, None
    while `realized` is; `net_estimated`: one of them is an estimate. `close_fees` is an estimate of what closing
    all that is left costs. `close_mid` and `close_natural` are what closing all that is left costs, per share of
    the order's price. `resting` names the orders that a close would cancel first. `next_exit_at` is when its time
    exit begins, or goes on in the next session; None where neither is to come. While something keeps its exits
    from being sent, `sends_targets` and `sends_all` say what would be sent at once without it: where targets alone
    are sent, and where time exits are too. `payoff` is that of what is left where `is_part`, None while nobody knows
    it.
    """

    state: str
    units: tuple[UnitView, ...]
    next: str
    realized: Decimal | None
    unrealized_mid: Decimal | None
    unrealized_natural: Decimal | None
    worst_case: Decimal | None
    close_mid: Decimal | None
    close_natural: Decimal | None
    legs: str = ""
    resting: tuple[str, ...] = ()
    next_exit_at: datetime | None = None
    is_part: bool = False
    close_fees: Decimal | None = None
    realized_net: Decimal | None = None
    net_estimated: bool = False
    sends_targets: tuple[str, ...] = ()
    sends_all: tuple[str, ...] = ()
    payoff: LeftAtExpiry | None = None


@dataclass(frozen=True, slots=True)
class EndedTrident:
    """A trident that has ended. `account` is masked; `credit` is per share, None while fills are missing. `how` says
    how it ended; `realized` is in $ after fees, None where nothing explains any unit, `estimated` while a part of it
    is. `besides` says what it is without, and how far the broker's word differs, or is empty."""

    trident_id: str
    account: str
    underlying: str
    strikes: str
    expiration: date
    credit: Decimal | None
    opened_at: datetime
    how: str
    realized: Decimal | None
    estimated: bool
    besides: str = ""


@dataclass(frozen=True, slots=True)
class ExitView:
    """A closing order that rests, is under way, or of which nobody knows what it does. `account` is masked; `debit` is
    per share of its price. `name` says what it closes, `told` what became of it, `claims` that it holds its units."""

    exit_id: str
    trident_id: str
    order_id: str
    account: str
    underlying: str
    strikes: str
    name: str
    debit: Decimal
    state: str
    told: str
    claims: bool
    at: datetime
    age_s: int


@dataclass(frozen=True, slots=True)
class ExitsView:
    """The switch of exits: `word` is on, held or blocked, `why` the cause; `resting` are the ids of the closing orders
    that rest at the broker, so many `targets` among them, of so many `tridents`."""

    word: str
    why: str = ""
    resting: tuple[str, ...] = ()
    targets: int = 0
    tridents: int = 0

    @property
    def rests(self) -> Resting:
        """What rests at the broker, for sentences."""
        return Resting(self.resting, self.targets, self.tridents)
