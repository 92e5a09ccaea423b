"""The P&L at expiry of what is left of tridents, one or several of an underlying together (rules 2, 15.1). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from core.domain.trident.trident import SHARES_PER_CONTRACT


@dataclass(frozen=True, slots=True)
class LeftAtExpiry:
    """The verticals that are left of a trident: `puts` and `calls` count them. `body` and `width` are in dollars.

    `cash` is in $: the credits of what is left, and what the trident has realized, before fees.
    """

    body: Decimal
    width: Decimal
    puts: int
    calls: int
    cash: Decimal

    def at(self, settle: Decimal) -> Decimal:
        """What the whole trident will have brought in $ at this settlement, before fees."""
        put = min(max(self.body - settle, Decimal(0)), self.width)
        call = min(max(settle - self.body, Decimal(0)), self.width)
        return self.cash - SHARES_PER_CONTRACT * (self.puts * put + self.calls * call)

    @property
    def bends(self) -> tuple[Decimal, ...]:
        """The settlements at which the line of its results bends."""
        body, width = self.body, self.width
        below = (body - width, body) if self.puts else ()
        above = (body, body + width) if self.calls else ()
        return tuple(dict.fromkeys((*below, *above)))


@dataclass(frozen=True, slots=True)
class BookPayoff:
    """What tridents of one underlying will have brought together, each settled at the same price at its own
    expiration."""

    tridents: tuple[LeftAtExpiry, ...]

    def at(self, settle: Decimal) -> Decimal:
        """The P&L in $ at this settlement, before fees."""
        return sum((one.at(settle) for one in self.tridents), Decimal(0))

    @property
    def bends(self) -> tuple[Decimal, ...]:
        """The settlements at which the line of the results bends, from the lowest; outside of them it is flat."""
        return tuple(sorted({bend for one in self.tridents for bend in one.bends}))

    @property
    def best(self) -> tuple[Decimal, Decimal]:
        """A settlement at which the most is gained, and that in $. Raises ValueError when nothing is left."""
        return max(self._corners(), key=lambda corner: corner[1])

    @property
    def worst(self) -> tuple[Decimal, Decimal]:
        """A settlement at which the least is gained, and that in $. Raises ValueError when nothing is left."""
        return min(self._corners(), key=lambda corner: corner[1])

    @property
    def break_evens(self) -> tuple[Decimal, ...]:
        """The settlements at which a gain turns into a loss or a loss into a gain, from the lowest."""
        found: list[Decimal] = []
        for (left, before), (right, after) in pairwise(self._corners()):
            if before < 0 <= after or after < 0 <= before:
                found.append(left + (right - left) * before / (before - after))
        return tuple(found)

    def curve(self, low: Decimal, high: Decimal) -> tuple[tuple[Decimal, Decimal], ...]:
        """Points (settlement, P&L in $) from `low` to `high`, with every bend between. Straight lines through them are
        exact."""
        settles = sorted({low, high, *(bend for bend in self.bends if low < bend < high)})
        return tuple((settle, self.at(settle)) for settle in settles)

    def _corners(self) -> tuple[tuple[Decimal, Decimal], ...]:
        return tuple((bend, self.at(bend)) for bend in self.bends)


def book_of(tridents: Iterable[LeftAtExpiry | None]) -> BookPayoff:
    """The book of those whose payoff is known."""
    return BookPayoff(tuple(one for one in tridents if one is not None))
