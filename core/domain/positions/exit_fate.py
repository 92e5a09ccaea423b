"""What became of an exit, read from its record alone, with its figures and the one text of it for every place (rules
15.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from math import gcd

from core.domain.operation.amounts import price
from core.domain.orders.fate import FateKind, kind_of, why_of
from core.domain.orders.fills import is_complete, is_overfilled
from core.domain.orders.order_states import TERMINAL_STATES, OrderState
from core.domain.orders.way_out import SHORT_ID
from core.domain.positions.closing import fills_once
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.units import Unit, UnitName, UnitState, names_of
from core.domain.trident.trident import SHARES_PER_CONTRACT, Action

KIND_WORDS = {ExitKind.TARGET: "target", ExitKind.TIME: "time exit", ExitKind.MANUAL: "manual close"}
"""What an exit of this kind is called in a sentence."""


@dataclass(frozen=True, slots=True)
class ExitFate:
    """What became of an exit. Debits are per share of its order's price.

    `filled` and `contracts` count contracts over all legs. `debit` is its limit, `paid` what it was filled at, None
    until every leg is filled. `fills_missing`: the broker says that the order is filled, and not all of its fill
    records are here. `needs_proof`: it ended, and nothing proves yet that it closed no more than is on record.
    `holds_units`: no other exit may be prepared for its units. `is_over`: nothing more is expected of it.
    `cancel_asked`: its cancel was asked, and it still works. `cancel` tells who cancelled it, as a phrase that follows
    `cancelled`. `why` is empty while all goes well; account numbers in it are masked.
    """

    exit_id: str
    trident_id: str
    kind: FateKind
    exit_kind: ExitKind
    units: tuple[UnitName, ...]
    filled: int
    contracts: int
    debit: Decimal
    paid: Decimal | None
    fills_missing: bool
    needs_proof: bool
    holds_units: bool
    is_over: bool
    cancel_asked: bool
    order_id: str | None
    cancel: str
    why: str

    @property
    def traded(self) -> bool:
        """Whether at least one contract is filled."""
        return self.filled > 0

    @property
    def name(self) -> str:
        """The exit in a sentence: `target of put-1`."""
        return exit_name(self.exit_kind, self.units)


def exit_name(kind: ExitKind, units: tuple[UnitName, ...]) -> str:
    """An exit of this kind and these units in a sentence: `time exit of put-1, put-2, call`."""
    return f"{KIND_WORDS[kind]} of {names_of(units)}"


def exit_fate(exit: Exit) -> ExitFate:
    """What became of this exit."""
    fills = fills_once(exit.fills)
    is_working = exit.state is OrderState.WORKING
    fills_missing = exit.state is OrderState.FILLED and not is_complete(exit.terms, fills)
    return ExitFate(
        exit_id=exit.id,
        trident_id=exit.trident_id,
        kind=kind_of(exit),
        exit_kind=exit.kind,
        units=exit.units,
        filled=int(sum(fill.quantity for fill in fills)),
        contracts=sum(leg.quantity for leg in exit.terms.legs),
        debit=exit.debit,
        paid=paid(exit),
        fills_missing=fills_missing,
        needs_proof=exit.needs_proof,
        holds_units=exit.holds_units,
        is_over=exit.state in TERMINAL_STATES and not fills_missing and not exit.needs_proof,
        cancel_asked=is_working and (exit.cancel_asked_at is not None or bool(exit.cancel_requested_by)),
        order_id=exit.order_id,
        cancel=_cancel_words(exit),
        why=why_of(exit),
    )


def paid(exit: Exit) -> Decimal | None:
    """The debit per share of its order's price at which it was filled. None while a leg is not filled in full, and when
    more is filled than was ordered."""
    legs, fills = exit.terms.legs, fills_once(exit.fills)
    if not is_complete(exit.terms, fills) or is_overfilled(exit.terms, fills):
        return None
    sign = {leg.symbol: 1 if leg.action is Action.BUY_TO_CLOSE else -1 for leg in legs}
    cost = (sign[fill.symbol] * fill.quantity * fill.price for fill in fills if fill.symbol in sign)
    return sum(cost, Decimal(0)) / gcd(*(leg.quantity for leg in legs))


def way_out_of_exit(exit: Exit) -> str:
    """What the operator can do about an exit whose end was never shown; empty when nothing is needed. ORDER stands for
    an id that is not known."""
    order, short = exit.order_id or "ORDER", exit.id[:SHORT_ID]
    match exit.state:
        case OrderState.ABSENT:
            return f"`senex attest {order} {short}` corrects the record if its order is at the broker after all"
        case OrderState.INCIDENT:
            return f"settle it at the broker, then `senex attest {order} {short}` corrects the record"
    return ""


def gain_of(exit: Exit, units: Iterable[Unit]) -> Decimal | None:
    """What a filled exit has brought, in $ before fees: the credits of its units less what it cost. None while its
    price or a credit is not known."""
    cost, closed = paid(exit), [unit for unit in units if unit.name in exit.units]
    credits = [unit.credit for unit in closed if unit.credit is not None]
    if cost is None or len(credits) != len(exit.units):
        return None
    per = gcd(*(leg.quantity for leg in exit.terms.legs))
    return SHARES_PER_CONTRACT * (sum(credits, Decimal(0)) - cost * per)


def gained(exits: Iterable[Exit], units: Iterable[Unit]) -> Decimal | None:
    """What the exits of a trident with these units have brought so far, in $ before fees. None while one of them has no
    price, and where a unit has gone without an exit."""
    known = tuple(units)
    gains = [gain_of(exit, known) for exit in exits if exit.fills]
    counted = [gain for gain in gains if gain is not None]
    if len(counted) < len(gains) or any(unit.state is UnitState.GONE for unit in known):
        return None
    return sum(counted, Decimal(0))


def exit_words(fate: ExitFate) -> str:
    """The fate in a few words with its figures, the kind in capitals first: `WORKING 0.73, 0 of 2 filled`."""
    so_far = f"{fate.filled} of {fate.contracts}"
    asked = ", its cancel is asked" if fate.cancel_asked else ""
    match fate.kind:
        case FateKind.WORKING:
            return f"WORKING {price(fate.debit)}, {so_far} filled{asked}"
        case FateKind.PARTLY:
            return f"PARTLY FILLED {so_far}, the rest works{asked}"
        case FateKind.FILLED if fate.paid is None:
            return "FILLED, its fill records have not all come" if fate.fills_missing else "FILLED beyond its order"
        case FateKind.FILLED:
            return f"FILLED {price(fate.paid)}"
        case FateKind.SENDING:
            return f"SENDING {price(fate.debit)}"
        case FateKind.UNKNOWN:
            return "UNKNOWN: the broker may have it or not; its units get no order"
        case FateKind.ABSENT:
            return f"ABSENT: not at the broker{f', {so_far} filled before' if fate.traded else ''}"
    cancel = f" {fate.cancel}" if fate.cancel else ""
    part = f", {so_far} filled" if fate.traded else ""
    if fate.kind is FateKind.EXPIRED and not fate.traded:
        part = " unfilled"
    why = f": {fate.why}" if fate.why and not fate.cancel else ""
    proof = "; its end is not proved yet" if fate.needs_proof else ""
    return f"{fate.kind.value.upper()}{cancel}{part}{why}{proof}"


def _cancel_words(exit: Exit) -> str:
    """Who cancelled the order; empty when it was not cancelled."""
    if exit.state is not OrderState.CANCELLED:
        return ""
    if exit.cancel_requested_by:
        return f"by {exit.cancel_requested_by}"
    if exit.cancelled_by:
        return f"at the broker by {exit.cancelled_by}"
    if exit.cancel_asked_at is None:
        return "at the broker, not by this console"
    return f"by this console ({exit.cancel_why})" if exit.cancel_why else "by this console"
