"""Compares a complete read of an account with what is on record. Nothing is believed here (rules 15.4, 15.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from core.domain.orders.order_states import OPEN_STATES
from core.domain.orders.orders import Entry
from core.domain.positions.attribution import ForeignFill, Loss, after_foreign
from core.domain.positions.holdings import Difference, HeldTrident, Range, differences, expected
from core.domain.positions.units import legs_of
from core.domain.trident.sides import LegSide
from core.positions.complete_reads import CompleteRead
from core.records.repositories.trident_rows import TridentRecord

_NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class AccountOnRecord:
    """What the records have of an account: its tridents that have not ended with their units as they are, and the
    entries that are no tridents."""

    records: tuple[TridentRecord, ...]
    held: tuple[HeldTrident, ...]
    entries: tuple[Entry, ...]

    @property
    def legs(self) -> Mapping[LegSide, Decimal]:
        """The contracts of all units."""
        counts: dict[LegSide, Decimal] = {}
        for one in self.held:
            for leg, count in legs_of(one.units).items():
                counts[leg] = counts.get(leg, _NONE) + count
        return counts

    @property
    def entry_may_fill(self) -> bool:
        return any(entry.state in OPEN_STATES for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Change:
    """What a read shows that is not on record. `left` is what is foreign once the fills of others are used, `closed`
    what they closed of ours; `found` is what they do not explain, without what is `awaited`: contracts of a new trident
    that no read has shown yet."""

    fills: tuple[ForeignFill, ...]
    left: Mapping[LegSide, Decimal]
    closed: tuple[Loss, ...]
    found: tuple[Difference, ...]
    awaited: tuple[Difference, ...] = ()

    @property
    def sign(self) -> object:
        """The same for two reads that show the same."""
        return frozenset(fill.key for fill in self.fills), frozenset((one.leg, one.seen) for one in self.found)

    @property
    def lost(self) -> tuple[Loss, ...]:
        """What is lost to us, what an order of others closed first."""
        return self.closed + tuple(Loss(one.leg, one.lost) for one in self.found if one.lost)


def foreign_at_first(account: AccountOnRecord, read: CompleteRead) -> Mapping[LegSide, Decimal]:
    """What is foreign at the first complete read of the account: what is there beyond all that ours may be."""
    ranges, seen = expected(account.held, account.entries, {}), read.options()
    beyond = {leg: quantity - ranges[leg].high if leg in ranges else quantity for leg, quantity in seen.items()}
    return {leg: quantity for leg, quantity in beyond.items() if quantity > 0}


def differing_at_first(
    account: AccountOnRecord, read: CompleteRead, foreign: Mapping[LegSide, Decimal]
) -> frozenset[LegSide]:
    """The legs of ours of which the first read shows other than they may be beside these foreign ones."""
    ranges = _with(expected(account.held, account.entries, {}), foreign)
    return frozenset(one.leg for one in differences(ranges, read.options()))


def change_of(
    account: AccountOnRecord,
    read: CompleteRead,
    foreign: Mapping[LegSide, Decimal],
    fills: tuple[ForeignFill, ...],
    not_shown: Mapping[LegSide, Decimal],
) -> Change:
    """What the read shows beside what is foreign and what others filled. It need not show the contracts in `not_shown`
    yet."""
    left, closed = after_foreign(foreign, fills, account.legs)
    ranges = expected(account.held, account.entries, left)
    for loss in closed:
        if loss.leg in ranges:
            had = ranges[loss.leg]
            ranges = {**ranges, loss.leg: Range(max(_NONE, had.low - loss.quantity), had.high - loss.quantity)}
    found = differences(ranges, read.options())
    awaited = tuple(one for one in found if 0 < one.lost <= not_shown.get(one.leg, _NONE))
    return Change(fills, left, closed, tuple(one for one in found if one not in awaited), awaited)


def _with(ranges: Mapping[LegSide, Range], foreign: Mapping[LegSide, Decimal]) -> Mapping[LegSide, Range]:
    return {
        leg: Range(had.low + foreign.get(leg, _NONE), had.high + foreign.get(leg, _NONE)) for leg, had in ranges.items()
    }
