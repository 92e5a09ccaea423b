"""What is left of a trident: its credit E, the most M that it can be worth, its open risk, its worst case and its
payoff at expiry (rules 15.1)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from core.domain.positions.tridents import HandsOff, ManagedTrident
from core.domain.positions.units import Unit, UnitState, left_of
from core.domain.trident.book_payoff import LeftAtExpiry
from core.domain.trident.trident import SHARES_PER_CONTRACT


def credit_left(units: Iterable[Unit]) -> Decimal | None:
    """E: the credits per share of the units left. None when one of them is not known."""
    credits = [unit.credit for unit in left_of(units)]
    known = [credit for credit in credits if credit is not None]
    return sum(known, Decimal(0)) if len(known) == len(credits) else None


def most_worth(units: Iterable[Unit], width: Decimal) -> Decimal:
    """M: the most that the units left can be worth, per share. Puts and calls are never both in the money."""
    left = left_of(units)
    puts = sum(unit.is_put for unit in left)
    return width * max(puts, len(left) - puts)


def open_risk(units: Iterable[Unit], width: Decimal) -> Decimal | None:
    """What the units left can lose, in $, never below 0. None when a credit is not known."""
    left = left_of(units)
    credit = credit_left(left)
    return None if credit is None else max(Decimal(0), SHARES_PER_CONTRACT * (most_worth(left, width) - credit))


def at_risk(units: Iterable[Unit], width: Decimal, entry: Decimal | None) -> Decimal | None:
    """What the units of a trident can lose, in $; `entry` is what its whole entry can. While a credit is not known, a
    part of it counts without one. None when nobody can say: a short contract is left without its long one."""
    known = tuple(units)
    if all(unit.state is UnitState.WHOLE for unit in known):
        return entry
    if any(unit.state is UnitState.BROKEN and unit.short in unit.held for unit in known):
        return None
    found = open_risk(known, width)
    return SHARES_PER_CONTRACT * most_worth(known, width) if found is None else found


def open_risk_of(trident: ManagedTrident, entry: Decimal | None) -> Decimal | None:
    """The open risk of a trident, in $, the same in every place: what the units left of it can lose. `entry` is what
    its whole entry can, which counts while all is left, and where other contracts stand for its legs."""
    is_adjusted = trident.hands_off is HandsOff.ADJUSTED
    return entry if is_adjusted else at_risk(trident.units, trident.width, entry)


def worst_case(units: Iterable[Unit], width: Decimal, realized: Decimal) -> Decimal | None:
    """The least that the trident can have earned at its expiration, in $ before fees: what is realized, and the worst
    of the units left. It is lost below the long put or above the long call."""
    left = left_of(units)
    credit = credit_left(left)
    return None if credit is None else realized + SHARES_PER_CONTRACT * (credit - most_worth(left, width))


def left_at_expiry(trident: ManagedTrident, realized: Decimal) -> LeftAtExpiry | None:
    """The payoff of the units left, with what is `realized` in $ before fees. None when a credit is not known, and
    while a unit is broken: what single legs are worth at expiry has no bound."""
    left = left_of(trident.units)
    credit = credit_left(left)
    if credit is None or any(unit.state is UnitState.BROKEN for unit in trident.units):
        return None
    puts = sum(unit.is_put for unit in left)
    cash = realized + SHARES_PER_CONTRACT * credit
    return LeftAtExpiry(trident.body, trident.width, puts, len(left) - puts, cash)
