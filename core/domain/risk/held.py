"""Which contracts of our tridents the broker holds: the one comparison of records and positions (rules 7, 9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.domain.operation import amounts
from core.domain.orders.fills import filled_by_symbol
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry
from core.domain.risk.risk import HeldLeg
from core.domain.trident.sides import Direction, side_of

GONE = "none"
"""What stands for the missing legs of an entry of which the broker holds nothing any more."""
_Key = tuple[str, Direction]


@dataclass(frozen=True, slots=True)
class ComparedLeg:
    """One leg of an entry: the contracts that its fills have made, and how many of them the broker holds."""

    symbol: str
    recorded: Decimal
    held: Decimal


@dataclass(frozen=True, slots=True)
class Compared:
    """An entry with fills, compared with the broker's positions."""

    entry: Entry
    legs: tuple[ComparedLeg, ...]

    @property
    def is_held(self) -> bool:
        """Whether at least one contract is held. A trident is ours until none of its legs is (rules 7)."""
        return any(leg.held > 0 for leg in self.legs)

    @property
    def shown(self) -> str:
        """What the read shows: the legs that are `missing`, GONE when none is held."""
        return self.missing if self.is_held else GONE

    @property
    def missing(self) -> str:
        """The legs that are held in part or not at all, with their counts: `0 of 1 SYMBOL`. Empty when all are held."""
        short = (leg for leg in self.legs if leg.held < leg.recorded)
        return ", ".join(
            f"{amounts.quantity(leg.held)} of {amounts.quantity(leg.recorded)} {leg.symbol}" for leg in short
        )


def differing_words(missing: str) -> str:
    """What every place says of a trident of which these legs are missing at the broker; empty when none is."""
    if missing in ("", GONE):
        return ""
    return f"positions differ: the broker holds {missing}; the figures are those of its fills"


Left = Mapping[_Key, tuple[Decimal, Decimal]]
"""By leg and side: how many contracts of a trident must be held at least, and may be at most."""


def compared(
    filled: Sequence[Entry], positions: Iterable[HeldLeg], left_of: Mapping[str, Left] | None = None
) -> tuple[Compared, ...]:
    """Each of these entries compared with the positions, in the order given.

    Contracts that two tridents share are counted once, for the newer entry first, because the broker closes the oldest
    lots first. An incident is compared by its fills, and another entry by its order, whose fill records may be late.
    Of an entry in `left_of`, by its id, only what is left of its units is looked for.
    """
    tridents = left_of or {}
    left: dict[_Key, Decimal] = {}
    for position in positions:
        key = (position.symbol, position.direction)
        left[key] = left.get(key, Decimal(0)) + position.quantity
    found: dict[str, Compared] = {}
    for entry in sorted(filled, key=lambda e: (e.prepared_at, e.id), reverse=True):
        legs = []
        known = {key: (recorded, recorded) for key, recorded in _recorded(entry, left).items()}
        for key, (least, most) in tridents.get(entry.id, known).items():
            held = min(left.get(key, Decimal(0)), most)
            left[key] = left.get(key, Decimal(0)) - held
            legs.append(ComparedLeg(key[0], least, held))
        found[entry.id] = Compared(entry, tuple(legs))
    return tuple(found[entry.id] for entry in filled)


def _recorded(entry: Entry, left: dict[_Key, Decimal]) -> dict[_Key, Decimal]:
    """The contracts that the entry has put into the account, by leg and side."""
    by_symbol = filled_by_symbol(entry.fills)
    recorded: dict[_Key, Decimal] = {}
    for leg in entry.terms.legs:
        filled = by_symbol.pop(leg.symbol, Decimal(0))
        quantity = filled if entry.state is OrderState.INCIDENT else max(filled, Decimal(leg.quantity))
        if quantity > 0:
            recorded[leg.symbol, side_of(leg.action)] = quantity
    for symbol, filled in by_symbol.items():  # a leg that the order does not have: its side is not on record
        short = left.get((symbol, Direction.SHORT), Decimal(0)) > 0
        recorded[symbol, Direction.SHORT if short else Direction.LONG] = filled
    return recorded
