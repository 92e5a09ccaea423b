"""A trident, its units and what it earned in words, one text for every place that tells them (rules 15.1, 15.6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum

from core.domain.market.chain import Right
from core.domain.operation import amounts
from core.domain.operation.amounts import price, signed_dollars, strike
from core.domain.operation.times import EXCHANGE_ZONE, day_of
from core.domain.orders.fate import FateKind
from core.domain.orders.orders import OrderLeg
from core.domain.orders.way_out import SHORT_ID
from core.domain.positions.closing import closed_by
from core.domain.positions.exit_fate import KIND_WORDS, exit_fate
from core.domain.positions.exits import Exit
from core.domain.positions.pnl import Realized
from core.domain.positions.trident_view import TridentView
from core.domain.positions.tridents import HandsOff, ManagedTrident, Phase
from core.domain.positions.units import Ended, Unit, UnitName, UnitState, in_order, names_of
from core.domain.trident.occ import read_occ
from core.domain.trident.trident import SHARES_PER_CONTRACT

UNEXPLAINED = "gone?"
"""How a unit ended of which nothing says how, or for how much."""


class TridentWord(StrEnum):
    """How a trident stands, in a word. It is worked out, never kept."""

    OPEN = "open"
    TARGETS_REST = "targets resting"
    CLOSING = "closing"
    SETTLING = "settling"
    ENDED = "ended"
    BROKEN = "broken"
    ADJUSTED = "adjusted"
    FOREIGN_CLOSE = "foreign close"
    DESK = "left to the desk"
    RELEASED = "released"
    NOT_MANAGED = "not managed"


_HANDS_OFF = {
    HandsOff.ADJUSTED: TridentWord.ADJUSTED,
    HandsOff.FOREIGN_CLOSE: TridentWord.FOREIGN_CLOSE,
    HandsOff.DESK: TridentWord.DESK,
    HandsOff.RELEASED: TridentWord.RELEASED,
}


def word_of(view: TridentView, *, is_managed: bool = True) -> TridentWord:
    """How it stands; of several words the one that the operator has to know first."""
    trident = view.trident
    if trident.phase in (Phase.ENDED, Phase.SETTLING):
        return TridentWord.ENDED if trident.phase is Phase.ENDED else TridentWord.SETTLING
    if any(unit.state is UnitState.BROKEN for unit in trident.units):
        return TridentWord.BROKEN
    if trident.hands_off is not HandsOff.NONE:
        return _HANDS_OFF[trident.hands_off]
    if not is_managed:
        return TridentWord.NOT_MANAGED
    if trident.phase is Phase.CLOSING:
        return TridentWord.CLOSING
    return TridentWord.TARGETS_REST if view.resting else TridentWord.OPEN


def strikes_of(trident: ManagedTrident) -> str:
    """Its strikes in the order of its legs: `622P/619P/622C/625C`."""
    body, width = trident.body, trident.width
    puts, calls = (strike(body), strike(body - width)), (strike(body), strike(body + width))
    return "/".join((*(f"{one}P" for one in puts), *(f"{one}C" for one in calls)))


def title_of(trident: ManagedTrident) -> str:
    """It as a sentence names it: `QQQ 622P/619P/622C/625C of Fri 19 Dec 2025`."""
    return f"{trident.underlying} {strikes_of(trident)} of {day_of(trident.expiration, None)}"


def short_id(trident: ManagedTrident) -> str:
    """The beginning of its id that names it to a command."""
    return trident.id[:SHORT_ID]


def unit_words(unit: Unit, view: TridentView, today: date | None = None) -> str:
    """How a unit stands: what closed it, or the order that works on it. `today` is the exchange's date."""
    match unit.state:
        case UnitState.CLOSED:
            exit = closing_exit(unit, view)
            return "closed" if exit is None else closed_words(unit, exit, today)
        case UnitState.GONE:
            return UNEXPLAINED if unit.how is None else f"gone: {ended_words(unit.how)}"
        case UnitState.BROKEN:
            how = "" if unit.how is None else f", {ended_words(unit.how)}"
            return f"broken{how}: {legs_words(unit.held)} is left"
    works = order_on(unit, view)
    if works is None:
        return "whole, no order works on it"
    fate = exit_fate(works)
    order = f" (order {works.order_id})" if works.order_id else ""
    proof = ", its end is not proved" if fate.needs_proof else ""
    doing = f"at {price(fate.debit)}" if fate.kind in _ON_ITS_WAY else f"{fate.kind.value}{proof}"
    return f"whole, {KIND_WORDS[works.kind]} {doing}{order}"


_ON_ITS_WAY = frozenset({FateKind.SENDING, FateKind.WORKING, FateKind.PARTLY})


def order_on(unit: Unit, view: TridentView) -> Exit | None:
    """The exit that holds the unit; None without one."""
    return next((one for one in view.exits if one.holds_units and unit.name in view.rest_of(one)), None)


def own_price(unit: Unit, view: TridentView) -> tuple[str, Decimal | None]:
    """What the order is called that works on this unit alone, and its debit per share; empty and None without one."""
    works = order_on(unit, view) if unit.state is UnitState.WHOLE else None
    if works is None or len(works.units) > 1 or exit_fate(works).kind not in _ON_ITS_WAY:
        return "", None
    return KIND_WORDS[works.kind], works.debit


def closed_words(unit: Unit, exit: Exit, today: date | None = None) -> str:
    """What closed a unit, with what it cost per share of that order's price: `closed at 0.72 on Wed 3 Dec by a
    target`."""
    paid = exit_fate(exit).paid
    others = names_of({*exit.units} - {unit.name})
    beside = f" with {others}" if others else ""
    at = "" if paid is None else f" at {price(paid)}"
    last = max((fill.at for fill in exit.fills), default=exit.terminal_at)
    on = "" if last is None else f" on {day_of(last.astimezone(EXCHANGE_ZONE).date(), today)}"
    return f"closed{beside}{at}{on} by a {KIND_WORDS[exit.kind]}"


def leg_name(symbol: str) -> str:
    """A leg by its strike and right: `619P`; a symbol that is no option's as it is."""
    option = read_occ(symbol)
    return symbol if option is None else f"{strike(option.strike)}{option.right.value}"


def legs_words(symbols: Iterable[str]) -> str:
    """Legs as people read them: `619P, 625C`."""
    return ", ".join(leg_name(symbol) for symbol in symbols)


def order_legs_words(legs: Iterable[OrderLeg]) -> str:
    """The legs of an order: `Buy to Close 1 622P, Sell to Close 1 619P`."""
    return ", ".join(f"{leg.action.value} {leg.quantity} {leg_name(leg.symbol)}" for leg in legs)


def closing_exit(unit: Unit, view: TridentView) -> Exit | None:
    """The exit that closed the unit; None when none did."""
    return next((one for one in view.exits if unit.name in closed_by(one, view.trident.units).units), None)


_ENDED_WORDS = {
    Ended.TARGET: "target",
    Ended.TIME: "time exit",
    Ended.MANUAL: "manual close",
    Ended.HAND: "closed by hand at the broker",
    Ended.ASSIGNED: "assigned",
    Ended.EXERCISED: "exercised",
    Ended.EXPIRED: "expired",
    Ended.DESK: "closed by the broker's desk",
    Ended.SPLIT: "changed by a split",
    Ended.ATTESTED: "settled by the operator's word",
}


def ended_words(how: Ended) -> str:
    """How a unit ended, in words."""
    return _ENDED_WORDS[how]


def how_it_ended(units: Iterable[Unit]) -> str:
    """How the units of a trident ended: `put-1: target; put-2, call: time exit`, or for all of them `time exit`."""
    by_word: dict[str, list[UnitName]] = {}
    for unit in in_order(units):
        by_word.setdefault(UNEXPLAINED if unit.how is None else ended_words(unit.how), []).append(unit.name)
    if len(by_word) == 1:
        return next(iter(by_word))
    return "; ".join(f"{names_of(names)}: {word}" for word, names in by_word.items())


def realized_words(realized: Realized) -> str:
    """What was realized after fees: `~+44.00 $`; `--` where nothing explains any unit. Also which units nothing
    explains, and by how much the broker's word, which counts, differs from ours."""
    is_known = len(realized.unexplained) < len(UnitName)
    told = amounts.realized(realized.net if is_known else None, estimated=realized.estimated)
    return f"{told}{left_out_words(realized.unexplained, realized.difference)}"


def left_out_words(unexplained: Sequence[UnitName], difference: Decimal) -> str:
    """What is to be said beside a result: `, without call`, `, difference -0.50 $`; empty where nothing is."""
    without = f", without {names_of(tuple(unexplained))}" if unexplained else ""
    return f"{without}{f', difference {signed_dollars(difference)}' if difference else ''}"


def covered_order(units: Sequence[Unit], underlying: str) -> str:
    """The order to be considered after the short options of these units were assigned: the shares go, and with them the
    long options. It is never sent by the console. All units are of one right; there must be at least one."""
    contracts, first = len(units), units[0]
    side = "Sell" if first.name.right is Right.PUT else "Buy"
    shares = f"{side} {contracts * SHARES_PER_CONTRACT} {underlying}"
    return f"{shares} + Sell to Close {contracts} {leg_name(first.long)}"
